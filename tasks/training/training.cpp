#include <carousel/tasks/training/training.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/task.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/picture.hpp>
#include <carousel/tasks/nets/diagnosis.hpp>
#include <carousel/tasks/report/report.hpp>
#include <carousel/tasks/report/tensorboard.hpp>
#include <carousel/tasks/runs/baseline_json.hpp>
#include <carousel/tasks/runs/run_folder.hpp>
#include <carousel/tasks/runs/runs.hpp>
#include <carousel/tasks/runs/samples.hpp>
#include <carousel/tasks/runs/step_record.hpp>
#include <carousel/tasks/training/draw_model.hpp>
#include <carousel/tasks/training/look_inside.hpp>
#include <carousel/tasks/training/profile_table.hpp>
#include <carousel/tasks/training/training_progress.hpp>

namespace carousel {

namespace {

using Clock = std::chrono::steady_clock;

/// One run of train_model().
template <class T>
class TrainRun {
 public:
  TrainRun(const TrainOptions& options, const TrainPlan<T>& plan)
      : options_(options),
        plan_(plan),
        task_(options.metadata.at("task")),
        run_folder_(task_, options.out, options.resume.empty()),
        folder_(run_folder_.path()),
        state_(start_state()),
        progress_(options.quiet, options.epochs, plan.data.batches()) {
    validates_ = static_cast<bool>(plan.validation.measure);
    best_file_ = folder_ + "/best.safetensors";
  }

  int run() {
    if (state_.epoch > options_.epochs)
      wrong_argument("--epochs ", options_.epochs, ": ", state_.epoch, " are done: must be as many, or more");
    const std::string in_vain = is_left() ? "" : no_step_for();
    if (const std::vector<Metric> known = known_result(); !known.empty()) {
      note(nothing_is_left(folder_, task_, state_.epoch, options_.epochs, in_vain));
      return print(known);
    }
    if (!in_vain.empty()) note(in_vain);
    metrics_.emplace(folder_, state_.epoch);
    steps_.emplace(folder_, state_.step);
    recorder_.emplace(plan_.optimizer.registry(), plan_.data.batches() * options_.epochs);
    begin_diagnosis();
    write_config(folder_, options_, parts(), validated_by(), plan_.about);
    say_what_changed();
    if (options_.tensorboard || (!options_.resume.empty() && has_event_files(folder_)))
      board_.emplace(folder_, state_.step, options_.metadata);
    if (!options_.quiet && !plan_.silent) say_what_is_trained();
    began_ = epoch_began_ = Clock::now();
    cpu_began_ = cpu_seconds();
    progress_.begin();
    const FitOptions fitting = fit_options();
    const FitResult result = fit(plan_.optimizer, plan_.data, plan_.loss, fitting, std::move(state_));
    if (profile_.steps > 0) {
      note(profile_table(profile_));
      write_text(folder_ + "/profile.json", profile_json(profile_));
    }
    const int code = finish(result);
    show(result.ended == Ended::finished || result.ended == Ended::stopped, result.state.step);
    return code;
  }

 private:
  FitState start_state() {
    const std::string file = detail::last_file(options_.out);
    if (options_.resume.empty()) return {};
    if (const auto before = options_.resumed.find("identity");
        !plan_.identity.empty() && (before == options_.resumed.end() || before->second != plan_.identity))
      bad_file(file, ": saved for other data than ", plan_.about, ": must be the same to go on");
    return resume(plan_.optimizer, file, [&](const Safetensors& saved) {
      const Tensor<double> epoch = detail::tensor_of<double>(saved, "train:epoch", {2}, file);
      gradient_norms_ = epoch.data()[0], rate_ = epoch.data()[1];
      if (plan_.restore) plan_.restore(saved);
    });
  }

  bool is_left() { return !out_of_patience(state_.history) && state_.epoch < options_.epochs; }

  /// What was asked for of steps, where there are none to do; or nothing.
  std::string no_step_for() const {
    if (options_.profile) return "--profile has no step to measure";
    if (options_.trace_nonfinite) return "--trace-nonfinite has no step to look at";
    return "";
  }

  /// Of a training that goes on: the result that it has come to, if no epoch is left and nothing of what it saved is missing.
  std::vector<Metric> known_result() {
    if (options_.resume.empty() || is_left() || plan_.result_writes) return {};
    if (validates_ && !std::isnan(state_.best) && !std::filesystem::exists(best_file_)) return {};
    if (options_.tensorboard && !has_event_files(folder_)) return {};
    return result_of_whole_run(folder_, state_.epoch);
  }

