#include <carousel/models/losses/ctc.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <carousel/models/losses/known_gradient.hpp>
#include <carousel/models/sequence/lengths.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

constexpr double never = -std::numeric_limits<double>::infinity();  // ln 0

/// ln(eᵃ + eᵇ)
double add_logs(double a, double b) {
  if (a < b) std::swap(a, b);
  return b == never ? a : a + std::log1p(std::exp(b - a));
}

void check_sequences(const char* op, const Shape& logits, std::span<const Index> lengths, Index blank) {
  if (logits.rank() != 3 || logits[2] == 0) wrong_argument(op, ": logits are ", logits, ": must be [time, batch, classes]");
  if (!lengths.empty()) detail::check_lengths(op, lengths, logits);
  if (blank < 0 || blank >= logits[2]) wrong_argument(op, ": blank is ", blank, ": must be one of ", logits[2], " classes");
}

/// The logits of one example.
template <class T>
struct Steps {
  const T* logits;
  Index count, stride, classes;  // stride: elements from a step to the next

  Steps(const T* all, const Shape& shape, std::span<const Index> lengths, Index example)
      : logits(all + example * shape[2]),
        count(lengths.empty() ? shape[0] : lengths[static_cast<std::size_t>(example)]),
        stride(shape[1] * shape[2]),
        classes(shape[2]) {}

  const T* operator[](Index t) const { return logits + t * stride; }

  /// ln softmax of each step: [count, classes].
  void log_softmax(double* out) const {
    for (Index t = 0; t < count; ++t, out += classes) {
      const T* z = (*this)[t];
      const double most = static_cast<double>(*std::max_element(z, z + classes)), shift = std::isfinite(most) ? most : 0;
      double total = 0;
      for (Index k = 0; k < classes; ++k) total += std::exp(static_cast<double>(z[k]) - shift);
      const double log_total = shift + std::log(total);
      for (Index k = 0; k < classes; ++k) out[k] = static_cast<double>(z[k]) - log_total;
    }
  }
};

/// The places that a path goes through: the labels, with a blank before, between and behind them.
struct Places {
  const std::vector<Index>& labels;
  Index blank;

  Index count() const { return 2 * static_cast<Index>(labels.size()) + 1; }
  Index label(Index s) const { return s % 2 == 0 ? blank : labels[static_cast<std::size_t>(s / 2)]; }
  /// Whether a path may come to s from s − 2: to a label that is not the one before.
  bool may_skip(Index s) const { return s % 2 == 1 && s >= 3 && label(s) != label(s - 2); }
  /// Steps that the shortest path takes.
  Index least_steps() const {
    Index steps = static_cast<Index>(labels.size());
    for (std::size_t i = 1; i < labels.size(); ++i) steps += labels[i] == labels[i - 1];
    return steps;
  }
};

void check_labels(const Places& places, Index example, Index steps, Index classes) {
  for (std::size_t i = 0; i < places.labels.size(); ++i) {
    const Index label = places.labels[i];
    if (label < 0 || label >= classes || label == places.blank)
      wrong_argument("ctc_loss: label ", i, " of example ", example, " is ", label, ": must be one of ", classes,
                     " classes and not ", places.blank, ", the blank");
  }
  if (places.least_steps() > steps)
    wrong_argument("ctc_loss: example ", example, " has ", places.labels.size(), " labels in ", steps,
                   " steps: must have at least ", places.least_steps(), " steps, one for each and one between equal ones");
}

/// α: with what probability (as its logarithm) a path is at place s after step t and has said what it should: [steps, places].
/// Returns ln p(labels). Graves et al. 2006, eq. (5)-(8).
///   y: [steps, classes] ln softmax
double forward(const Places& places, Index steps, Index classes, const double* y, double* alpha) {
  const Index count = places.count();
  if (steps == 0) return 0;  // nothing was seen, and nothing is to be said
  std::fill_n(alpha, count, never);
  for (Index s = 0; s < std::min<Index>(2, count); ++s) alpha[s] = y[places.label(s)];
  for (Index t = 1; t < steps; ++t) {
    const double* before = alpha + (t - 1) * count;
    double* now = alpha + t * count;
    y += classes;
    for (Index s = 0; s < count; ++s) {
      double sum = before[s];
      if (s >= 1) sum = add_logs(sum, before[s - 1]);
      if (places.may_skip(s)) sum = add_logs(sum, before[s - 2]);
      now[s] = sum + y[places.label(s)];
    }
  }
  const double* last = alpha + (steps - 1) * count;
  return count == 1 ? last[0] : add_logs(last[count - 1], last[count - 2]);
}

