/// Events in brain waves: which of six a hand that grasps and lifts is at. After apaszke/kaggle-grasp-and-lift (2015).

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/csv/options.hpp>
#include <carousel/tasks/eeg/model.hpp>
#include <carousel/tasks/eeg/predict.hpp>
#include <carousel/tasks/eeg/saved.hpp>
#include <carousel/tasks/eeg/subject.hpp>
#include <carousel/tasks/eeg/views.hpp>
#include <carousel/tasks/training/arguments.hpp>
#include <carousel/tasks/training/training.hpp>

namespace carousel {

namespace {

std::vector<Preset<EegOptions>> presets() {
  EegOptions usual, source;
  usual.epochs = 300, usual.subsample = 20, usual.mix = 0.7, usual.filters = 8, usual.hidden = 128, usual.dropout = 0.5;
  usual.batch = 8, usual.steps = 100, usual.rate = 5e-3, usual.clip = 1, usual.schedule = "cosine", usual.warm_up = 50;
  source.epochs = 30, source.hidden = 128, source.layers = 2, source.batch = 50, source.steps = 250, source.subsample = 3,
  source.optimizer = "rmsprop", source.rate = 2e-3, source.schedule = "exponential", source.clip = 5, source.clip_elements = true;
  return {{"default",
           "our tuned settings: recordings mixed with each other, few mixtures of channels, dropout, fewer frames a second, "
           "Adam, a rate that falls along a "
           "cosine",
           usual},
          {"source", "the original's net and rates", source}};
}

Arguments<EegOptions> arguments() {
  constexpr double many = 1000;
  Arguments<EegOptions> all("eeg", presets());
  all.add_data()
      .add_threads()
      .add("--subject", "N", &EegOptions::subject, "whose recordings: those named subjN_…; 0: of a folder all, else subject 1",
           {.at_least = 0})
      .add("--decimal", "MARK", &EegOptions::decimal, decimal_help, decimal_rule())
      .add("--thousands", "MARK", &EegOptions::thousands, thousands_help, thousands_rule())
      .add("--series", "N", &EegOptions::series, "of a subject that is made up", {.at_least = 3, .at_most = many})
      .add("--seconds", "N", &EegOptions::seconds, "of each of these", {.at_least = 20, .at_most = 3600})
      .add("--write-csv", "DIR", &EegOptions::write, "writes these there, as pairs of CSV files, and reads them from there",
           {.saved = false})
      .add("--validation", "N", &EegOptions::validation, "series of each subject to validate: those before the last ones",
           {.at_least = 1, .at_most = many})
      .add("--test", "N", &EegOptions::test, "series of each subject to test: the last ones", {.at_least = 1, .at_most = many})
      .add("--low-pass", "HZ", &EegOptions::low_pass, "cutoff of a Butterworth filter of order 3; 0: none",
           {.at_least = 0, .below = eeg_rate / 2.0})
      .add("--subsample", "N", &EegOptions::subsample, "keep every N-th row", {.at_least = 1, .at_most = many})
      .add("--mix", "A", &EegOptions::mix, "augmentation: weight of a second recording mixed in", {.at_least = 0})
      .add("--filters", "N", &EegOptions::filters, "mixtures of the channels, learned, that the layers see; 0: all channels",
           {.at_least = 0, .at_most = many})
      .add_net({.one_way = "events are found while they happen, from what came before", .dropout = dropped_each})
      .add("--steps", "N", &EegOptions::steps, "frames of each stream per update", size_rule())
      .add_training({.batch = "streams read side by side",
                     .clip = "bound of the gradient's norm; source: of each of its elements; 0: none"});
  return all;
}

/// The folder that has pairs of CSV files: DATA or DATA/eeg; empty if neither has.
std::string find_recordings(const std::string& data) {
  for (const std::string& folder : {data, data + "/eeg"})
    if (std::error_code error; std::filesystem::is_directory(folder, error) && !list_series(folder).empty()) return folder;
  return "";
}

/// Those files in a folder of data sets.
std::vector<std::string> files_of(const std::string& data) {
  std::vector<std::string> files;
  const std::string folder = find_recordings(data);
  if (folder.empty()) return files;
  for (const std::string& name : list_series(folder))
    for (const char* kind : {"_data.csv", "_events.csv"}) files.push_back(join(folder, "/", name, kind));
  return files;
}

/// The same of a folder that --data names. Throws std::runtime_error if neither has.
std::string find_named(const std::string& data) {
  std::string found = find_recordings(data);
  if (found.empty()) bad_file("--data ", data, ": there is no *_data.csv with its *_events.csv, neither here nor in eeg/");
  return found;
}

EegSource read_from(const std::string& folder, Index subject, const EegOptions& options) {
  const std::string name = subject == 0 ? "" : fmt::format("subj{}", subject);
  EegSource source{
      .about = "read " + folder, .names = list_series(folder, name), .read = [folder, &options](const std::string& series) {
        return read_series(folder, series,
                           {.decimal = options.decimal,
                            .thousands = options.thousands,
                            .progress = reading(options.quiet, series + "_data.csv")});
      }};
  if (source.names.empty()) bad_file("read ", folder, ": there is no ", name, name.empty() ? "" : "_series", "*_data.csv");
  return source;
}

EegSource made_up(const EegOptions& options) {
  const Index subject = std::max<Index>(options.subject, 1), seconds = options.seconds;
  EegSource source{.about = fmt::format("subject {}, made up by the program", subject), .read = [=](const std::string& name) {
                     return record_series(subject, std::stoll(name.substr(name.rfind("series") + 6)), seconds);
                   }};
  for (Index number = 1; number <= options.series; ++number)
    source.names.push_back(fmt::format("subj{}_series{}", subject, number));
  return source;
}

/// Where recordings are: in a folder; empty: they are made up.
std::string folder_of(const EegOptions& options) {
  const bool named = !options.data.empty();
  if (!options.write.empty()) {
    if (named) wrong_argument("--write-csv ", options.write, ": writes a subject that is made up: must be without --data");
    const EegSource source = made_up(options);
    std::error_code error;
    std::filesystem::create_directories(options.write, error);
    if (error) bad_file("--write-csv ", options.write, ": ", error.message(), ": must be a folder, or a place for one");
    for (const std::string& name : source.names) write_series(source.read(name), options.write);
    note(source.about + ", written to " + options.write);
    return options.write;
  }
  if (named) return find_named(options.data);
  const std::string data = detail::data_folder();
  return data.empty() ? "" : find_recordings(data);
}

Index frames_in(std::span<const EegFrames> series) {
  Index sum = 0;
  for (const EegFrames& one : series) sum += one.frames();
  return sum;
}

/// The names, or if they are many the first and the last.
std::string some_of(const std::vector<std::string>& names) {
  if (names.size() <= 8) return list_words(names);
  return fmt::format("{}, … {} ({} in all)", names.front(), names.back(), names.size());
}

template <class Model>
std::vector<EegLogits> logits_of_all(const Model& model, std::span<const EegFrames> series) {
  std::vector<EegLogits> all;
  for (const EegFrames& one : series) all.push_back(logits_of(model, one));
  return all;
}

/// Writes how probable each event is at each row, in the form of the competition's submissions.
void write_predictions(const std::string& path, std::span<const EegFrames> series, std::span<const EegLogits> logits) {
  std::string text = events_header() + "\n";
  for (std::size_t s = 0; s < series.size(); ++s)
    for (std::size_t r = 0; r < series[s].events.size(); ++r) {
      fmt::format_to(std::back_inserter(text), "{}_{}", series[s].name, r);
      const float* const z = logits[s].data() + r / static_cast<std::size_t>(series[s].subsample) * eeg_events.size();
      for (std::size_t k = 0; k < eeg_events.size(); ++k)
        fmt::format_to(std::back_inserter(text), ",{:.6f}", 1 / (1 + std::exp(-static_cast<double>(z[k]))));
      text += '\n';
    }
  write_text(path, text);
}

/// A training: series as streams, a model, and the states that its shards carry from batch to batch.
class EegTraining {
 public:
  EegTraining(const EegOptions& options, const std::string& about, const std::vector<std::string>& channels,
              const EegParts<EegFrames>& data)
      : options_(options),
        about_(about),
        channels_(channels),
        data_(data),
        scale_(scale_of(data.train)),
        random_(static_cast<std::uint64_t>(options.seed)),
        model_(Scope<float>(registry_, random_), options, data.train[0].channels),
        streams_(data.train, {.batch = options.batch,
                              .steps = options.steps,
                              .mix = options.mix,
                              .seed = static_cast<std::uint64_t>(options.seed)}),
        optimizer_(optimizer()) {
    model_.standardise().set(scale_);
    const int shards = options.shards();
    for (Index s = 0; s < shards; ++s) {
      const Shard shard{s, shards};
      states_.push_back(model_.start(shard.last(options.batch) - shard.first(options.batch)));
    }
    next_states_ = states_;
  }

