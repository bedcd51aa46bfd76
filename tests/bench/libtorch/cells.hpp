#pragma once
/// Recurrent cells in libtorch's eager mode. As someone would who wants speed, they take the products of the input, which need no
/// state, out of the loop: project() is called once, step() for each time.

#include <torch/torch.h>

#include "../job.hpp"

namespace bench {

using torch::Tensor;

/// A tensor of the numbers that all implementations start from.
inline Tensor numbers(at::IntArrayRef shape, unsigned array, float scale) {
  Tensor t = torch::empty(shape);
  fill(t.data_ptr<float>(), static_cast<std::size_t>(t.numel()), array, scale);
  return t;
}

/// What cells share: their parameters, in the order of carousel's.
class Cell {
 public:
  using State = std::vector<Tensor>;  // the first is the output
  explicit Cell(Size size) : size_(size) {}
  std::vector<Tensor>& parameters() { return parameters_; }

 protected:
  Tensor parameter(at::IntArrayRef shape) {
    return parameters_.emplace_back(
        numbers(shape, static_cast<unsigned>(parameters_.size()), parameter_scale(size_)).requires_grad_());
  }
  Tensor zeros() const { return torch::zeros({size_.batch, size_.hidden}); }
  /// x w + b, for x of any rank.
  static Tensor linear(const Tensor& x, const Tensor& w, const Tensor& b) {
    if (x.dim() == 2) return torch::addmm(b, x, w);
    return torch::addmm(b, x.flatten(0, 1), w).view({x.size(0), x.size(1), w.size(1)});
  }

  Size size_;