  std::vector<Metric> parts() const {
    const auto part = [](const char* name, Index size) { return Metric{name, static_cast<double>(size)}; };
    return {part("train", plan_.parts.train), part("validation", plan_.parts.validation), part("test", plan_.parts.test)};
  }

  std::optional<ValidatedBy> validated_by() const {
    return validates_ ? std::optional(ValidatedBy{plan_.validation.name, plan_.validation.higher_is_better}) : std::nullopt;
  }

  void say_what_changed() const {
    const auto before = options_.resumed.find("epochs");
    if (before == options_.resumed.end() || options_.schedule != "cosine") return;
    if (const std::string now = detail::text_of(options_.epochs); before->second != now)
      note(fmt::format("--epochs {} instead of {}: the cosine of the rate spans them all, and goes on as if it always had", now,
                       before->second));
  }

  void say_what_is_trained() const {
    std::string line = fmt::format("{}: {} {} to train on", plan_.about, plan_.parts.train, plan_.parts.unit);
    if (plan_.parts.validation > 0) line += fmt::format(", {} to validate", plan_.parts.validation);
    if (plan_.parts.test > 0) line += fmt::format(", {} to test", plan_.parts.test);
    note(line + fmt::format("; {} of {} {} units{}, {} parameters",
                            options_.layers == 1 ? "a layer" : fmt::format("{} layers", options_.layers), options_.hidden,
                            options_.cell, options_.bidirectional ? " in each direction" : "",
                            plan_.optimizer.registry().elements()));
  }

  void begin_diagnosis() {
    warnings_.emplace(folder_, state_.step);
    diagnosis_.emplace(options_, plan_.data.batches() * options_.epochs, state_.step, plan_.validation.higher_is_better,
                       plan_.baseline);
    for (const EpochReport& before : state_.history) diagnosis_->epoch(before.loss / plan_.loss_scale, before.validation);
  }

  /// Says it, unless it was said before.
  void warn(const std::optional<Warning>& warning, Index step) {
    if (warning && warnings_->add(*warning, step)) note("warning: " + warning->text);
  }

  /// A look into the net; nothing where the task has no sample for it.
  std::optional<Inside> inside() const {
    if (!plan_.sample) return {};
    try {
      return look_inside<T>(plan_.sample(""));
    } catch (const std::exception&) {
      return {};  // a training does not end for it
    }
  }

  void diagnose_step(const StepReport& report) {
    warn(diagnosis_->step(report, report.loss / plan_.loss_scale), report.step + 1);
    if (diagnosis_->stands_still()) warn(diagnosis_->why_it_stands_still(noted_, inside()), report.step + 1);
  }

  /// Gates are looked at after 1, 2, 4, 8 epochs and so on, and after the last one.
  void diagnose_epoch(const EpochReport& report) {
    const Index done = report.epoch + 1, step = done * plan_.data.batches();
    if (plan_.parts.overfits) warn(diagnosis_->epoch(report.loss, report.validation), step);
    if (!std::has_single_bit(static_cast<std::uint64_t>(done)) && done != options_.epochs) return;
    if (const std::optional<Inside> now = inside()) warn(diagnosis_->gates(*now), step);
  }

  std::function<double()> validation() {
    if (!validates_) return {};
    return [this] {
      progress_.validating();
      return plan_.validation.measure();
    };
  }

  FitOptions fit_options() {
    FitOptions fitting{.epochs = out_of_patience(state_.history) ? state_.epoch : options_.epochs,
                       .shards = plan_.shards,
                       .threads = static_cast<int>(options_.threads),
                       .seed = static_cast<std::uint64_t>(options_.seed),
                       .explosion = plan_.explosion,
                       .validate = validation(),
                       .higher_is_better = plan_.validation.higher_is_better,
                       .stop = &interrupted(),
                       .best = validates_ ? best_file_ : "",
                       .last = detail::last_file(folder_),
                       .metadata = options_.metadata,
                       .profile = options_.profile ? &profile_ : nullptr,
                       .trace_nonfinite = options_.trace_nonfinite};
    fitting.metadata.insert(plan_.metadata.begin(), plan_.metadata.end());
    if (!plan_.identity.empty()) fitting.metadata["identity"] = plan_.identity;
    (options_.clip_elements ? fitting.clip_value : fitting.clip_norm) = options_.clip;
    fitting.schedule = make_schedule(options_, plan_.data.batches() * options_.epochs);
    if (options_.schedule == "exponential") fitting.epoch_schedule = ExponentialDecay{.factor = 0.97, .after = 9};
    fitting.before_update = [this](const StepReport& report) { recorder_->before(report); };
    fitting.after_step = [this](const StepReport& report) { after_step(report); };
    fitting.after_epoch = [this](const EpochReport& report) { return after_epoch(report); };
    fitting.save = [this](Safetensors& file) {
      file.tensors["train:epoch"] = from_tensor(tensor<double>({2}, {gradient_norms_, rate_}));
      if (plan_.save) plan_.save(file);
    };
    return fitting;
  }