/// Adds −(how probable each class is at each step among the paths that say the labels) to `probability`: [steps, classes].
///   y, alpha, log_p: of forward();  beta: [2, places], memory to use
void subtract_posterior(const Places& places, Index steps, Index classes, const double* y, const double* alpha, double log_p,
                        double* beta, double* probability) {
  const Index count = places.count();
  double *now = beta, *after = beta + count;  // of β without what step t itself says: eq. (9)-(11) over y
  for (Index t = steps; t-- > 0;) {
    for (Index s = 0; s < count; ++s) {
      if (t == steps - 1) {
        now[s] = s >= count - 2 ? 0 : never;
        continue;
      }
      const double* next = y + (t + 1) * classes;
      const auto from = [&](Index to) { return after[to] + next[places.label(to)]; };
      double sum = from(s);
      if (s + 1 < count) sum = add_logs(sum, from(s + 1));
      if (s + 2 < count && places.may_skip(s + 2)) sum = add_logs(sum, from(s + 2));
      now[s] = sum;
    }
    for (Index s = 0; s < count; ++s)
      probability[t * classes + places.label(s)] -= std::exp(alpha[t * count + s] + now[s] - log_p);
    std::swap(now, after);
  }
}

template <class T>
constexpr detail::Operation<T> ctc_operation{"ctc_loss", &detail::known_gradient_backward<T>,
                                             &detail::described<&detail::KnownGradient<T>::x>};

template <class T>
Var<T> ctc_loss_of(Var<T> logits, std::span<const std::vector<Index>> labels, const CtcOptions& options) {
  Tape<T>& tape = Tape<T>::active();
  logits = packed(logits);
  const Shape shape = logits.shape();
  check_sequences("ctc_loss", shape, options.lengths, options.blank);
  const Index batch = shape[1], classes = shape[2];
  if (static_cast<Index>(labels.size()) != batch)
    wrong_argument("ctc_loss: logits are ", shape, ", labels are of ", labels.size(), " examples: must be of ", batch);
  const double divide_by = options.divide_by.value_or(static_cast<double>(batch));
  if (!(divide_by > 0) || !std::isfinite(divide_by)) wrong_argument("ctc_loss: divide_by is ", divide_by, ": must be positive");

  const Var<T> out = tape.record(Shape{}, tape.needs_gradient(logits));
  const bool keeps = tape.node(out).needs_gradient;
  detail::Arena& arena = tape.arena();
  T* const gradient = arena.template take<T>(keeps ? shape.size() : 0);
  if (keeps) std::fill_n(gradient, shape.size(), T(0));
  const T* const from = tape.node(logits).value;
  double loss = 0;
  for (Index example = 0; example < batch; ++example) {
    const Steps<T> steps(from, shape, options.lengths, example);
    const Places places{labels[static_cast<std::size_t>(example)], options.blank};
    check_labels(places, example, steps.count, classes);
    detail::Scratch scratch(arena);
    double* const y = scratch.take<double>(steps.count * classes);
    double* const alpha = scratch.take<double>(steps.count * places.count());
    steps.log_softmax(y);
    const double log_p = forward(places, steps.count, classes, y, alpha);
    loss -= log_p;
    if (keeps && log_p != never) {
      double* const d = scratch.take<double>(steps.count * classes);
      for (Index i = 0; i < steps.count * classes; ++i) d[i] = std::exp(y[i]);
      subtract_posterior(places, steps.count, classes, y, alpha, log_p, scratch.take<double>(2 * places.count()), d);
      for (Index t = 0; t < steps.count; ++t)
        for (Index k = 0; k < classes; ++k)
          gradient[(t * batch + example) * classes + k] = static_cast<T>(d[t * classes + k] / divide_by);
    }
  }
  *tape.node(out).value = static_cast<T>(loss / divide_by);
  tape.set_backward(out, ctc_operation<T>, detail::KnownGradient<T>{logits.index(), gradient});
  return out;
}

template <class T>
std::vector<std::vector<Index>> greedy_of(const Tensor<T>& logits, const CtcDecodeOptions& options) {
  const Shape shape = shape_of(logits);
  check_sequences("ctc_greedy", shape, options.lengths, options.blank);
  std::vector<std::vector<Index>> all(static_cast<std::size_t>(shape[1]));
  for (Index example = 0; example < shape[1]; ++example) {
    const Steps<T> steps(logits.data(), shape, options.lengths, example);
    Index before = options.blank;
    for (Index t = 0; t < steps.count; ++t) {
      const Index now = std::max_element(steps[t], steps[t] + steps.classes) - steps[t];
      if (now != before && now != options.blank) all[static_cast<std::size_t>(example)].push_back(now);
      before = now;
    }
  }
  return all;
}

