#include <carousel/models/losses/loss.hpp>

#include <algorithm>
#include <cmath>

#include <carousel/lib/numbers/math.hpp>
#include <carousel/models/losses/known_gradient.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

// ---- one term per element ----------------------------------------------------------------------------------------------------

void must_be_alike(const char* op, const char* a_name, const Shape& a, const char* b_name, const Shape& b) {
  if (!(a == b)) wrong_argument(op, ": ", a_name, a, ", ", b_name, b, ": must have the same shape");
}

/// What to divide by: the caller's number, or the weight of what counts.
double divisor(const char* op, const std::optional<double>& divide_by, double weight) {
  if (!divide_by) {
    if (weight <= 0) wrong_argument(op, ": nothing counts: there is no mean");
    return weight;
  }
  if (!(*divide_by > 0) || !std::isfinite(*divide_by)) wrong_argument(op, ": divide_by is ", *divide_by, ": must be positive");
  return *divide_by;
}

template <class T>
double checked_weight(const char* op, std::span<const T> mask) {
  double weight = 0;
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (!(mask[i] >= 0)) wrong_argument(op, ": mask is ", mask[i], " at position ", i, ": must not be negative");
    weight += static_cast<double>(mask[i]);
  }
  return weight;
}

/// The weights as a value that broadcasts over `shape`.
template <class T>
Var<T> mask_value(const char* op, Shape shape, std::span<const T> mask) {
  const auto count = static_cast<Index>(mask.size());
  const Index elements = shape.size();
  if (count != elements && shape.rank() > 0) shape[shape.rank() - 1] = 1;
  if (count != shape.size())
    wrong_argument(op, ": mask has ", count, " weights: must be ", elements, " or ", shape.size(),
                   ", one per element or per row");
  Tape<T>& tape = Tape<T>::active();
  const Var<T> out = tape.constant(shape);
  std::copy(mask.begin(), mask.end(), tape.data(out));
  return out;
}

/// The terms of two operands of one shape, summed and divided; what does not count is not looked at.
template <class T, class Terms>
Var<T> reduce(const char* op, Var<T> a, Var<T> b, const Terms& terms, const LossOptions<T>& options) {
  const Shape shape = a.shape();
  const Index size = shape.size();
  if (options.mask.empty()) return sum(terms(a, b)) * (1 / divisor(op, options.divide_by, static_cast<double>(size)));
  const Var<T> mask = mask_value(op, shape, options.mask);
  const double each = static_cast<double>(size) / static_cast<double>(options.mask.size());
  const double weight = checked_weight(op, options.mask) * each;
  return sum(mask * terms(where(mask, a, 0), where(mask, b, 0))) * (1 / divisor(op, options.divide_by, weight));
}

template <class T>
Var<T> mean_squared_error_of(Var<T> prediction, Var<T> target, const LossOptions<T>& options) {
  must_be_alike("mean_squared_error", "prediction is ", prediction.shape(), "target is ", target.shape());
  return reduce(
      "mean_squared_error", prediction, target, [](auto p, auto y) { return square(std::move(p) - std::move(y)); }, options);
}

template <class T>
Var<T> sum_of_squares_of(Var<T> prediction, Var<T> target) {
  must_be_alike("sum_of_squares", "prediction is ", prediction.shape(), "target is ", target.shape());
  return sum(square(prediction - target));
}

template <class T>
Var<T> first_element_loss_of(Var<T> h, Var<T> target) {
  if (h.shape().rank() == 0 || h.shape().back() == 0)
    wrong_argument("first_element_loss: h is ", h.shape(), ": must have a feature");
  const Var<T> first = at(h, -1, 0);
  if (!(first.shape() == target.shape()))
    wrong_argument("first_element_loss: h is ", h.shape(), ", target is ", target.shape(), ": must be ", first.shape());
  return sum(square(first - target));
}

// A logit that is infinite loses nothing where it is right and infinitely much where not; the formula has 0 · ∞ there.
constexpr auto logistic_loss = elementwise(
    "binary_cross_entropy",
    [](auto x, auto y) {
      using L = decltype(x);
      const L zero(0), infinity = L(1) / zero;
      const L loss = (1 - y) * x + simd::max(-x, zero) + simd::log1p(simd::exp(-simd::abs(x)));
      const auto right = (x == infinity && y == 1) || (x == -infinity && y == 0);
      return simd::select(right, zero, simd::select(simd::abs(x) == infinity && y == y, infinity, loss));
    },
    [](auto dy, auto, auto x, auto y) { return std::tuple(dy * (simd::sigmoid(x) - y), -(dy * x)); });