  void after_step(const StepReport& report) {
    gradient_norms_ += report.gradient_norm;
    rate_ = options_.rate * plan_.optimizer.rate_factor();
    ++epoch_steps_done_;
    last_step_ = Clock::now();
    if (std::optional<StepRecord> record = recorder_->after(report, report.loss / plan_.loss_scale, rate_)) {
      steps_->add(*record);
      if (board_) board_->add_step(*record);
      noted_ = std::move(record);
    }
    diagnose_step(report);
    if (plan_.after_step) plan_.after_step(report);
    progress_.step(report, report.loss / plan_.loss_scale);
  }

  bool after_epoch(EpochReport report) {
    report.loss /= plan_.loss_scale;
    if (epoch_steps_done_ > 0)
      milliseconds_ =
          1e3 * std::chrono::duration<double>(last_step_ - epoch_began_).count() / static_cast<double>(epoch_steps_done_);
    std::vector<Metric> shown = {{"train_loss", report.loss}};
    if (validates_) {
      shown.push_back({plan_.validation.name, report.validation});
      progress_.validated(shown.back());
    }
    if (plan_.after_epoch)
      for (Metric& metric : plan_.after_epoch(report)) shown.push_back(std::move(metric));
    std::string line = fmt::format("epoch {}/{}", report.epoch + 1, options_.epochs);
    for (const Metric& metric : shown) line += fmt::format("  {} {}", metric.name, number(metric.value));
    if (milliseconds_ && epoch_steps_done_ > 0) line += fmt::format("  {:.1f} ms/batch", *milliseconds_);
    if (!plan_.silent) progress_.line(line);

    const Index batches = plan_.data.batches();
    const Index examples = plan_.data.drop_last ? batches * plan_.data.batch : plan_.data.examples;
    shown.push_back({"gradient_norm", gradient_norms_ / static_cast<double>(batches)});
    shown.push_back({"rate", rate_});
    add_times(shown);
    metrics_->add(fmt::format(R"("epoch":{},"step":{},"examples":{})", report.epoch + 1, (report.epoch + 1) * batches,
                              (report.epoch + 1) * examples),
                  shown);
    if (board_) board_->add_epoch((report.epoch + 1) * batches, shown, plan_.optimizer.registry());
    diagnose_epoch(report);
    gradient_norms_ = 0;
    epoch_steps_done_ = 0;
    epoch_began_ = Clock::now();
    epochs_without_better_ = report.best ? 0 : epochs_without_better_ + 1;
    return options_.patience > 0 && epochs_without_better_ >= options_.patience;
  }

  /// Of a training that goes on: whether it had ended early.
  bool out_of_patience(const std::vector<EpochReport>& history) {
    epochs_without_better_ = 0;
    for (const EpochReport& report : history) epochs_without_better_ = report.best ? 0 : epochs_without_better_ + 1;
    return options_.patience > 0 && epochs_without_better_ >= options_.patience;
  }

  void add_times(std::vector<Metric>& metrics) const {
    metrics.push_back({"seconds", metrics_->seconds() + detail::seconds_since(began_)});
    metrics.push_back({"cpu_seconds", metrics_->cpu_seconds() + cpu_seconds() - cpu_began_});
  }

  /// The last line of metrics.jsonl. What shows an earlier state goes first: with a result and a report a run counts as whole.
  void add_last(const std::string& first, std::vector<Metric> metrics) {
    for (const char* name : {"/views.json", "/report.html"}) remove_file(folder_ + name);
    add_times(metrics);
    metrics_->add(first, metrics);
  }

  /// The last line where there is no result.
  void add_end(const char* why) { add_last(fmt::format(R"("ended":"{}")", why), {}); }

  int finish(const FitResult& result) {
    const std::string last = detail::last_file(folder_);
    switch (result.ended) {
      case Ended::exploded:
        add_end("exploded");
        note(result.note);
        // At the step that was not done: a training that goes on from before it can say it again.
        warn(diagnosis_->exploded(result.state), result.state.step + 1);
        note("the model as it was before that: " + last);
        if (result.nonfinite && !options_.trace_nonfinite)
          note(fmt::format("where it began: carousel train {} --resume {} --trace-nonfinite", task_, shell_word(folder_)));
        return exit_bad_result;
      case Ended::interrupted:
        add_end("interrupted");
        note(fmt::format("stopped in epoch {}, saved in {}; to go on: carousel train {} --resume {}", result.state.epoch + 1,
                         last, task_, shell_word(folder_)));
        return exit_interrupted;
      case Ended::stopped:
        note(fmt::format("ended after epoch {}: {} epochs without a better {}", result.state.epoch, options_.patience,
                         validates_ ? plan_.validation.name : "train_loss"));
        break;
      case Ended::finished:
        break;
    }
    if (validates_ && std::filesystem::exists(best_file_)) load(plan_.optimizer.registry(), best_file_);
    EpochReport epoch = result.state.history.back();
    epoch.loss /= plan_.loss_scale;
    progress_.phase("measuring the result");
    const std::vector<Metric> metrics = plan_.result({folder_, epoch, result.state.best, milliseconds_});
    add_last(fmt::format(R"("result":"{}"{})", task_, baseline_json(plan_.baseline, metrics)), metrics);
    if (board_) board_->add_result(result.state.step, metrics);
    note(fmt::format("saved in {}{}{}", folder_, what_more(), what_next()));
    return print(metrics);
  }

  int print(const std::vector<Metric>& metrics) const {
    return print_result(task_, metrics,
                        (plan_.baseline ? beside(*plan_.baseline, metrics) : "") + (plan_.result_end ? plan_.result_end() : ""));
  }

  /// What there is to see of it. The training is over and saved: what fails here is said, and no more. The report is the last
  /// file: where it lies the rest was made, or said to have failed.
  void show(bool done, Index step) {
    Views views{.done = done};
    progress_.phase("drawing the report");
    try {
      if (plan_.views) plan_.views(views);
      if (plan_.sample) add_inside_views<T>(views, plan_.sample, options_.cell);
      write_text(folder_ + "/views.json", json_text(views));
      if (const std::string samples = samples_text(views); !samples.empty()) write_text(folder_ + "/samples.txt", samples);
      if (board_) board_->add_views(step, views);
      write_pictures(folder_, views);
    } catch (const std::exception& error) {
      note(fmt::format("not everything is drawn: {}", error.what()));
    }
    try {
      note("report: " + write_report(folder_));
    } catch (const std::exception& error) {
      note(fmt::format("no report: {}", error.what()));
    }
  }

  /// What the task has put there: " with curve.svg".
  std::string what_more() const {
    const std::vector<std::string> files = run_folder_.files_of_task();
    return files.empty() ? "" : " with " + list_words(files);
  }

  /// What else can be done with the model.
  std::string what_next() const {
    for (const Task& task : all_tasks())
      if (task.name == task_ && (task.sample || task.eval))
        return fmt::format("; try: carousel {} {}", task.sample ? "sample" : "eval", shell_word(folder_));
    return "";
  }

  const TrainOptions& options_;
  const TrainPlan<T>& plan_;
  const std::string task_;
  const RunFolder run_folder_;
  const std::string& folder_;
  double gradient_norms_ = 0, rate_ = 0;  // of this epoch: the sum; at its last step
  FitState state_;
  bool validates_ = false;
  std::string best_file_;
  std::optional<MetricsFile> metrics_;
  std::optional<StepsFile> steps_;
  std::optional<StepRecorder<T>> recorder_;
  std::optional<StepRecord> noted_;  // the last one
  std::optional<Diagnosis> diagnosis_;
  std::optional<WarningsFile> warnings_;
  std::optional<TensorBoard> board_;  // with --tensorboard
  TrainingProgress progress_;
  Clock::time_point began_, epoch_began_, last_step_;
  double cpu_began_ = 0;
  Index epoch_steps_done_ = 0;  // by this process
  Index epochs_without_better_ = 0;
  std::optional<double> milliseconds_;
  ProfileReport profile_;
};

}  // namespace

template <class T>
int train_model(const TrainOptions& options, const TrainPlan<T>& plan) {
  if (!options.graph.empty()) return draw_model(options, plan);
  if (options.backward) wrong_argument("--backward: says what --graph draws: must be with it");
  if (options.profile && options.trace_nonfinite)
    wrong_argument("--profile: not together with --trace-nonfinite, whose cost it would show");
  return TrainRun<T>(options, plan).run();
}

template int train_model(const TrainOptions&, const TrainPlan<float>&);
template int train_model(const TrainOptions&, const TrainPlan<double>&);

}  // namespace carousel
