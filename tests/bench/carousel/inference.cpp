#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/sequence/runner.hpp>

#include "jobs.hpp"

namespace bench {

using namespace carousel;

namespace {

struct Model {
  Registry<float> registry;
  Random random{1};
  Lstm<float> lstm;
  explicit Model(Size size) : lstm(Scope<float>(registry, random), size.in, size.hidden) {
    fill(registry, parameter_scale(size));
  }
};

/// Steps one by one, `repeats` of them, each with an input that only now is known.
class Steps : Model {
 public:
  explicit Steps(Size size) : Model(size), run_(lstm, size.batch), x_(empty<float>({size.batch, size.in})) {
    fill(x_.data(), x_.size(), input_array);
  }
  void run() {
    run_.reset();
    for (Index t = 0; t < repeats; ++t) {
      x_.data()[0] = number(input_array, static_cast<std::size_t>(t));
      h_ = &run_(x_);
    }
  }
  std::vector<double> result() const { return {bench::sum(h_->data(), h_->size())}; }

 private:
  Runner<Lstm<float>> run_;
  Tensor<float> x_;
  const Tensor<float>* h_ = nullptr;
};

/// A whole sequence.
class Sequence : Model {
 public:
  explicit Sequence(Size size) : Model(size), xs_(empty<float>({size.steps, size.batch, size.in})) {
    fill(xs_.data(), xs_.size(), input_array);
  }
  void run() {
    const Activation<float> active(tape_);
    tape_.clear();
    const NoGrad<float> no_gradient;
    hs_ = scan(lstm, tape_.constant(xs_)).outputs;
  }
  std::vector<double> result() {
    const Activation<float> active(tape_);
    return {bench::sum(tape_.data(hs_), static_cast<std::size_t>(hs_.shape().size()))};
  }

 private:
  Tensor<float> xs_;
  Tape<float> tape_{Tape<float>::Idle{}};
  Var<float> hs_;
};

}  // namespace

void add_inference(Jobs& jobs) {
  jobs["step-lstm"] = job<Steps, Size>;
  jobs["sequence-lstm"] = job<Sequence, Size>;
}

}  // namespace bench
