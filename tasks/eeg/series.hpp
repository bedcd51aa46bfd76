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

#include <carousel/lib/numbers/shape.hpp>
#include <carousel/tasks/csv/csv.hpp>

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
  std::string name;                        ///< "subj1_series1": of the files, and before the number in each id
  std::vector<std::string> channels = {};  ///< their names
  std::vector<double> signals = {};        ///< [rows, channels]
  std::vector<std::uint8_t> events = {};   ///< [rows]: bit k is set while eeg_events[k] is near

  Index rows() const { return static_cast<Index>(events.size()); }
};

/// "subj1" of "subj1_series2": what stands before the last "_series", else nothing.
std::string subject_of(const std::string& series);

/// The names of the series in a folder, those of `subject` or, if that is empty, all: by subject and then by number, in which 10
/// comes after 9. Throws std::runtime_error if the folder cannot be read, or a file of a pair is missing.
std::vector<std::string> list_series(const std::string& folder, const std::string& subject = "");

/// Reads FOLDER/NAME_data.csv and FOLDER/NAME_events.csv. Channels may be any, and as many as there are. Of `options` it takes
/// how signals are written, and who is told how far it is.
///
/// Throws std::runtime_error as Csv does, `read PATH: line 2, column 3 ("Fp2"): …`, unless each file has its header and at least
/// one row, ids are NAME_0, NAME_1, … without a gap, and as many in the events file; signals are numbers within ±1e37 and events
/// 0 or 1.
EegSeries read_series(const std::string& folder, const std::string& name, CsvOptions options = {});

/// The files FOLDER/NAME_data.csv of a folder, by subject and number. Throws std::runtime_error if it cannot be read.
std::vector<std::string> list_signals(const std::string& folder);

/// The signals of a table of which nobody knows the events: they are none. `ids` becomes the first field of each row, which may
/// be any. Throws as read_series() does.
EegSeries read_signals(const Csv& table, std::vector<std::string>& ids);

/// Writes the two files. Throws std::runtime_error if one of them is there already, or cannot be written.
void write_series(const EegSeries& series, const std::string& folder);

/// The line that events and their probabilities have in common: "id,HandStart,…".
std::string events_header();

}  // namespace carousel