  int run(const Metadata& metadata) {
    return train_model<float>(
        options_,
        {.about = about_,
         .parts = {.unit = "frames",
                   .train = frames_in(data_.train),
                   .validation = frames_in(data_.validation),
                   .test = frames_in(data_.test)},
         .identity = identity_of(data_),
         .metadata = metadata,
         .optimizer = *optimizer_,
         .data = {.examples = streams_.batches() * options_.batch, .batch = options_.batch, .shuffle = false},
         .loss = [this](const Batch& batch, const Shard& shard) { return loss(batch, shard); },
         .shards = static_cast<int>(states_.size()),
         .explosion = 3,
         .validation = {.name = "validation_auc",
                        .measure = [this] { return areas(data_.validation, logits_of_all(model_, data_.validation)).mean(); },
                        .higher_is_better = true},
         .after_step = [this](const StepReport&) { states_.swap(next_states_); },
         .save = [this](Safetensors& file) { put_states(file); },
         .restore = [this](const Safetensors& file) { take_states(file); },
         .views = [this](Views& views) { add_views(views); },
         .sample =
             [this](const std::string& cell) { return eeg_sample(model_, options_, scale_, data_.validation.front(), cell); },
         .result = [this](const TrainOutcome& trained) { return result(trained); },
         .baseline = Baseline{.metric = "auc", .guess = "a guess", .value = 0.5, .perfect = 1}});
  }

