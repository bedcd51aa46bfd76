#include <carousel/models/cells/lstm.hpp>
#include <carousel/ops/reduce.hpp>

#include "jobs.hpp"

namespace bench {

using namespace carousel;

namespace {

/// An LSTM without its products: its input is z.
struct GatesAlone {
  using State = LstmState<float>;
  State operator()(Var<float> z, State s) const {
    auto [i, f, g, o] = split<4>(z);  // [batch, hidden] each
    Var<float> c = sigmoid(f) * s.c + sigmoid(i) * tanh(g);
    Var<float> h = sigmoid(o) * tanh(c);
    return {h, c};
  }
};

/// The two statements over a sequence, forward and backward.
class Statements {
 public:
  explicit Statements(Size size) : size_(size) {}

  void run() {
    const Activation<float> active(tape_);
    tape_.clear();
    zs_ = tape_.record(Shape{size_.steps, size_.batch, 4 * size_.hidden}, true);
    tape_.keep_gradient(zs_);
    if (!filled_) {  // it is the same memory in every run: a copy each time would count
      fill(tape_.data(zs_), static_cast<std::size_t>(zs_.shape().size()), 0, 2);
      filled_ = true;
    }
    const Var<float> zero = zero_state<float>(size_.batch, size_.hidden);
    loss_ = carousel::sum(scan(GatesAlone(), zs_, {zero, zero}));
    tape_.backward(loss_);
  }
  std::vector<double> result() {
    const Activation<float> active(tape_);
    const Tensor<float> gradient = tape_.gradient(zs_);
    return {static_cast<double>(loss_.item()), std::sqrt(sum_of_squares(gradient.data(), gradient.size()))};
  }

 private:
  Size size_;
  Tape<float> tape_{Tape<float>::Idle{}};
  Var<float> zs_, loss_;
  bool filled_ = false;
};

}  // namespace

void add_statements(Jobs& jobs) {
  jobs["statements"] = job<Statements, Size>;
}

}  // namespace bench