template <class T>
Var<T> binary_cross_entropy_of(Var<T> logits, Var<T> targets, const LossOptions<T>& options) {
  must_be_alike("binary_cross_entropy", "logits are ", logits.shape(), "targets are ", targets.shape());
  return reduce(
      "binary_cross_entropy", logits, targets, [](auto x, auto y) { return logistic_loss(std::move(x), std::move(y)); }, options);
}

// ---- one term per position ---------------------------------------------------------------------------------------------------

/// Labels for a value [positions, classes], checked.
template <class T>
struct Labels {
  Index positions, classes;
  std::span<const Index> labels;
  LabelOptions<T> options;
  double scale;  // 1 / what the sum of terms is divided by

  Labels(const char* op, const char* what, const Shape& shape, std::span<const Index> given, const LabelOptions<T>& o)
      : classes(shape.back()), labels(given), options(o) {
    if (shape.rank() == 0 || classes == 0) wrong_argument(op, ": ", what, " are ", shape, ": must be [..., classes]");
    positions = shape.size() / classes;
    if (static_cast<Index>(labels.size()) != positions)
      wrong_argument(op, ": ", what, " are ", shape, ", labels are ", labels.size(), ": must be ", positions,
                     ", one per position");
    if (!o.mask.empty() && static_cast<Index>(o.mask.size()) != positions)
      wrong_argument(op, ": mask has ", o.mask.size(), " weights: must be ", positions, ", one per position");
    if (!(o.label_smoothing >= 0 && o.label_smoothing <= 1))
      wrong_argument(op, ": label_smoothing is ", o.label_smoothing, ": must lie in [0, 1]");
    checked_weight(op, o.mask);
    double total = 0;
    for (Index at = 0; at < positions; ++at) {
      const double w = weight(at);
      const Index label = (*this)[at];
      if (w > 0 && (label < 0 || label >= classes))
        wrong_argument(op, ": label ", label, " at position ", at, " is outside ", classes, " classes");
      total += w;
    }
    scale = 1 / divisor(op, o.divide_by, total);
  }

  Index operator[](Index at) const { return labels[static_cast<std::size_t>(at)]; }
  double weight(Index at) const {
    if (options.ignore_label && (*this)[at] == *options.ignore_label) return 0;
    return options.mask.empty() ? 1 : static_cast<double>(options.mask[static_cast<std::size_t>(at)]);
  }
  /// Σ target · values of a row; a target of 0 does not look.
  double target_sum(const T* row, Index label) const {
    const double smoothing = options.label_smoothing;
    const double sum = smoothing == 1 ? 0 : (1 - smoothing) * static_cast<double>(row[label]);
    if (smoothing == 0) return sum;
    double all = 0;
    for (Index j = 0; j < classes; ++j) all += static_cast<double>(row[j]);
    return sum + smoothing / static_cast<double>(classes) * all;
  }
};

template <class T>
constexpr detail::Operation<T> cross_entropy_operation{"cross_entropy", &detail::known_gradient_backward<T>,
                                                       &detail::described<&detail::KnownGradient<T>::x>};
template <class T>
constexpr detail::Operation<T> nll_operation{"nll", &detail::known_gradient_backward<T>,
                                             &detail::described<&detail::KnownGradient<T>::x>};

/// e = exp(z − max z), register by register; returns max z and Σ e.
template <class T>
std::pair<T, T> exponentials(const T* z, Index count, T* e) {
  constexpr Index width = simd::width<T>;
  const Index whole = count - count % width;
  T largest = z[0];
  if (whole > 0) {
    Lane<T> most = simd::load(z);
    for (Index j = width; j < whole; j += width) most = simd::max(most, simd::load(z + j));
    alignas(64) T lanes[width];
    simd::store(lanes, most);
    for (const T lane : lanes) largest = lane > largest ? lane : largest;
  }
  for (Index j = whole; j < count; ++j) largest = z[j] > largest ? z[j] : largest;
  if (!std::isfinite(largest)) largest = 0;  // infinities show in the result as such, or as NaN
  const Lane<T> m(largest);
  simd::LongSum<T> sums;
  for (Index j = 0; j < whole; j += width) {
    const Lane<T> y = simd::exp(simd::load(z + j) - m);
    simd::store(e + j, y);
    sums.add(y);
  }
  if (whole < count) {
    simd::store_some(e + whole, simd::exp(simd::load_some(z + whole, count - whole) - m), count - whole);
    sums.add(simd::load_some(e + whole, count - whole));
  }
  return {largest, simd::sum(sums.total())};
}