 private:
  std::unique_ptr<Optimizer<float>> optimizer() {
    if (options_.preset == "source" && options_.optimizer == "rmsprop")
      return std::make_unique<RmsProp<float>>(registry_, RmsPropOptions{.rate = options_.rate, .alpha = 0.95});
    return make_optimizer(options_.optimizer, registry_, options_.rate);
  }

  Var<float> loss(const Batch& batch, const Shard& shard) {
    Tape<float>& tape = Tape<float>::active();
    const Index from = shard.first(options_.batch), to = shard.last(options_.batch), steps = options_.steps;
    const Var<float> xs = tape.constant(Shape{steps, to - from, data_.train[0].channels});
    const Var<float> ys = tape.constant(Shape{steps, to - from, std::ssize(eeg_events)});
    const std::vector<Index> anew = streams_.fill(batch.epoch, batch.index, from, to, tape.data(xs), tape.data(ys));
    const auto s = static_cast<std::size_t>(shard.index);
    EegModel::State& state = next_states_[s] = states_[s];
    for (Tensor<float>& member : state.tensors())
      for (const Index stream : anew) std::fill_n(&member(stream, 0), member.shape()[1], 0.0F);
    const DropoutKey key{.seed = batch.key, .first_example = from};
    return binary_cross_entropy(model_(xs, state, key), ys,
                                {.divide_by = static_cast<double>(options_.batch * steps * std::ssize(eeg_events))});
  }

  std::vector<Metric> result(const TrainOutcome& trained) {
    const std::vector<EegLogits> logits = logits_of_all(model_, data_.test);
    const EegAreas found = areas(data_.test, logits);
    Registry<float> registry;
    Random random = random_.split("memoryless");
    MemorylessModel memoryless(Scope<float>(registry, random), data_.test[0].channels);
    memoryless.standardise.set(scale_);
    fit_memoryless(registry, memoryless, data_.train, static_cast<std::uint64_t>(options_.seed));
    const EegAreas without = areas(data_.test, logits_of_all(memoryless, data_.test));
    for (std::size_t k = 0; k < eeg_events.size(); ++k)
      print(fmt::format("{:<20}auc {:.4f}   of a frame alone {:.4f}", eeg_events[k], found.of_event[k], without.of_event[k]));
    write_predictions(trained.folder + "/predictions.csv", data_.test, logits);
    beaten_ = found.mean() < without.mean();
    if (beaten_) note(fmt::format("worse than a net that sees a frame alone: {}", what_to_try));
    return {{"auc", found.mean()}, {"memoryless_auc", without.mean()}, {"validation_auc", trained.best}};
  }

  void add_views(Views& views) const {
    const std::vector<EegFrames>& shown = views.done ? data_.test : data_.validation;
    add_eeg_views(views, shown, logits_of_all(model_, shown), channels_);
    if (beaten_)  // by the area below these curves
      views.all.back().look_for += fmt::format(" Here a net that sees a frame alone has more of it: {}.", what_to_try);
  }

  /// Calls f(name, tensor) for every tensor of the states that the shards carry.
  template <class F>
  void for_each_state(F f) {
    for (std::size_t s = 0; s < states_.size(); ++s) {
      const std::span<Tensor<float>> members = states_[s].tensors();
      for (std::size_t m = 0; m < members.size(); ++m) f(fmt::format("eeg:state/{}/{}", s, m), members[m]);
    }
  }
  void put_states(Safetensors& file) {
    for_each_state([&](const std::string& name, const Tensor<float>& state) { file.tensors[name] = from_tensor(state); });
  }
  void take_states(const Safetensors& file) {
    for_each_state([&](const std::string& name, Tensor<float>& state) {
      state = detail::tensor_of<float>(file, name, shape_of(state), detail::last_file(options_.out));
    });
  }