 private:
  std::vector<Tensor> parameters_;
};

struct Lstm : Cell {
  Tensor wx, wh, b;
  explicit Lstm(Size s)
      : Cell(s), wx(parameter({s.in, 4 * s.hidden})), wh(parameter({s.hidden, 4 * s.hidden})), b(parameter({4 * s.hidden})) {}
  State start() const { return {zeros(), zeros()}; }
  Tensor project(const Tensor& xs) const { return linear(xs, wx, b); }
  State step(const Tensor& x, const State& s) const {
    const auto z = torch::addmm(x, s[0], wh).chunk(4, 1);  // i, f, g, o
    const Tensor c = torch::sigmoid(z[1]) * s[1] + torch::sigmoid(z[0]) * torch::tanh(z[2]);
    return {torch::sigmoid(z[3]) * torch::tanh(c), c};
  }
};

/// The LSTM of fmscole/lstm_batch, whose output is linear in the cell.
struct LstmLinear : Lstm {
  using Lstm::Lstm;
  State step(const Tensor& x, const State& s) const {
    const auto z = torch::addmm(x, s[0], wh).chunk(4, 1);  // i, f, g, o
    const Tensor c = torch::sigmoid(z[1]) * s[1] + torch::sigmoid(z[0]) * torch::tanh(z[2]);
    return {torch::sigmoid(z[3]) * c, c};
  }
};

struct Gru : Cell {
  Tensor wx, wh, b, bh;
  explicit Gru(Size s)
      : Cell(s),
        wx(parameter({s.in, 3 * s.hidden})),
        wh(parameter({s.hidden, 3 * s.hidden})),
        b(parameter({3 * s.hidden})),
        bh(parameter({3 * s.hidden})) {}
  State start() const { return {zeros()}; }
  Tensor project(const Tensor& xs) const { return linear(xs, wx, b); }
  State step(const Tensor& x, const State& s) const {
    const auto zx = x.chunk(3, 1), zh = linear(s[0], wh, bh).chunk(3, 1);  // r, z, n
    const Tensor candidate = torch::tanh(zx[2] + torch::sigmoid(zx[0] + zh[0]) * zh[2]);
    return {candidate + torch::sigmoid(zx[1] + zh[1]) * (s[0] - candidate)};
  }
};

struct Peephole : Lstm {
  Tensor pi, pf, po;
  explicit Peephole(Size s) : Lstm(s), pi(parameter({s.hidden})), pf(parameter({s.hidden})), po(parameter({s.hidden})) {}
  State step(const Tensor& x, const State& s) const {
    const auto z = torch::addmm(x, s[0], wh).chunk(4, 1);  // i, f, g, o
    const Tensor c = torch::sigmoid(z[1] + pf * s[1]) * s[1] + torch::sigmoid(z[0] + pi * s[1]) * torch::tanh(z[2]);
    return {torch::sigmoid(z[3] + po * c) * torch::tanh(c), c};
  }
};

struct LayerNormLstm : Cell {
  Tensor wx, wh, x_gain, x_bias, h_gain, h_bias, c_gain, c_bias, b;
  explicit LayerNormLstm(Size s)
      : Cell(s),
        wx(parameter({s.in, 4 * s.hidden})),
        wh(parameter({s.hidden, 4 * s.hidden})),
        x_gain(parameter({4 * s.hidden})),
        x_bias(parameter({4 * s.hidden})),
        h_gain(parameter({4 * s.hidden})),
        h_bias(parameter({4 * s.hidden})),
        c_gain(parameter({s.hidden})),
        c_bias(parameter({s.hidden})),
        b(parameter({4 * s.hidden})) {}
  State start() const { return {zeros(), zeros()}; }
  Tensor project(const Tensor& xs) const { return norm(torch::matmul(xs, wx), x_gain, x_bias) + b; }
  State step(const Tensor& x, const State& s) const {
    const auto z = (x + norm(torch::mm(s[0], wh), h_gain, h_bias)).chunk(4, 1);  // i, f, g, o
    const Tensor c = torch::sigmoid(z[1]) * s[1] + torch::sigmoid(z[0]) * torch::tanh(z[2]);
    return {torch::sigmoid(z[3]) * torch::tanh(norm(c, c_gain, c_bias)), c};
  }
  static Tensor norm(const Tensor& x, const Tensor& gain, const Tensor& bias) {
    return torch::layer_norm(x, {x.size(-1)}, gain, bias);
  }
};

struct MinimalGatedUnit : Cell {
  Tensor xf_w, xf_b, hf_w, hf_b, xc_w, xc_b, hc_w, hc_b;
  explicit MinimalGatedUnit(Size s)
      : Cell(s),
        xf_w(parameter({s.in, s.hidden})),
        xf_b(parameter({s.hidden})),
        hf_w(parameter({s.hidden, s.hidden})),
        hf_b(parameter({s.hidden})),
        xc_w(parameter({s.in, s.hidden})),
        xc_b(parameter({s.hidden})),
        hc_w(parameter({s.hidden, s.hidden})),
        hc_b(parameter({s.hidden})) {}
  State start() const { return {zeros()}; }
  Tensor project(const Tensor& xs) const { return torch::cat({linear(xs, xf_w, xf_b + hf_b), linear(xs, xc_w, xc_b + hc_b)}, 2); }
  State step(const Tensor& x, const State& s) const {
    const auto z = x.chunk(2, 1);  // f, c
    const Tensor& h = s[0];
    const Tensor f = torch::sigmoid(torch::addmm(z[0], h, hf_w));
    const Tensor c = torch::tanh(torch::addmm(z[1], f * h, hc_w));
    return {h + f * (c - h)};
  }
};

struct TanhRnn : Cell {
  Tensor wx, wh, b;
  explicit TanhRnn(Size s)
      : Cell(s), wx(parameter({s.in, s.hidden})), wh(parameter({s.hidden, s.hidden})), b(parameter({s.hidden})) {}
  State start() const { return {zeros()}; }
  Tensor project(const Tensor& xs) const { return linear(xs, wx, b); }
  State step(const Tensor& x, const State& s) const { return {torch::tanh(torch::addmm(x, s[0], wh))}; }
};

/// The tasks text and mnist.
void add_tasks(Jobs& jobs);

/// The outputs of all steps.
template <class C>
std::vector<Tensor> unroll(const C& cell, const Tensor& xs) {
  std::vector<Tensor> hs;
  Cell::State state = cell.start();
  for (const Tensor& x : cell.project(xs).unbind(0)) {
    state = cell.step(x, state);
    hs.push_back(state[0]);
  }
  return hs;
}

}  // namespace bench
