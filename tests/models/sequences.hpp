#pragma once
/// What the tests of wrappers share: a cell of a user's own, and a run of any model over a sequence with all that comes out of
/// it.

#include <cstring>
#include <string>
#include <vector>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/support/values.hpp"

/// Minimal gated unit. Zhou et al. 2016, arXiv:1603.09420, eq. (5)-(7).
///   f = σ(x Wf + h Uf + bf);  c = tanh(x Wc + (f∘h) Uc + bc);  h' = h + f∘(c − h)
template <class T>
struct MinimalGatedUnit {
  using State = carousel::Var<T>;  // h: [batch, hidden]
  carousel::Index hidden;
  carousel::Linear<T> xf, hf, xc, hc;

  MinimalGatedUnit(carousel::Scope<T> p, carousel::Index in, carousel::Index hidden_size)
      : hidden(hidden_size),
        xf(p / "xf", in, hidden),
        hf(p / "hf", hidden, hidden),
        xc(p / "xc", in, hidden),
        hc(p / "hc", hidden, hidden) {}

  State start(carousel::Index batch) const { return carousel::zero_state<T>(batch, hidden); }
  State operator()(carousel::Var<T> x, State h) const {
    carousel::Var<T> f = sigmoid(xf(x) + hf(h));   // [batch, hidden]
    carousel::Var<T> c = tanh(xc(x) + hc(f * h));  // [batch, hidden]
    return h + f * (c - h);
  }
};

/// A cell from a function of x and h.
template <class F>
struct CellOf {
  using State = carousel::Var<double>;
  carousel::Index hidden;
  F step;
  State start(carousel::Index batch) const { return carousel::zero_state<double>(batch, hidden); }
  State operator()(State x, State h) const { return step(x, h); }
};
template <class F>
CellOf<F> cell_of(carousel::Index hidden, F step) {
  return {hidden, step};
}

/// Every parameter uniform in ±1, biases too: models whose noise and gradients are far from 0.
template <class T>
carousel::CellOptions<T> lively() {
  return {.forget_bias = {}, .init = carousel::init::uniform<T>(-1, 1)};
}

/// The names of all cells.
inline std::vector<std::string> all_cells() {
  std::vector<std::string> names;
  for (const carousel::CellName& cell : carousel::cell_names()) names.emplace_back(cell.name);
  return names;
}

/// The rows [0, steps) of example b: [time, batch, ...] to [steps, 1, ...].
template <class T>
carousel::Tensor<T> example_of(const carousel::Tensor<T>& x, carousel::Index b, carousel::Index steps) {
  carousel::Shape shape = carousel::shape_of(x);
  const carousel::Index batch = shape[1], size = shape.size() / (shape[0] * batch);
  shape[0] = steps, shape[1] = 1;
  carousel::Tensor<T> out = carousel::empty<T>(shape);
  for (carousel::Index t = 0; t < steps; ++t) std::copy_n(x.data() + (t * batch + b) * size, size, out.data() + t * size);
  return out;
}

/// Row b: [batch, ...] to [1, ...].
template <class T>
carousel::Tensor<T> row_of(const carousel::Tensor<T>& x, carousel::Index b) {
  carousel::Shape shape = carousel::shape_of(x);
  const carousel::Index size = shape.size() / shape[0];
  shape[0] = 1;
  carousel::Tensor<T> out = carousel::empty<T>(shape);
  std::copy_n(x.data() + b * size, size, out.data());
  return out;
}

template <class T>
bool same_bits(const carousel::Tensor<T>& a, const carousel::Tensor<T>& b) {
  return carousel::shape_of(a) == carousel::shape_of(b) && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}
template <class T>
bool same_bits(const std::vector<carousel::Tensor<T>>& a, const std::vector<carousel::Tensor<T>>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!same_bits(a[i], b[i])) return false;
  return true;
}

