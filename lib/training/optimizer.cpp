#include <carousel/lib/training/optimizer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <carousel/lib/numbers/simd.hpp>
#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/lib/utf8.hpp>

namespace carousel {

namespace {

/// Runs `rule(p, g, state)` over all elements, a register at a time: it gets g times `scale`, changes the state and returns the
/// new p.
template <std::size_t Count, class T, class Rule>
void sweep(Index size, T* p, const T* g, T* const* state, double scale, const Rule& rule) {
  constexpr Index width = simd::width<T>;
  const Lane<T> times(static_cast<T>(scale));
  std::array<Lane<T>, Count> s;
  Index j = 0;
  for (; j + width <= size; j += width) {
    for (std::size_t k = 0; k < Count; ++k) s[k] = simd::load(state[k] + j);
    simd::store(p + j, rule(simd::load(p + j), simd::load(g + j) * times, s));
    for (std::size_t k = 0; k < Count; ++k) simd::store(state[k] + j, s[k]);
  }
  if (const Index rest = size - j) {
    for (std::size_t k = 0; k < Count; ++k) s[k] = simd::load_some(state[k] + j, rest);
    simd::store_some(p + j, rule(simd::load_some(p + j, rest), simd::load_some(g + j, rest) * times, s), rest);
    for (std::size_t k = 0; k < Count; ++k) simd::store_some(state[k] + j, s[k], rest);
  }
}

template <class T>
using State0 = std::array<Lane<T>, 0>;
template <class T>
using State1 = std::array<Lane<T>, 1>;
template <class T>
using State2 = std::array<Lane<T>, 2>;

/// The same number in every lane.
template <class T>
Lane<T> all(double number) {
  return Lane<T>(static_cast<T>(number));
}

void check_not_negative(const char* optimizer, const char* option, double value) {
  if (!(value >= 0) || !std::isfinite(value))
    wrong_argument(optimizer, ": ", option, " is ", value, ": must be finite and not negative");
}
void check_fraction(const char* optimizer, const char* option, double value) {
  if (!(value >= 0 && value < 1)) wrong_argument(optimizer, ": ", option, " is ", value, ": must lie in [0, 1)");
}

}  // namespace

// ---- what all share -----------------------------------------------------------------------------------------------------------

template <class T>
Optimizer<T>::Optimizer(Registry<T>& registry, const char* name, double rate, double weight_decay,
                        std::vector<std::string> state_names, double first_state)
    : registry_(registry.store_),
      name_(name),
      rate_(rate),
      weight_decay_(weight_decay),
      first_state_(first_state),
      state_names_(std::move(state_names)) {
  check_not_negative(name, "rate", rate);
  check_not_negative(name, "weight_decay", weight_decay);
  if (state_names_.size() > std::size(Update{}.state))
    wrong_argument(name, ": ", state_names_.size(), " states: must be two at most");
}

template <class T>
void Optimizer<T>::apply_groups(Slot& slot, std::string_view path) const {
  slot.rate = rate_;
  slot.weight_decay = weight_decay_;
  for (const auto& [prefix, options] : groups_)
    if (lies_below(path, prefix)) {
      slot.rate = options.rate.value_or(slot.rate);
      slot.weight_decay = options.weight_decay.value_or(slot.weight_decay);
    }
}

template <class T>
void Optimizer<T>::add_slots() {
  if (slots_.size() == registry_.size()) return;
  std::size_t i = 0;
  for (const Parameter<T>& parameter : registry_)
    if (i++ >= slots_.size()) apply_groups(slots_.emplace_back(), parameter.path);
}

template <class T>
void Optimizer<T>::group(std::string_view prefix, const GroupOptions& options) {
  if (options.rate) check_not_negative("group", "rate", *options.rate);
  if (options.weight_decay) check_not_negative("group", "weight_decay", *options.weight_decay);
  if (std::none_of(registry_.begin(), registry_.end(),
                   [&](const Parameter<T>& parameter) { return lies_below(parameter.path, prefix); }))
    wrong_argument("group: no parameter is or lies below ", prefix);
  const auto place = std::upper_bound(groups_.begin(), groups_.end(), prefix.size(),
                                      [](std::size_t size, const auto& other) { return size < other.first.size(); });
  groups_.insert(place, {std::string(prefix), options});
  add_slots();
  auto slot = slots_.begin();
  for (const Parameter<T>& parameter : registry_) apply_groups(*slot++, parameter.path);
}

template <class T>
void Optimizer<T>::set_rate_factor(double factor) {
  check_not_negative(name_, "rate factor", factor);
  rate_factor_ = factor;
}

template <class T>
void Optimizer<T>::step(double scale) {
  if (std::none_of(registry_.begin(), registry_.end(), [](const Parameter<T>& parameter) { return parameter.has_gradient; }))
    wrong_order("step: no parameter has a gradient: call backward() before each step()");
  add_slots();
  auto slot = slots_.begin();
  for (Parameter<T>& parameter : registry_) {
    Slot& mine = *slot++;
    const bool has_gradient = std::exchange(parameter.has_gradient, false);
    if (parameter.frozen) continue;
    if (!has_gradient) std::fill_n(parameter.gradient.data(), parameter.gradient.size(), T(0));
    while (mine.state.size() < state_names_.size())
      mine.state.push_back(full<T>(parameter.shape(), static_cast<T>(first_state_)));
    Update u{static_cast<Index>(parameter.value.size()),
             parameter.change().data(),
             parameter.gradient.data(),
             {},
             mine.rate * rate_factor_,
             mine.weight_decay,
             scale,
             ++mine.steps};
    for (std::size_t k = 0; k < mine.state.size(); ++k) u.state[k] = mine.state[k].data();
    update(u);
  }
}

template <class T>
void Optimizer<T>::put(Safetensors& file) const {
  file.metadata["optimizer"] = name_;
  std::size_t i = 0;
  for (const Parameter<T>& parameter : registry_) {
    const Slot* slot = i < slots_.size() ? &slots_[i] : nullptr;
    ++i;
    file.tensors["optimizer:steps/" + parameter.path] = from_tensor(full<std::int64_t>({}, slot ? slot->steps : 0));
    if (slot && slot->steps > 0)
      for (std::size_t k = 0; k < state_names_.size(); ++k)
        file.tensors["optimizer:" + state_names_[k] + '/' + parameter.path] = from_tensor(slot->state[k]);
  }
}

template <class T>
std::function<void()> Optimizer<T>::take(const Safetensors& file, const std::string& path) {
  const auto kind = file.metadata.find("optimizer");
  if (kind == file.metadata.end()) bad_file("load: file has no state of an optimiser (", path, ")");
  if (kind->second != name_)
    bad_file("load: file has the state of ", in_quotes(kind->second), ", the optimiser is ", name_, " (", path, ")");
  add_slots();
  std::vector<Slot> slots = slots_;
  std::size_t used = 0;
  const auto find = [&]<class Number>(Number, const std::string& name, const Shape& shape) {
    ++used;
    return detail::tensor_of<Number>(file, "optimizer:" + name, shape, path);
  };
  auto slot = slots.begin();
  for (const Parameter<T>& parameter : registry_) {
    Slot& mine = *slot++;
    mine.steps = static_cast<Index>(find(std::int64_t{}, "steps/" + parameter.path, {}).data()[0]);
    if (mine.steps < 0)
      bad_file("load: file has optimizer:steps/", parameter.path, ' ', mine.steps, ": must not be negative (", path, ")");
    mine.state.clear();
    if (mine.steps > 0)
      for (const std::string& name : state_names_)
        mine.state.push_back(find(T{}, name + '/' + parameter.path, parameter.shape()));
  }
  const auto ours = std::count_if(file.tensors.begin(), file.tensors.end(),
                                  [](const auto& entry) { return entry.first.starts_with("optimizer:"); });
  if (static_cast<std::size_t>(ours) != used)
    bad_file("load: file has ", ours, " tensors of an optimiser, this one wants ", used, ": options or parameters differ (", path,
             ")");
  return [this, slots = std::move(slots)]() mutable { slots_ = std::move(slots); };
}

// ---- the rules ----------------------------------------------------------------------------------------------------------------

template <class T>
Sgd<T>::Sgd(Registry<T>& registry, const SgdOptions& options)
    : Optimizer<T>(registry, "sgd", options.rate, options.weight_decay,
                   options.momentum == 0 ? std::vector<std::string>{} : std::vector<std::string>{"m"}),
      options_(options) {
  check_fraction("sgd", "momentum", options.momentum);
  if (options.nesterov && options.momentum == 0) wrong_argument("sgd: nesterov without momentum: momentum must be above 0");
}

template <class T>
void Sgd<T>::update(const typename Optimizer<T>::Update& u) {
  const Lane<T> rate = all<T>(u.rate), decay = all<T>(u.weight_decay), momentum = all<T>(options_.momentum);
  if (options_.momentum == 0)
    sweep<0>(u.size, u.p, u.g, u.state, u.scale, [=](Lane<T> p, Lane<T> g, State0<T>&) { return p - rate * (g + decay * p); });
  else if (options_.nesterov)
    sweep<1>(u.size, u.p, u.g, u.state, u.scale, [=](Lane<T> p, Lane<T> g, State1<T>& m) {
      const Lane<T> d = g + decay * p;
      m[0] = momentum * m[0] + d;
      return p - rate * (d + momentum * m[0]);
    });
  else
    sweep<1>(u.size, u.p, u.g, u.state, u.scale, [=](Lane<T> p, Lane<T> g, State1<T>& m) {
      m[0] = momentum * m[0] + (g + decay * p);
      return p - rate * m[0];
    });
}

template <class T>
RmsProp<T>::RmsProp(Registry<T>& registry, const RmsPropOptions& options)
    : Optimizer<T>(registry, "rmsprop", options.rate, options.weight_decay,
                   options.momentum == 0 ? std::vector<std::string>{"v"} : std::vector<std::string>{"v", "m"}),
      options_(options) {
  check_fraction("rmsprop", "alpha", options.alpha);
  check_not_negative("rmsprop", "epsilon", options.epsilon);
  check_fraction("rmsprop", "momentum", options.momentum);
}

template <class T>
void RmsProp<T>::update(const typename Optimizer<T>::Update& u) {
  const Lane<T> rate = all<T>(u.rate), decay = all<T>(u.weight_decay), momentum = all<T>(options_.momentum);
  const Lane<T> keep = all<T>(options_.alpha), add = all<T>(1 - options_.alpha), epsilon = all<T>(options_.epsilon);
  if (options_.momentum == 0)
    sweep<1>(u.size, u.p, u.g, u.state, u.scale, [=](Lane<T> p, Lane<T> g, State1<T>& s) {
      const Lane<T> d = g + decay * p;
      s[0] = keep * s[0] + add * (d * d);
      return p - rate * (d / (simd::sqrt(s[0]) + epsilon));
    });
  else
    sweep<2>(u.size, u.p, u.g, u.state, u.scale, [=](Lane<T> p, Lane<T> g, State2<T>& s) {
      const Lane<T> d = g + decay * p;
      s[0] = keep * s[0] + add * (d * d);
      s[1] = momentum * s[1] + d / (simd::sqrt(s[0]) + epsilon);
      return p - rate * s[1];
    });
}

template <class T>
Adagrad<T>::Adagrad(Registry<T>& registry, const AdagradOptions& options)
    : Optimizer<T>(registry, "adagrad", options.rate, options.weight_decay, {"s"}, options.initial), options_(options) {
  check_not_negative("adagrad", "rate_decay", options.rate_decay);
  check_not_negative("adagrad", "initial", options.initial);
  check_not_negative("adagrad", "epsilon", options.epsilon);
}

template <class T>
void Adagrad<T>::update(const typename Optimizer<T>::Update& u) {
  const Lane<T> rate = all<T>(u.rate / (1 + static_cast<double>(u.t - 1) * options_.rate_decay));
  const Lane<T> decay = all<T>(u.weight_decay), epsilon = all<T>(options_.epsilon);
  sweep<1>(u.size, u.p, u.g, u.state, u.scale, [=](Lane<T> p, Lane<T> g, State1<T>& s) {
    const Lane<T> d = g + decay * p;
    s[0] = s[0] + d * d;
    return p - rate * (d / (simd::sqrt(s[0]) + epsilon));
  });
}

template <class T>
Adadelta<T>::Adadelta(Registry<T>& registry, const AdadeltaOptions& options)
    : Optimizer<T>(registry, "adadelta", options.rate, options.weight_decay, {"v", "w"}), options_(options) {
  check_fraction("adadelta", "rho", options.rho);
  check_not_negative("adadelta", "epsilon", options.epsilon);
}

template <class T>
void Adadelta<T>::update(const typename Optimizer<T>::Update& u) {
  const Lane<T> rate = all<T>(u.rate), decay = all<T>(u.weight_decay);
  const Lane<T> keep = all<T>(options_.rho), add = all<T>(1 - options_.rho), epsilon = all<T>(options_.epsilon);
  sweep<2>(u.size, u.p, u.g, u.state, u.scale, [=](Lane<T> p, Lane<T> g, State2<T>& s) {
    const Lane<T> d = g + decay * p;
    s[0] = keep * s[0] + add * (d * d);
    const Lane<T> step = d * (simd::sqrt(s[1] + epsilon) / simd::sqrt(s[0] + epsilon));
    s[1] = keep * s[1] + add * (step * step);
    return p - rate * step;
  });
}

namespace {

/// Adam and AdamW: one multiplies p by `shrink`, the other adds p times `decay` to the gradient.
template <class T, class Options>
void update_adam(Index size, T* p, const T* g, T* const* state, double scale, const Options& options, double rate, Index t,
                 double shrink, double decay_factor) {
  const auto steps = static_cast<double>(t);
  const Lane<T> rate1 = all<T>(rate / (1 - std::pow(options.beta1, steps)));
  const Lane<T> unbias2 = all<T>(1 / std::sqrt(1 - std::pow(options.beta2, steps)));
  const Lane<T> keep1 = all<T>(options.beta1), add1 = all<T>(1 - options.beta1);
  const Lane<T> keep2 = all<T>(options.beta2), add2 = all<T>(1 - options.beta2);
  const Lane<T> epsilon = all<T>(options.epsilon), shrunk = all<T>(shrink), decay = all<T>(decay_factor);
  sweep<2>(size, p, g, state, scale, [=](Lane<T> old, Lane<T> gradient, State2<T>& s) {
    const Lane<T> d = gradient + decay * old;
    s[0] = keep1 * s[0] + add1 * d;
    s[1] = keep2 * s[1] + add2 * (d * d);
    return shrunk * old - rate1 * (s[0] / (simd::sqrt(s[1]) * unbias2 + epsilon));
  });
}

template <class Options>
void check_adam(const char* name, const Options& options) {
  check_fraction(name, "beta1", options.beta1);
  check_fraction(name, "beta2", options.beta2);
  check_not_negative(name, "epsilon", options.epsilon);
}

}  // namespace

template <class T>
Adam<T>::Adam(Registry<T>& registry, const AdamOptions& options)
    : Optimizer<T>(registry, "adam", options.rate, options.weight_decay, {"m", "v"}), options_(options) {
  check_adam("adam", options);
}

template <class T>
void Adam<T>::update(const typename Optimizer<T>::Update& u) {
  update_adam<T>(u.size, u.p, u.g, u.state, u.scale, options_, u.rate, u.t, 1, u.weight_decay);
}

template <class T>
AdamW<T>::AdamW(Registry<T>& registry, const AdamWOptions& options)
    : Optimizer<T>(registry, "adamw", options.rate, options.weight_decay, {"m", "v"}), options_(options) {
  check_adam("adamw", options);
}

template <class T>
void AdamW<T>::update(const typename Optimizer<T>::Update& u) {
  update_adam<T>(u.size, u.p, u.g, u.state, u.scale, options_, u.rate, u.t, 1 - u.rate * u.weight_decay, 0);
}

#define CAROUSEL_INSTANTIATE(T) \
  template class Optimizer<T>;  \
  template class Sgd<T>;        \
  template class RmsProp<T>;    \
  template class Adagrad<T>;    \
  template class Adadelta<T>;   \
  template class Adam<T>;       \
  template class AdamW<T>;
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel
