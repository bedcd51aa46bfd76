#include "cells.hpp"

namespace bench {

namespace {

Tensor symbols(std::ptrdiff_t count, std::ptrdiff_t kinds) {
  Tensor all = torch::empty({count}, torch::kLong);
  for (std::ptrdiff_t i = 0; i < count; ++i) all.data_ptr<std::int64_t>()[i] = symbol(static_cast<std::size_t>(i), kinds);
  return all;
}

void forget_gradients(torch::optim::Optimizer& optimizer) {
  for (Tensor& p : optimizer.param_groups()[0].params()) p.mutable_grad().reset();  // quicker than filling them with zeros
}

/// The losses of the first two batches of all.
class Losses {
 public:
  std::vector<double> result() const { return first_; }

 protected:
  void add(const Tensor& loss) {
    const double value = loss.item<double>();
    if (first_.size() < 2) first_.push_back(value);
  }

 private:
  std::vector<double> first_;
};

/// char-rnn's defaults with torch::nn::LSTM: two layers, a state that goes on from batch to batch, the sum of the loss over time,
/// every element of the gradient clipped, RMSprop. The second bias of each layer stays 0: the
/// net learns the same as carousel's, which has one.
class Text : Losses {
 public:
  using Losses::result;
  explicit Text(Size s)
      : size_(s),
        lstm_(torch::nn::LSTMOptions(characters, s.hidden).num_layers(2)),
        readout_(s.hidden, characters),
        optimizer_(all_parameters(), torch::optim::RMSpropOptions(2e-3).alpha(0.95)),
        text_(symbols(text_batches * s.batch * s.steps, characters).view({s.batch, -1})) {
    const torch::NoGradGuard guard;
    const float scale = parameter_scale(s);
    readout_->weight.copy_(numbers({s.hidden, characters}, 0, scale).t());
    readout_->bias.copy_(numbers({characters}, 1, scale));
    const std::vector<Tensor> p = lstm_->parameters();
    for (unsigned layer = 0; layer < 2; ++layer) {
      p[4 * layer].copy_(numbers({layer == 0 ? characters : s.hidden, 4 * s.hidden}, 3 * layer + 2, scale).t());
      p[4 * layer + 1].copy_(numbers({s.hidden, 4 * s.hidden}, 3 * layer + 3, scale).t());
      p[4 * layer + 2].copy_(numbers({4 * s.hidden}, 3 * layer + 4, scale));
      p[4 * layer + 3].zero_().set_requires_grad(false);
    }
    h_ = c_ = torch::zeros({2, s.batch, s.hidden});
  }

  void run() {
    for (std::ptrdiff_t batch = 0; batch < batches; ++batch) {
      const Tensor x = text_.narrow(1, batch * size_.steps, size_.steps).t();
      const Tensor y = text_.narrow(1, batch * size_.steps + 1, size_.steps).t();
      forget_gradients(optimizer_);
      auto [hs, state] = lstm_->forward(torch::one_hot(x, characters).to(torch::kFloat), std::tuple(h_, c_));
      h_ = std::get<0>(state).detach();
      c_ = std::get<1>(state).detach();
      const Tensor loss =
          torch::nn::functional::cross_entropy(readout_(hs).flatten(0, 1), y.flatten()) * static_cast<double>(size_.steps);
      loss.backward();
      for (Tensor& p : optimizer_.param_groups()[0].params())
        if (p.grad().defined()) p.mutable_grad().clamp_(-5, 5);
      optimizer_.step();
      add(loss);
    }
  }

 private:
  std::vector<Tensor> all_parameters() {
    std::vector<Tensor> all = lstm_->parameters();
    for (const Tensor& p : readout_->parameters()) all.push_back(p);
    return all;
  }

  Size size_;
  torch::nn::LSTM lstm_;
  torch::nn::Linear readout_;
  torch::optim::RMSprop optimizer_;
  Tensor text_, h_, c_;  // text: [batch, characters of its stream]
};

/// The MNIST net of fmscole/lstm_batch.
class Mnist : Losses {
 public:
  using Losses::result;
  explicit Mnist(Size s)
      : size_(s),
        lstm_(s),
        readout_(numbers({s.hidden, digits}, 3, parameter_scale(s)).requires_grad_()),
        lstm_optimizer_(lstm_.parameters(), torch::optim::SGDOptions(0.001)),
        readout_optimizer_({readout_}, torch::optim::SGDOptions(0.05)),
        images_(numbers({batches * s.batch, s.steps, s.in}, input_array, 1).transpose(0, 1).contiguous()),
        labels_(symbols(batches * s.batch, digits)) {}

  void run() {
    for (std::ptrdiff_t batch = 0; batch < batches; ++batch) {
      forget_gradients(lstm_optimizer_);
      forget_gradients(readout_optimizer_);
      const Tensor h = unroll(lstm_, images_.narrow(1, batch * size_.batch, size_.batch)).back();
      const Tensor loss =
          torch::nn::functional::cross_entropy(torch::mm(h, readout_), labels_.narrow(0, batch * size_.batch, size_.batch),
                                               torch::nn::functional::CrossEntropyFuncOptions().reduction(torch::kSum));
      loss.backward();
      lstm_optimizer_.step();
      readout_optimizer_.step();
      add(loss);
    }
  }

 private:
  Size size_;
  LstmLinear lstm_;
  Tensor readout_;
  torch::optim::SGD lstm_optimizer_, readout_optimizer_;
  Tensor images_, labels_;  // images: [steps, examples, in]
};

}  // namespace

void add_tasks(Jobs& jobs) {
  jobs["task-text"] = job<Text, Size>;
  jobs["task-mnist"] = job<Mnist, Size>;
}

}  // namespace bench