/// Beginnings of labels as a tree: 0 is the empty one, every other one is one label longer than its parent.
class Beginnings {
 public:
  struct Node {
    std::size_t parent;
    Index label;
  };

  Index last(std::size_t node) const { return nodes_[node].label; }
  std::size_t longer(std::size_t node, Index label) {
    const auto [found, is_new] = children_.try_emplace({node, label}, nodes_.size());
    if (is_new) nodes_.push_back({node, label});
    return found->second;
  }
  std::vector<Index> labels(std::size_t node) const {
    std::vector<Index> all;
    for (; node != 0; node = nodes_[node].parent) all.push_back(nodes_[node].label);
    std::reverse(all.begin(), all.end());
    return all;
  }

 private:
  std::vector<Node> nodes_{{0, -1}};
  std::map<std::pair<std::size_t, Index>, std::size_t> children_;
};

/// ln of the probability of a beginning's paths, of those that end in a blank and of those that end in its last label.
struct Followed {
  double blank = never, label = never;
  double all() const { return add_logs(blank, label); }
};

std::vector<CtcReading> search(const double* y, Index steps, Index classes, Index blank, Index width) {
  Beginnings beginnings;
  std::vector<std::pair<std::size_t, Followed>> beam{{0, {.blank = 0}}};
  std::map<std::size_t, Followed> next;
  for (Index t = 0; t < steps; ++t, y += classes) {
    next.clear();
    for (const auto& [node, paths] : beam) {
      const double all = paths.all();
      for (Index k = 0; k < classes; ++k) {
        if (k == blank) {
          double& to = next[node].blank;
          to = add_logs(to, all + y[k]);
          continue;
        }
        const bool again = k == beginnings.last(node);
        if (again) {  // joined with the one before, unless a blank stands between
          double& to = next[node].label;
          to = add_logs(to, paths.label + y[k]);
        }
        double& to = next[beginnings.longer(node, k)].label;
        to = add_logs(to, (again ? paths.blank : all) + y[k]);
      }
    }
    beam.assign(next.begin(), next.end());
    std::stable_sort(beam.begin(), beam.end(), [](const auto& a, const auto& b) { return a.second.all() > b.second.all(); });
    if (static_cast<Index>(beam.size()) > width) beam.resize(static_cast<std::size_t>(width));
  }
  std::vector<CtcReading> readings;
  for (const auto& [node, paths] : beam)
    if (paths.all() > never) readings.push_back({beginnings.labels(node), paths.all()});
  return readings;
}

template <class T>
std::vector<std::vector<CtcReading>> beam_search_of(const Tensor<T>& logits, const CtcBeamOptions& options) {
  const Shape shape = shape_of(logits);
  check_sequences("ctc_beam_search", shape, options.lengths, options.blank);
  if (options.width < 1) wrong_argument("ctc_beam_search: width is ", options.width, ": must be at least 1");
  std::vector<std::vector<CtcReading>> all;
  std::vector<double> y;
  for (Index example = 0; example < shape[1]; ++example) {
    const Steps<T> steps(logits.data(), shape, options.lengths, example);
    y.resize(static_cast<std::size_t>(steps.count * steps.classes));
    steps.log_softmax(y.data());
    all.push_back(search(y.data(), steps.count, steps.classes, options.blank, options.width));
    if (all.back().empty()) wrong_argument("ctc_beam_search: logits of example ", example, " leave no path: must be numbers");
  }
  return all;
}

}  // namespace

#define CAROUSEL_CTC(T)                                                                                          \
  Var<T> ctc_loss(Var<T> logits, std::span<const std::vector<Index>> labels, const CtcOptions& options) {        \
    return ctc_loss_of(logits, labels, options);                                                                 \
  }                                                                                                              \
  std::vector<std::vector<Index>> ctc_greedy(const Tensor<T>& logits, const CtcDecodeOptions& options) {         \
    return greedy_of(logits, options);                                                                           \
  }                                                                                                              \
  std::vector<std::vector<CtcReading>> ctc_beam_search(const Tensor<T>& logits, const CtcBeamOptions& options) { \
    return beam_search_of(logits, options);                                                                      \
  }
CAROUSEL_CTC(float)
CAROUSEL_CTC(double)
#undef CAROUSEL_CTC

}  // namespace carousel
