#pragma once
/// Optimisers: how parameters follow their gradients.
///
///     Adam<float> adam(registry, {.rate = 1e-3});
///     adam.group("readout", {.rate = 1e-2});      // for readout and all that lies below it
///     …
///     backward(loss);
///     clip_by_norm(registry, 5);                  // clip.hpp
///     adam.step();
///
/// In the formulas p is a parameter, g its gradient, η the rate, λ the weight decay; products, squares and roots are elementwise;
/// whatever is remembered starts at 0 unless said otherwise. They are PyTorch's (1.13), epsilon where PyTorch has it.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/lib/tape/parameter.hpp>

namespace carousel {

/// What some of the parameters have for themselves; what is left out is as for the others.
struct GroupOptions {
  std::optional<double> rate = {};
  std::optional<double> weight_decay = {};
};

/// What all optimisers share: parameters, groups, memory, files. One of your own needs a constructor and update().
template <class T>
class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  virtual ~Optimizer() = default;

  /// Moves every parameter that is not frozen, and consumes the gradients: none has one afterwards. Gradients count `scale`
  /// times; one that did not arrive counts as 0. Throws std::logic_error if none has arrived.
  void step(double scale = 1);

  /// Options for the parameters at or below `prefix`. Where several groups hold a parameter, the longest prefix decides, for each
  /// option by itself. Throws std::invalid_argument if there is no such parameter, or an option is negative or not finite.
  void group(std::string_view prefix, const GroupOptions& options);

  /// A factor on the rates of all groups, for schedules. Throws std::invalid_argument if it is negative or not finite.
  void set_rate_factor(double factor);
  double rate_factor() const { return rate_factor_; }

  /// The parameters that it moves; it keeps them alive.
  Registry<T>& registry() { return registry_; }
  const Registry<T>& registry() const { return registry_; }
  /// "adam"
  const char* name() const { return name_; }

  /// Adds to a file what is remembered from step to step, under names like "optimizer:v/lstm/wx"; options are not in it.
  void put(Safetensors& file) const;
  /// Reads what put() wrote, and returns the function that puts it in force, so that all else may be checked before. Throws
  /// std::runtime_error if it was written by an optimiser of another kind or for other parameters; `path` is for the error.
  [[nodiscard]] std::function<void()> take(const Safetensors& file, const std::string& path);

 protected:
  /// One step of one parameter.
  struct Update {
    Index size;   // elements of the parameter
    T* p;         // the parameter
    const T* g;   // its gradient, to be multiplied by `scale`
    T* state[2];  // what is remembered for each element, by the names given to the constructor
    double rate;  // with the factor of the schedule
    double weight_decay;
    double scale;
    Index t;  // 1 in the parameter's first step
  };

  /// `name` is that of the kind in files, `state_names` (two at most) those of what is remembered, which starts at `first_state`.
  Optimizer(Registry<T>& registry, const char* name, double rate, double weight_decay, std::vector<std::string> state_names,
            double first_state = 0);

  /// Writes the new p and state.
  virtual void update(const Update& u) = 0;

 private:
  /// What is kept for one parameter.
  struct Slot {
    double rate, weight_decay;
    Index steps = 0;
    std::vector<Tensor<T>> state;  // of the parameter's shape; made at its first step
  };
  void add_slots();
  void apply_groups(Slot& slot, std::string_view path) const;

  Registry<T> registry_;
  const char* name_;
  double rate_, weight_decay_, first_state_, rate_factor_ = 1;
  std::vector<std::string> state_names_;
  std::vector<Slot> slots_;                                   // in the order of the registry, which only grows
  std::vector<std::pair<std::string, GroupOptions>> groups_;  // shorter prefixes first
};

/// The rate, momentum and weight decay of Sgd.
struct SgdOptions {
  double rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

/// Gradient descent.
///   d = g + λp;  m' = μm + d;  p' = p − ηm', or with Nesterov's momentum p' = p − η(d + μm')
/// where μ = .momentum. Robbins & Monro 1951; momentum: Polyak 1964; Nesterov's as in Sutskever et al. 2013, "On the importance
/// of initialization and momentum in deep learning", section 2, but with the rate outside of m.
template <class T>
class Sgd final : public Optimizer<T> {
 public:
  explicit Sgd(Registry<T>& registry, const SgdOptions& options = {});

