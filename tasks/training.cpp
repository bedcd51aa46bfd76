#include <carousel/tasks/training.hpp>

#include <ctime>
#include <filesystem>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/task.hpp>

namespace carousel {

namespace {

template <class T>
struct Maker {
  const char* name;
  std::unique_ptr<Optimizer<T>> (*make)(Registry<T>& registry, double rate);
};

template <class T>
constexpr Maker<T> makers[] = {
    {"sgd",
     [](Registry<T>& r, double rate) -> std::unique_ptr<Optimizer<T>> {
       return std::make_unique<Sgd<T>>(r, SgdOptions{.rate = rate});
     }},
    {"momentum",
     [](Registry<T>& r, double rate) -> std::unique_ptr<Optimizer<T>> {
       return std::make_unique<Sgd<T>>(r, SgdOptions{.rate = rate, .momentum = 0.9});
     }},
    {"rmsprop",
     [](Registry<T>& r, double rate) -> std::unique_ptr<Optimizer<T>> {
       return std::make_unique<RmsProp<T>>(r, RmsPropOptions{.rate = rate});
     }},
    {"adagrad",
     [](Registry<T>& r, double rate) -> std::unique_ptr<Optimizer<T>> {
       return std::make_unique<Adagrad<T>>(r, AdagradOptions{.rate = rate});
     }},
    {"adadelta",
     [](Registry<T>& r, double rate) -> std::unique_ptr<Optimizer<T>> {
       return std::make_unique<Adadelta<T>>(r, AdadeltaOptions{.rate = rate});
     }},
    {"adam",
     [](Registry<T>& r, double rate) -> std::unique_ptr<Optimizer<T>> {
       return std::make_unique<Adam<T>>(r, AdamOptions{.rate = rate});
     }},
    {"adamw",
     [](Registry<T>& r, double rate) -> std::unique_ptr<Optimizer<T>> {
       return std::make_unique<AdamW<T>>(r, AdamWOptions{.rate = rate});
     }},
};

/// The numbers that a model depends on, each under the name of its option.
struct Saved {
  const char* name;
  Index TrainOptions::*member;
  Rule rule;
};
const Saved saved_numbers[] = {{"hidden", &TrainOptions::hidden, size_rule()},
                               {"layers", &TrainOptions::layers, layers_rule()},
                               {"batch", &TrainOptions::batch, size_rule()},
                               {"steps", &TrainOptions::steps, {.at_least = 0, .at_most = size_rule().at_most}},
                               {"seed", &TrainOptions::seed, {.at_least = 0}}};

}  // namespace

const std::vector<std::string>& optimizer_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Maker<float>& maker : makers<float>) all.push_back(maker.name);
    return all;
  }();
  return names;
}

template <class T>
std::unique_ptr<Optimizer<T>> make_optimizer(const std::string& name, Registry<T>& registry, double rate) {
  for (const Maker<T>& maker : makers<T>)
    if (maker.name == name) return maker.make(registry, rate);
  wrong_argument("optimizer: there is no ", name, ": must be one of ", list_words(optimizer_names()));
}

template std::unique_ptr<Optimizer<float>> make_optimizer(const std::string&, Registry<float>&, double);
template std::unique_ptr<Optimizer<double>> make_optimizer(const std::string&, Registry<double>&, double);

Metadata metadata_of(std::string_view task, const TrainOptions& options) {
  using detail::text_of;
  Metadata metadata = {{"task", std::string(task)},
                       {"preset", options.preset},
                       {"cell", options.cell},
                       {"epochs", text_of(options.epochs)},
                       {detail::metadata_key("--optimizer"), options.optimizer},
                       {"rate", text_of(options.rate)},
                       {"dropout", text_of(options.dropout)},
                       {"clip", text_of(options.clip)}};
  for (const Saved& number : saved_numbers) metadata[number.name] = text_of(options.*number.member);
  return metadata;
}

TrainOptions saved_options(const Safetensors& checkpoint, const std::string& file) {
  const auto word = [&](const char* name) {
    const auto found = checkpoint.metadata.find(name);
    if (found == checkpoint.metadata.end()) bad_file(file, ": its metadata have no ", name, ": must be saved by carousel train");
    return found->second;
  };
  TrainOptions options;
  options.preset = word("preset");
  options.cell = word("cell");
  for (const Saved& number : saved_numbers) {
    try {
      detail::read_value(number.name, word(number.name), number.rule, options.*number.member);
    } catch (const std::invalid_argument& error) {
      bad_file(file, ": in its metadata, ", error.what());
    }
  }
  return options;
}

std::string new_run_folder(std::string_view task) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  char moment[32];
  std::strftime(moment, sizeof moment, "%Y%m%d-%H%M%S", &parts);
  const std::string name = join("runs/", task, "-", std::string_view(moment));
  std::string folder = name;
  for (int n = 2; std::filesystem::exists(folder); ++n) folder = join(name, "-", n);
  return folder;
}

FitOptions fit_options(const TrainOptions& options, const Metadata& metadata) {
  FitOptions fit{.epochs = options.epochs,
                 .threads = static_cast<int>(options.threads),
                 .seed = static_cast<std::uint64_t>(options.seed),
                 .stop = &interrupted(),
                 .metadata = metadata};
  if (!options.out.empty()) {
    fit.best = options.out + "/best.safetensors";
    fit.last = detail::last_file(options.out);
    if (!options.resume)
      for (const std::string& file : {fit.best, fit.last})
        if (std::filesystem::exists(file))
          bad_file("--out ", options.out, ": holds a training already: must be another folder, or --resume goes on with it");
    std::error_code error;
    std::filesystem::create_directories(options.out, error);
    if (error) bad_file("--out ", options.out, ": ", error.message(), ": must be a folder, or a place for one");
  }
  return fit;
}

template <class T>
FitState start_state(Optimizer<T>& optimizer, const TrainOptions& options,
                     const std::function<void(const Safetensors&)>& restore) {
  return options.resume ? resume(optimizer, detail::last_file(options.out), restore) : FitState{};
}

template FitState start_state(Optimizer<float>&, const TrainOptions&, const std::function<void(const Safetensors&)>&);
template FitState start_state(Optimizer<double>&, const TrainOptions&, const std::function<void(const Safetensors&)>&);

int report_end(const FitResult& result, const TrainOptions& options) {
  const std::string saved = options.out.empty() ? "" : detail::last_file(options.out);
  switch (result.ended) {
    case Ended::exploded:
      note(result.note);
      if (!saved.empty()) note("the model as it was before that: " + saved);
      return exit_bad_result;
    case Ended::interrupted:
      if (saved.empty())
        note("stopped; nothing is saved without --out DIR");
      else
        note(join("stopped in epoch ", result.state.epoch + 1, ", saved in ", saved, "; to go on: the same command with --out ",
                  options.out, " --resume"));
      return exit_interrupted;
    case Ended::finished:
    case Ended::stopped:
      break;
  }
  return exit_done;
}

}  // namespace carousel
