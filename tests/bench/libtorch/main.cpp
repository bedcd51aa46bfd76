/// libtorch in the benchmark: its own LSTM, and cells in eager mode.

#include "cells.hpp"

namespace bench {

namespace {

/// A training step: forward and backward, loss Σh of all steps, gradients of all parameters and of the input.
template <class Layer>
class TrainingStep {
 public:
  explicit TrainingStep(Size size)
      : layer_(size), xs_(numbers({size.steps, size.batch, size.in}, input_array, 1).requires_grad_()) {}

  void run() {
    xs_.mutable_grad().reset();
    for (Tensor& p : layer_.parameters()) p.mutable_grad().reset();
    loss_ = layer_.outputs(xs_).sum();
    loss_.backward();
  }

  std::vector<double> result() {
    double parameters = 0;
    for (const Tensor& p : layer_.parameters()) parameters += p.grad().square().sum(torch::kDouble).item<double>();
    return {loss_.item<double>(), xs_.grad().norm().item<double>(), std::sqrt(parameters)};
  }

 private:
  Layer layer_;
  Tensor xs_, loss_;
};

template <class C>
struct Unrolled : C {
  using C::C;
  Tensor outputs(const Tensor& xs) const { return torch::stack(unroll(static_cast<const C&>(*this), xs)); }
};

/// Gives a layer of torch's the weights that the others have: [in, blocks · hidden] there is [blocks · hidden, in] here, and of
/// the two biases the second is 0.
void set_weights(Tensor wx, Tensor wh, Tensor b, Tensor second_b, Size s) {
  const torch::NoGradGuard guard;
  const float scale = parameter_scale(s);
  wx.copy_(numbers({s.in, wx.size(0)}, 0, scale).t());
  wh.copy_(numbers({s.hidden, wh.size(0)}, 1, scale).t());
  b.copy_(numbers(b.sizes(), 2, scale));
  second_b.zero_();
}

/// torch::nn::LSTM.
class Native {
 public:
  explicit Native(Size s) : lstm_(s.in, s.hidden) {
    parameters_ = lstm_->parameters();
    set_weights(parameters_[0], parameters_[1], parameters_[2], parameters_[3], s);
    second_bias_ = parameters_.back();
    parameters_.pop_back();  // what it computes is not compared
  }
  std::vector<Tensor>& parameters() {
    second_bias_.mutable_grad().reset();
    return parameters_;
  }
  Tensor outputs(const Tensor& xs) { return std::get<0>(lstm_->forward(xs)); }

 private:
  torch::nn::LSTM lstm_;
  std::vector<Tensor> parameters_;
  Tensor second_bias_;
};

/// Steps one by one, `repeats` of them, each with an input that only now is known.
class Steps {
 public:
  explicit Steps(Size size) : size_(size), cell_(size.in, size.hidden), x_(numbers({size.batch, size.in}, input_array, 1)) {
    const std::vector<Tensor> p = cell_->parameters();
    set_weights(p[0], p[1], p[2], p[3], size);
  }
  void run() {
    const c10::InferenceMode guard;
    h_ = torch::zeros({size_.batch, size_.hidden});
    Tensor c = h_;
    for (std::ptrdiff_t t = 0; t < repeats; ++t) {
      x_.data_ptr<float>()[0] = number(input_array, static_cast<std::size_t>(t));
      std::tie(h_, c) = cell_->forward(x_, std::tuple(h_, c));
    }
  }
  std::vector<double> result() const { return {h_.sum(torch::kDouble).item<double>()}; }

 private:
  Size size_;
  torch::nn::LSTMCell cell_;
  Tensor x_, h_;
};

/// A whole sequence.
class Sequence {
 public:
  explicit Sequence(Size size) : lstm_(size), xs_(numbers({size.steps, size.batch, size.in}, input_array, 1)) {}
  void run() {
    const c10::InferenceMode guard;
    hs_ = lstm_.outputs(xs_);
  }
  std::vector<double> result() const { return {hs_.sum(torch::kDouble).item<double>()}; }

 private:
  Native lstm_;
  Tensor xs_, hs_;
};

/// A chain of statements on small arrays, forward and backward: `repeats` of them on `size.batch` times `size.in` numbers.
template <class Statement>
class Chain {
 public:
  explicit Chain(Size size)
      : a_(numbers({size.batch, size.in}, 0, 1).requires_grad_()), b_(numbers({size.batch, size.in}, 1, 1).requires_grad_()) {}
  void run() {
    a_.mutable_grad().reset();
    b_.mutable_grad().reset();
    Tensor a = a_;
    for (std::ptrdiff_t t = 0; t < repeats; ++t) a = Statement()(a, b_);
    a.sum().backward();
  }
  std::vector<double> result() const { return {a_.grad().sum().item<double>(), b_.grad().sum().item<double>()}; }

 private:
  Tensor a_, b_;
};

struct Sum {
  Tensor operator()(const Tensor& a, const Tensor& b) const { return a + b; }
};
struct Five {
  Tensor operator()(const Tensor& a, const Tensor& b) const { return a + torch::tanh(torch::sigmoid(a) * torch::exp(b)); }
};

/// What libtorch found this machine to be able to do: "AVX2".
std::string capability() {
  const std::string config = at::show_config(), name = "CPU capability usage: ";
  const std::size_t from = config.find(name) + name.size();
  return config.substr(from, config.find('\n', from) - from);
}

}  // namespace

}  // namespace bench

int main(int argc, char** argv) {
  using namespace bench;
  at::set_num_threads(threads(argc, argv));
  Jobs jobs{{"train-nn-lstm", job<TrainingStep<Native>, Size>},
            {"train-lstm", job<TrainingStep<Unrolled<Lstm>>, Size>},
            {"train-gru", job<TrainingStep<Unrolled<Gru>>, Size>},
            {"train-peephole", job<TrainingStep<Unrolled<Peephole>>, Size>},
            {"train-layer-norm", job<TrainingStep<Unrolled<LayerNormLstm>>, Size>},
            {"train-minimal-gated", job<TrainingStep<Unrolled<MinimalGatedUnit>>, Size>},
            {"train-tanh", job<TrainingStep<Unrolled<TanhRnn>>, Size>},
            {"step-lstm", job<Steps, Size>},
            {"sequence-lstm", job<Sequence, Size>},
            {"tape-sum", job<Chain<Sum>, Size>},
            {"tape-five", job<Chain<Five>, Size>}};
  add_tasks(jobs);
  return serve(std::string("libtorch ") + TORCH_VERSION + ", " + capability(), jobs);
}