/// What a model reads, and the weights by which the loss counts what it makes.
template <class T>
struct Given {
  carousel::Tensor<T> xs, outputs;                // [time, batch, ...]
  std::vector<carousel::Tensor<T>> start, state;  // [batch, ...] each
};

/// What comes out of it. The loss is the sum of all outputs and of the state after the last step, each by its weight.
template <class T>
struct Results {
  carousel::Tensor<T> outputs, dxs;
  std::vector<carousel::Tensor<T>> state, dstart, parameters;

  std::vector<carousel::Tensor<T>> all() const {
    std::vector<carousel::Tensor<T>> list{outputs, dxs};
    for (const auto* more : {&state, &dstart, &parameters}) list.insert(list.end(), more->begin(), more->end());
    return list;
  }
};

/// Random values of the shapes that the model asks for.
template <class Model, class T = carousel::ScalarOfState<typename Model::State>>
Given<T> given_for(const Model& model, carousel::Index steps, carousel::Index batch, carousel::Index in, std::uint64_t seed) {
  Given<T> given;
  carousel::Tape<T> tape;
  const carousel::NoGrad<T> no_gradient;
  given.xs = random_tensor<T>({steps, batch, in}, seed);
  const auto [outputs, state] = scan(model, tape.constant(given.xs));
  given.outputs = random_tensor<T>(outputs.shape(), ++seed);
  auto last = state;
  for (std::size_t k = 0; k < carousel::detail::members_of(last).count; ++k) {
    const carousel::Shape shape = carousel::detail::members_of(last)[k].shape();
    given.start.push_back(random_tensor<T>(shape, ++seed));
    given.state.push_back(random_tensor<T>(shape, ++seed));
  }
  return given;
}

/// Runs `run(xs, start)`, which returns a Scanned, and sends the loss back.
template <class Model, class Run, class T = carousel::ScalarOfState<typename Model::State>>
Results<T> results_by(const Model& model, carousel::Registry<T>& registry, const Given<T>& given, const Run& run) {
  carousel::Tape<T> tape;
  const carousel::Var<T> xs = tape.variable(given.xs);
  auto start = model.start(carousel::shape_of(given.xs)[1]);
  std::vector<carousel::Var<T>> starts;
  for (std::size_t k = 0; k < given.start.size(); ++k) {
    starts.push_back(tape.variable(given.start[k]));
    carousel::detail::members_of(start)[k] = starts.back();
  }
  auto [outputs, state] = run(xs, start);
  const auto members = carousel::detail::members_of(state);
  carousel::Var<T> loss = sum(outputs * tape.constant(given.outputs));
  for (std::size_t k = 0; k < members.count; ++k) loss = loss + sum(members[k] * tape.constant(given.state[k]));
  carousel::backward(loss);

  Results<T> results;
  results.outputs = outputs.value();
  results.dxs = tape.gradient(xs);
  for (std::size_t k = 0; k < members.count; ++k) {
    results.state.push_back(members[k].value());
    results.dstart.push_back(tape.gradient(starts[k]));
  }
  for (const carousel::Parameter<T>& p : registry)
    results.parameters.push_back(p.has_gradient ? p.gradient : carousel::zeros<T>(p.shape()));
  return results;
}

template <class Model, class T = carousel::ScalarOfState<typename Model::State>>
Results<T> results_of(const Model& model, carousel::Registry<T>& registry, const Given<T>& given,
                      const carousel::ScanOptions& options = {}) {
  return results_by(model, registry, given, [&](auto xs, auto start) { return scan(model, xs, start, options); });
}

