#pragma once
/// Recordings of brain waves (EEG) during which a hand grasps and lifts things.
///
/// A series is a pair of CSV files, as in Kaggle's "Grasp-and-Lift EEG Detection" (2015), whose recordings are those of Luciw,
/// Jarocka, Edin 2014, "Multi-channel EEG recordings during 3,936 grasp and lift trials with varying weight and friction":
///
///     subj1_series1_data.csv                  subj1_series1_events.csv
///     id,Fp1,Fp2,F7,…                         id,HandStart,FirstDigitTouch,BothStartLoadPhase,LiftOff,Replace,BothReleased
///     subj1_series1_0,-31,363,211,…           subj1_series1_0,0,0,0,0,0,0
///     subj1_series1_1,-29,342,216,…           subj1_series1_1,0,0,0,0,0,0

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/tensor.hpp>

namespace carousel {

inline constexpr Index eeg_rate = 500;  ///< rows a second
/// An event is marked 150 ms before and after it, so that several may be at a time.
inline constexpr Index eeg_rows_of_event = 150;
inline constexpr std::array<std::string_view, 6> eeg_events = {"HandStart", "FirstDigitTouch", "BothStartLoadPhase",
                                                               "LiftOff",   "Replace",         "BothReleased"};
/// The electrodes of those recordings.
inline constexpr std::array<std::string_view, 32> eeg_channels = {
    "Fp1", "Fp2", "F7",  "F3",  "Fz",  "F4",   "F8", "FC5", "FC1", "FC2", "FC6", "T7",  "C3", "Cz", "C4", "T8",
    "TP9", "CP5", "CP1", "CP2", "CP6", "TP10", "P7", "P3",  "Pz",  "P4",  "P8",  "PO9", "O1", "Oz", "O2", "PO10"};

/// One recording without a break.
struct EegSeries {
  Index subject = 0, number = 0;           ///< of the series among those of its subject
  std::vector<std::string> channels = {};  ///< their names
  std::vector<float> signals = {};         ///< [rows, channels]
  std::vector<std::uint8_t> events = {};   ///< [rows]: bit k is set while eeg_events[k] is near

  Index rows() const { return static_cast<Index>(events.size()); }
  std::string name() const { return "subj" + std::to_string(subject) + "_series" + std::to_string(number); }
};

}  // namespace carousel
