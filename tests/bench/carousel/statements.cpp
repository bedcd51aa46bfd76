#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "jobs.hpp"

namespace bench {

using namespace carousel;

namespace {

/// The two statements of an LSTM over a sequence, forward and backward, without its products: z of each step is given.
class Statements {
 public:
  explicit Statements(Size size) : size_(size) {}

  void run() {
    const Activation<float> active(tape_);
    tape_.clear();
    zs_ = tape_.record(Shape{size_.steps, size_.batch, 4 * size_.hidden}, true);
    Var<float> c = tape_.record(Shape{size_.batch, size_.hidden}, true);
    if (!filled_) {  // the same memory in every run, so that no copy counts
      fill(tape_.data(zs_), static_cast<std::size_t>(zs_.shape().size()), 0, 2);
      std::fill_n(tape_.data(c), c.shape().size(), 0.0F);
      filled_ = true;
    }
    tape_.keep_gradient(zs_);
    Var<float> loss = tape_.constant(Shape{});
    tape_.data(loss)[0] = 0;
    for (Index t = 0; t < size_.steps; ++t) {
      auto [i, f, g, o] = split<4>(at(zs_, 0, t));
      c = sigmoid(f) * c + sigmoid(i) * tanh(g);
      const Var<float> h = sigmoid(o) * tanh(c);
      loss = loss + carousel::sum(h);
    }
    loss_ = loss;
    tape_.backward(loss);
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
