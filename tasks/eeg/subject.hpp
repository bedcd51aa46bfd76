#pragma once
/// A subject whose brain waves are made by a program, for those who have no recordings at hand.

#include <carousel/tasks/eeg/series.hpp>

namespace carousel {

/// Records one series of a subject that does not exist: grasping and lifting, over and over, until the time is up.
///
/// The head: sources below the scalp, each of which reaches the electrodes around its place. Three belong to the task, and each
/// of these serves two events: one to the hand that sets out and lets go, one to what is touched and replaced, one to the load
/// taken up and lifted off.
///
/// An event is preceded, on its source, by a slow wave, u exp(−u²/2) with u = (t − centre) / width: readiness before (negative),
/// rebound behind (positive), each over some 300 ms. Its middle leads the event by 110 ms. As it is as much below as above zero
/// while its event is marked, its value at one moment says little; and as the two events of a source look the same, only the
/// trial so far tells which of them it is. At any time, sources make waves of their own in which the rebound comes first: these
/// mean nothing, and the order of their halves is all that tells.
///
/// A trial: a light flashes, which shows at the back of the head; 0.6–2 s later the hand starts; 0.5–1 s, first touch; 0.1–0.3 s,
/// load phase; 0.2–0.6 s, lift-off; 1.5–3.5 s, replaced; 0.3–0.8 s, released; then 1.5–4 s of rest.
///
/// Upon that: noise of the same band on the three sources, ten other sources that drift at their own speed, alpha waves (10 Hz),
/// the mains (50 Hz), blinks, electrodes that drift, and noise of the amplifier. Values are rounded to whole microvolts.
///
/// The same subject, series and time give the same numbers each time; the head is the subject's, all the rest the series' own.
EegSeries record_series(Index subject, Index series, Index seconds);

}  // namespace carousel
