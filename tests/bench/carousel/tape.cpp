#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

#include "jobs.hpp"

namespace bench {

using namespace carousel;

namespace {

/// A chain of statements on small arrays, forward and backward: `repeats` nodes of `size.batch` times `size.in` numbers.
template <class Statement>
class Chain {
 public:
  explicit Chain(Size size) : a_(empty<float>({size.batch, size.in})), b_(a_) {
    fill(a_.data(), a_.size(), 0);
    fill(b_.data(), b_.size(), 1);
  }
  void run() {
    const Activation<float> active(tape_);
    tape_.clear();
    Var<float> a = first_ = tape_.variable(a_);
    const Var<float> b = second_ = tape_.variable(b_);
    for (Index t = 0; t < repeats; ++t) a = Statement()(a, b);
    tape_.backward(carousel::sum(a));
  }
  std::vector<double> result() {
    const Activation<float> active(tape_);
    const Tensor<float> da = tape_.gradient(first_), db = tape_.gradient(second_);
    return {bench::sum(da.data(), da.size()), bench::sum(db.data(), db.size())};
  }

 private:
  Tensor<float> a_, b_;
  Tape<float> tape_{Tape<float>::Idle{}};
  Var<float> first_, second_;
};

struct Sum {
  Var<float> operator()(Var<float> a, Var<float> b) const { return a + b; }
};
struct Five {
  Var<float> operator()(Var<float> a, Var<float> b) const { return a + tanh(sigmoid(a) * exp(b)); }
};

}  // namespace

void add_tape(Jobs& jobs) {
  jobs["tape-sum"] = job<Chain<Sum>, Size>;
  jobs["tape-five"] = job<Chain<Five>, Size>;
}

}  // namespace bench
