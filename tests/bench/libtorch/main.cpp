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

/// torch::nn::LSTM. Its second bias is 0 and does not count in what is compared.
class Native {
 public:
  explicit Native(Size s) : lstm_(s.in, s.hidden) {
    const torch::NoGradGuard guard;
    const float scale = parameter_scale(s);
    const auto own = lstm_->named_parameters();
    own["weight_ih_l0"].copy_(numbers({s.in, 4 * s.hidden}, 0, scale).t());
    own["weight_hh_l0"].copy_(numbers({s.hidden, 4 * s.hidden}, 1, scale).t());
    own["bias_ih_l0"].copy_(numbers({4 * s.hidden}, 2, scale));
    own["bias_hh_l0"].zero_();
    parameters_ = {own["weight_ih_l0"], own["weight_hh_l0"], own["bias_ih_l0"]};
    second_bias_ = own["bias_hh_l0"];
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

template <class Layer>
Job training(Size size) {
  const auto step = std::make_shared<TrainingStep<Layer>>(size);
  return {[step] { step->run(); }, [step] { return step->result(); }};
}

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
  return serve(std::string("libtorch ") + TORCH_VERSION + ", " + capability(),
               {{"train-nn-lstm", training<Native>},
                {"train-lstm", training<Unrolled<Lstm>>},
                {"train-gru", training<Unrolled<Gru>>},
                {"train-peephole", training<Unrolled<Peephole>>},
                {"train-layer-norm", training<Unrolled<LayerNormLstm>>},
                {"train-minimal-gated", training<Unrolled<MinimalGatedUnit>>},
                {"train-tanh", training<Unrolled<TanhRnn>>}});
}