template <class T>
Var<T> cross_entropy_of(Var<T> logits, std::span<const Index> given, const LabelOptions<T>& options) {
  logits = packed(logits);
  const Labels<T> labels("cross_entropy", "logits", logits.shape(), given, options);
  Tape<T>& tape = Tape<T>::active();
  const Var<T> out = tape.record(Shape{}, tape.needs_gradient(logits));
  const bool keeps = tape.node(out).needs_gradient;
  const Index classes = labels.classes;
  T* const gradient = tape.arena().template take<T>(keeps ? labels.positions * classes : classes);
  const double smoothing = options.label_smoothing;

  double loss = 0;
  for (Index at = 0; at < labels.positions; ++at) {
    const double weight = labels.weight(at);
    T* const d = gradient + (keeps ? at * classes : 0);
    if (weight == 0) {
      if (keeps) std::fill_n(d, classes, T(0));
      continue;
    }
    const T* const z = tape.node(logits).value + at * classes;
    const auto [largest, total] = exponentials(z, classes, d);
    loss += weight * (static_cast<double>(largest) + std::log(static_cast<double>(total)) - labels.target_sum(z, labels[at]));
    if (!keeps) continue;
    const double scale = weight * labels.scale;
    const T factor = static_cast<T>(scale / static_cast<double>(total));
    const T everywhere = static_cast<T>(scale * smoothing / static_cast<double>(classes));
    for (Index j = 0; j < classes; ++j) d[j] = d[j] * factor - everywhere;
    d[labels[at]] -= static_cast<T>(scale * (1 - smoothing));
  }
  *tape.node(out).value = static_cast<T>(loss * labels.scale);
  tape.set_backward(out, cross_entropy_operation<T>, detail::KnownGradient<T>{logits.index(), gradient});
  return out;
}

template <class T>
Var<T> nll_of(Var<T> log_probabilities, std::span<const Index> given, const LabelOptions<T>& options) {
  const Var<T> x = packed(log_probabilities);
  const Labels<T> labels("nll", "log_probabilities", x.shape(), given, options);
  Tape<T>& tape = Tape<T>::active();
  const Var<T> out = tape.record(Shape{}, tape.needs_gradient(x));
  const bool keeps = tape.node(out).needs_gradient;
  const Index classes = labels.classes;
  T* const gradient = tape.arena().template take<T>(keeps ? labels.positions * classes : 0);

  double loss = 0;
  for (Index at = 0; at < labels.positions; ++at) {
    const double weight = labels.weight(at), scale = weight * labels.scale;
    if (keeps)
      std::fill_n(gradient + at * classes, classes,
                  static_cast<T>(-scale * options.label_smoothing / static_cast<double>(classes)));
    if (weight == 0) continue;
    loss -= weight * labels.target_sum(tape.node(x).value + at * classes, labels[at]);
    if (keeps) gradient[at * classes + labels[at]] -= static_cast<T>(scale * (1 - options.label_smoothing));
  }
  *tape.node(out).value = static_cast<T>(loss * labels.scale);
  tape.set_backward(out, nll_operation<T>, detail::KnownGradient<T>{x.index(), gradient});
  return out;
}

}  // namespace

#define CAROUSEL_LOSSES(T)                                                                              \
  Var<T> mean_squared_error(Var<T> prediction, Var<T> target, const LossOptions<T>& options) {          \
    return mean_squared_error_of(prediction, target, options);                                          \
  }                                                                                                     \
  Var<T> sum_of_squares(Var<T> prediction, Var<T> target) {                                             \
    return sum_of_squares_of(prediction, target);                                                       \
  }                                                                                                     \
  Var<T> first_element_loss(Var<T> h, Var<T> target) {                                                  \
    return first_element_loss_of(h, target);                                                            \
  }                                                                                                     \
  Var<T> cross_entropy(Var<T> logits, std::span<const Index> labels, const LabelOptions<T>& options) {  \
    return cross_entropy_of(logits, labels, options);                                                   \
  }                                                                                                     \
  Var<T> nll(Var<T> log_probabilities, std::span<const Index> labels, const LabelOptions<T>& options) { \
    return nll_of(log_probabilities, labels, options);                                                  \
  }                                                                                                     \
  Var<T> binary_cross_entropy(Var<T> logits, Var<T> targets, const LossOptions<T>& options) {           \
    return binary_cross_entropy_of(logits, targets, options);                                           \
  }
CAROUSEL_LOSSES(float)
CAROUSEL_LOSSES(double)
#undef CAROUSEL_LOSSES

}  // namespace carousel
