#include <carousel/tasks/nets/optimizers.hpp>

#include <carousel/lib/error.hpp>

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

Schedule make_schedule(const TrainOptions& options, Index steps) {
  Schedule schedule = ConstantRate{};
  if (options.schedule == "cosine") schedule = CosineDecay{.steps = steps, .to = options.final_rate};
  return WarmUp{.steps = options.warm_up, .then = schedule};
}

template std::unique_ptr<Optimizer<float>> make_optimizer(const std::string&, Registry<float>&, double);
template std::unique_ptr<Optimizer<double>> make_optimizer(const std::string&, Registry<double>&, double);

}  // namespace carousel
