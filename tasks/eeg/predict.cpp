#include <carousel/tasks/eeg/predict.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/answers/answers.hpp>
#include <carousel/tasks/answers/input_lines.hpp>
#include <carousel/tasks/csv/options.hpp>

namespace carousel {

namespace {

/// The recordings that --input names.
std::vector<std::string> recordings_of(const std::string& input) {
  std::error_code error;
  if (!std::filesystem::is_directory(input, error)) return {input};
  std::vector<std::string> files = list_signals(input);
  if (files.empty()) bad_file("read ", input, ": has no *_data.csv: must have at least one");
  return files;
}

Csv read_recording(const std::string& path, const EegOptions& options, const PredictOptions& given) {
  return csv_input(path, {.header = CsvHeader::yes,
                          .decimal = given.decimal.value_or(options.decimal),
                          .thousands = given.thousands.value_or(options.thousands),
                          .progress = reading(given.quiet, path)});
}

}  // namespace

int predict_eeg(const SavedEeg& saved, const EegOptions& options, const PredictOptions& given) {
  const double threshold = given.threshold.value_or(0.5);
  std::vector<std::string> columns = {"id", "rows", "event"};
  columns.insert(columns.end(), eeg_events.begin(), eeg_events.end());
  Answers answers(given, columns);
  for (const std::string& path : recordings_of(given.input)) {
    std::vector<std::string> ids;
    const EegSeries series = read_signals(read_recording(path, options, given), ids);
    if (series.channels != saved.channels)
      bad_file("read ", name_of_input(path), ": has the channels ", list_words(series.channels), ": must be ",
               list_words(saved.channels));
    EegFrames frames = frames_of(series, options.filter());
    frames.offset = saved.offsets;
    const EegLogits logits = logits_of(saved.model, frames);
    for (Index frame = 0; frame < frames.frames(); ++frame) {
      const Index first = frame * frames.subsample;
      std::vector<double> chances;
      for (std::size_t k = 0; k < eeg_events.size(); ++k)
        chances.push_back(1 /
                          (1 + std::exp(-static_cast<double>(logits[static_cast<std::size_t>(frame) * eeg_events.size() + k]))));
      const auto likeliest = std::max_element(chances.begin(), chances.end());
      const auto event = static_cast<std::size_t>(likeliest - chances.begin());
      std::vector<AnswerValue> row = {ids[static_cast<std::size_t>(first)], std::min(frames.subsample, frames.rows() - first),
                                      *likeliest >= threshold ? std::string(eeg_events[event]) : std::string()};
      row.insert(row.end(), chances.begin(), chances.end());
      if (!answers.add(row)) return answers.finish();
    }
  }
  return answers.finish();
}

}  // namespace carousel