  static constexpr const char* what_to_try = "try more --epochs, or another --rate";

  const EegOptions& options_;
  const std::string about_;
  const std::vector<std::string>& channels_;
  const EegParts<EegFrames>& data_;
  const EegScale scale_;
  Registry<float> registry_;
  Random random_;
  EegModel model_;
  EegStreams streams_;
  std::unique_ptr<Optimizer<float>> optimizer_;
  bool beaten_ = false;                                // by one without a memory, when both were measured
  std::vector<EegModel::State> states_, next_states_;  // before and after the step that runs: a step that fails changes nothing
};

void take_off(const std::vector<double>& offsets, std::span<EegFrames> series) {
  for (EegFrames& one : series) one.offset = offsets;
}

int train(const EegOptions& options) {
  const std::string folder = folder_of(options);
  const EegSource source = folder.empty() ? made_up(options) : read_from(folder, options.subject, options);
  const EegParts<std::string> names = divide(source.about, source.names, options.split());
  std::vector<std::string> channels;
  EegParts<EegFrames> data;
  data.train = read_frames(source, names.train, options.filter(), channels);
  data.validation = read_frames(source, names.validation, options.filter(), channels);
  data.test = read_frames(source, names.test, options.filter(), channels);
  const std::vector<double> offsets =
      options.resumed.empty() ? offsets_of(data.train) : saved_offsets(options.resumed, std::ssize(channels));
  for (auto* part : {&data.train, &data.validation, &data.test}) take_off(offsets, *part);
  if (!options.quiet)
    note(fmt::format("series to train on: {}; to validate: {}; to test: {}", some_of(names.train), some_of(names.validation),
                     some_of(names.test)));
  return EegTraining(options, folder.empty() ? source.about : "read " + last_name(folder), channels, data)
      .run({{"channels", fmt::format("{}", fmt::join(channels, ","))},
            {eeg_offsets_key, fmt::format("{}", fmt::join(offsets, ","))},
            {"recordings", detail::saved_path(folder)}});
}

/// Of a folder that is named all series, else those that the training was tested on.
int evaluate(const EvalOptions& eval) {
  EegOptions options = arguments().read(eval.checkpoint, eval.file);
  options.quiet = eval.quiet;
  if (eval.decimal) options.decimal = *eval.decimal;
  if (eval.thousands) options.thousands = *eval.thousands;
  SavedEeg saved(options, eval.checkpoint, eval.file);

  const bool named = !eval.data.empty();
  const std::string folder =
      named ? find_named(eval.data) : detail::saved_value(eval.checkpoint.metadata, "recordings", eval.file);
  const EegSource source = folder.empty() ? made_up(options) : read_from(folder, named ? 0 : options.subject, options);
  const std::vector<std::string> names = named ? source.names : divide(source.about, source.names, options.split()).test;
  std::vector<EegFrames> series = read_frames(source, names, options.filter(), saved.channels);
  take_off(saved.offsets, series);
  const std::vector<EegLogits> logits = logits_of_all(saved.model, series);
  const EegAreas found = areas(series, logits);
  for (std::size_t k = 0; k < eeg_events.size(); ++k) print(fmt::format("{:<20}auc {:.4f}", eeg_events[k], found.of_event[k]));
  const std::filesystem::path run = std::filesystem::path(eval.file).parent_path();
  const std::string suffix = named ? "-" + std::filesystem::absolute(folder + "/.").parent_path().filename().string() : "";
  const std::string path = (run / ("predictions" + suffix + ".csv")).string();
  write_predictions(path, series, logits);
  note("how probable events are, row by row: " + path);
  return print_result("eeg", {{"auc", found.mean()}, {"series", static_cast<double>(series.size())}});
}

int predict(const PredictOptions& given) {
  const EegOptions options = arguments().read(given.checkpoint, given.file);
  return predict_eeg(SavedEeg(options, given.checkpoint, given.file), options, given);
}

}  // namespace

namespace tasks {
Task eeg() {
  return {.name = "eeg",
          .about = "events in brain waves while a hand grasps and lifts: Grasp-and-Lift CSV files, or a subject that is made up",
          .example = "carousel train eeg --data FOLDER --subject 1",
          .train = [](CLI::App& app) { return arguments().declare(app, train); },
          .eval = evaluate,
          .predict = predict,
          .eval_takes = {"--data", "--decimal", "--thousands"},
          .predict_takes = {"--input", "--threshold", "--decimal", "--thousands"},
          .predict_about = eeg_prediction,
          .data = OutsideData{.what = "recordings, *_data.csv with *_events.csv (Grasp-and-Lift, WAY consortium)",
                              .option = "--data DIR",
                              .without = "a subject that is made up",
                              .find = files_of}};
}
}  // namespace tasks

}  // namespace carousel