 private:
  void update(const typename Optimizer<T>::Update& u) override;
  SgdOptions options_;
};

/// The options of RmsProp; the defaults are PyTorch's.
struct RmsPropOptions {
  double rate = 0.01;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double momentum = 0;
  double weight_decay = 0;
};

/// RMSprop: each element's step is measured by the running root mean square of its gradients.
///   d = g + λp;  v' = αv + (1−α)d²;  u = d / (√v' + ε);  p' = p − ηu, or with momentum μ: m' = μm + u, p' = p − ηm'
/// ε stands outside the root. Tieleman & Hinton 2012, "Neural Networks for Machine Learning", lecture 6.5.
template <class T>
class RmsProp final : public Optimizer<T> {
 public:
  explicit RmsProp(Registry<T>& registry, const RmsPropOptions& options = {});

 private:
  void update(const typename Optimizer<T>::Update& u) override;
  RmsPropOptions options_;
};

/// The options of Adagrad; the defaults are PyTorch's.
struct AdagradOptions {
  double rate = 0.01;
  double rate_decay = 0;
  double initial = 0;
  double epsilon = 1e-10;
  double weight_decay = 0;
};

/// Adagrad: each element's step shrinks with the gradients that it has seen.
///   d = g + λp;  s' = s + d²;  p' = p − η/(1 + (t−1)·rate_decay) · d / (√s' + ε)
/// in step t = 1, 2, …; s starts at .initial. ε stands outside the root. Duchi, Hazan, Singer 2011, "Adaptive Subgradient Methods
/// for Online Learning and Stochastic Optimization", figure 1, diagonal form.
template <class T>
class Adagrad final : public Optimizer<T> {
 public:
  explicit Adagrad(Registry<T>& registry, const AdagradOptions& options = {});

 private:
  void update(const typename Optimizer<T>::Update& u) override;
  AdagradOptions options_;
};

/// The options of Adadelta; the defaults are PyTorch's.
struct AdadeltaOptions {
  double rate = 1;
  double rho = 0.9;
  double epsilon = 1e-6;
  double weight_decay = 0;
};

/// Adadelta: steps in the units of the parameter, from the running mean squares of gradients and of steps.
///   d = g + λp;  v' = ρv + (1−ρ)d²;  u = d · √(w + ε) / √(v' + ε);  w' = ρw + (1−ρ)u²;  p' = p − ηu
/// ε stands inside both roots. Zeiler 2012, arXiv:1212.5701, algorithm 1.
template <class T>
class Adadelta final : public Optimizer<T> {
 public:
  explicit Adadelta(Registry<T>& registry, const AdadeltaOptions& options = {});

 private:
  void update(const typename Optimizer<T>::Update& u) override;
  AdadeltaOptions options_;
};

/// The options of Adam; the defaults are PyTorch's.
struct AdamOptions {
  double rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

/// Adam: running means of the gradients and of their squares, freed of their bias towards 0.
///   d = g + λp;  m' = β₁m + (1−β₁)d;  v' = β₂v + (1−β₂)d²;  p' = p − η · (m' / (1−β₁ᵗ)) / (√(v' / (1−β₂ᵗ)) + ε)
/// in step t = 1, 2, …. ε stands outside the root, after the bias is taken away. Kingma & Ba 2015, arXiv:1412.6980, algorithm 1.
template <class T>
class Adam final : public Optimizer<T> {
 public:
  explicit Adam(Registry<T>& registry, const AdamOptions& options = {});

 private:
  void update(const typename Optimizer<T>::Update& u) override;
  AdamOptions options_;
};

/// The options of AdamW; the defaults are PyTorch's.
struct AdamWOptions {
  double rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

/// AdamW: Adam, with weight decay apart from the gradient.
///   q = p − ηλp;  m' = β₁m + (1−β₁)g;  v' = β₂v + (1−β₂)g²;  p' = q − η · (m' / (1−β₁ᵗ)) / (√(v' / (1−β₂ᵗ)) + ε)
/// The decay follows the rate and its schedule. Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
template <class T>
class AdamW final : public Optimizer<T> {
 public:
  explicit AdamW(Registry<T>& registry, const AdamWOptions& options = {});

 private:
  void update(const typename Optimizer<T>::Update& u) override;
  AdamWOptions options_;
};

extern template class Optimizer<float>;
extern template class Optimizer<double>;
extern template class Sgd<float>;
extern template class Sgd<double>;
extern template class RmsProp<float>;
extern template class RmsProp<double>;
extern template class Adagrad<float>;
extern template class Adagrad<double>;
extern template class Adadelta<float>;
extern template class Adadelta<double>;
extern template class Adam<float>;
extern template class Adam<double>;
extern template class AdamW<float>;
extern template class AdamW<double>;

}  // namespace carousel