/// The worst difference between a ragged batch and its examples run alone, over values and gradients, by the largest element of
/// each tensor. Beyond an example's length outputs and gradients must be 0, and the input may be NaN.
template <class Model, class T = carousel::ScalarOfState<typename Model::State>>
double raggedness(const Model& model, carousel::Registry<T>& registry, Given<T> given,
                  const std::vector<carousel::Index>& lengths, carousel::ScanOptions options = {}) {
  using namespace carousel;
  const Shape shape = shape_of(given.xs);
  const Index steps = shape[0], batch = shape[1], size = shape[2];
  for (Index b = 0; b < batch; ++b)
    for (Index t = lengths[static_cast<std::size_t>(b)]; t < steps; ++t)
      std::fill_n(given.xs.data() + (t * batch + b) * size, size, T(NAN));
  options.lengths = lengths;
  const Results<T> together = results_of(model, registry, given, options);
  options.lengths = {};
  const Index first = options.key ? options.key->first_example : 0;

  double worst = 0;
  const auto compare = [&](const Tensor<T>& a, const Tensor<T>& b) { worst = std::max(worst, difference(a, b)); };
  std::vector<Tensor<T>> parameters;
  for (const Tensor<T>& p : together.parameters) parameters.push_back(zeros<T>(shape_of(p)));
  for (Index b = 0; b < batch; ++b) {
    const Index length = lengths[static_cast<std::size_t>(b)];
    for (const Tensor<T>* x : {&together.outputs, &together.dxs}) {
      const Tensor<T> whole = example_of(*x, b, steps);
      const Index width = static_cast<Index>(whole.size()) / steps;
      for (Index i = length * width; i < steps * width; ++i)
        if (whole.data()[i] != 0) worst = HUGE_VAL;
    }
    if (length == 0) {
      for (std::size_t k = 0; k < together.state.size(); ++k) {
        compare(row_of(together.state[k], b), row_of(given.start[k], b));
        compare(row_of(together.dstart[k], b), row_of(given.state[k], b));
      }
      continue;
    }
    Given<T> one{example_of(given.xs, b, length), example_of(given.outputs, b, length), {}, {}};
    for (const Tensor<T>& s : given.start) one.start.push_back(row_of(s, b));
    for (const Tensor<T>& s : given.state) one.state.push_back(row_of(s, b));
    if (options.key) options.key->first_example = first + b;
    const Results<T> alone = results_of(model, registry, one, options);
    compare(example_of(together.outputs, b, length), alone.outputs);
    compare(example_of(together.dxs, b, length), alone.dxs);
    for (std::size_t k = 0; k < alone.state.size(); ++k) {
      compare(row_of(together.state[k], b), alone.state[k]);
      compare(row_of(together.dstart[k], b), alone.dstart[k]);
    }
    for (std::size_t i = 0; i < parameters.size(); ++i)
      for (std::size_t j = 0; j < parameters[i].size(); ++j) parameters[i].data()[j] += alone.parameters[i].data()[j];
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) compare(together.parameters[i], parameters[i]);
  return worst;
}

/// The largest error of gradcheck over xs, the start and every parameter; projects outputs and the last state at once.
template <class Model>
carousel::GradcheckResult check_gradients(const Model& model, carousel::Registry<double>& registry, const Given<double>& given,
                                          const carousel::ScanOptions& options = {}) {
  using namespace carousel;
  std::vector<CheckedInput> inputs{{"xs", given.xs, true}};
  for (std::size_t k = 0; k < given.start.size(); ++k) inputs.push_back({"start " + std::to_string(k), given.start[k]});
  return gradcheck(
      [&](std::span<const Var<double>> v) {
        auto start = model.start(v[0].shape()[1]);
        for (std::size_t k = 0; k + 1 < v.size(); ++k) detail::members_of(start)[k] = v[k + 1];
        auto [outputs, state] = scan(model, v[0], start, options);
        Tape<double>& tape = Tape<double>::active();
        Var<double> loss = sum(outputs * tape.constant(given.outputs));
        for (std::size_t k = 0; k < given.state.size(); ++k)
          loss = loss + sum(detail::members_of(state)[k] * tape.constant(given.state[k]));
        return loss;
      },
      inputs, &registry);
}
