#include <carousel/lib/numbers/gemm.hpp>
#include <carousel/lib/training/workers.hpp>
#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/ops/reduce.hpp>

#include "cells.hpp"
#include "jobs.hpp"

namespace bench {

using namespace carousel;

namespace {

/// A training step: forward and backward, loss Σh of all steps, gradients of all parameters and of the input. With several
/// threads the batch is divided, one tape for each part, as fit() does.
template <class Cell>
class TrainingStep {
 public:
  TrainingStep(Size size, int threads)
      : cell_(Scope<float>(registry_, random_), size.in, size.hidden),
        workers_(static_cast<int>(std::min<Index>(threads, size.batch))) {
    fill(registry_, parameter_scale(size));
    const Index row = size.batch * size.in;
    std::vector<float> all(static_cast<std::size_t>(size.steps * row));
    bench::fill(all.data(), all.size(), input_array);
    for (int i = 0; i < workers_.threads(); ++i) {
      const Index from = size.batch * i / workers_.threads(), to = size.batch * (i + 1) / workers_.threads();
      Part& part = parts_.emplace_back();
      part.xs = empty<float>({size.steps, to - from, size.in});
      for (Index t = 0; t < size.steps; ++t)
        std::copy_n(all.data() + t * row + from * size.in, (to - from) * size.in, part.xs.data() + t * (to - from) * size.in);
    }
  }

  void run() {
    if (parts_.size() == 1) return run_part(parts_[0], Gradients::replace);
    registry_.zero_gradients();
    auto task = [&](Index i) { run_part(parts_[static_cast<std::size_t>(i)], Gradients::keep); };
    workers_.run(static_cast<Index>(parts_.size()), task);
    for (Part& part : parts_) part.tape.add_to_parameters();
  }

  std::vector<double> result() {
    double loss = 0, input = 0, parameters = 0;
    for (Part& part : parts_) {
      const Activation<float> active(part.tape);
      const Tensor<float> gradient = part.tape.gradient(part.x);
      loss += static_cast<double>(part.loss.item());
      input += sum_of_squares(gradient.data(), gradient.size());
    }
    for (const Parameter<float>& p : registry_) parameters += sum_of_squares(p.gradient.data(), p.gradient.size());
    return {loss, std::sqrt(input), std::sqrt(parameters)};
  }

 private:
  struct Part {
    Tensor<float> xs;  // [steps, its part of the batch, in]
    Tape<float> tape{Tape<float>::Idle{}};
    Var<float> x, loss;
  };

  void run_part(Part& part, Gradients gradients) {
    const Activation<float> active(part.tape);
    part.tape.clear();
    part.x = part.tape.variable(part.xs);
    const Var<float> hs = scan(cell_, part.x);
    part.loss = sum(hs);
    part.tape.backward(part.loss, gradients);
  }

  Registry<float> registry_;
  Random random_{1};
  Cell cell_;
  Workers workers_;
  std::deque<Part> parts_;
};

template <class Cell>
std::function<Job(Size)> training(int threads) {
  return [threads](Size size) { return job<TrainingStep<Cell>>(size, threads); };
}

/// A product of matrices at a size where packing costs nothing.
Job product(Size size) {
  const Index m = size.batch, k = size.in, n = size.hidden;
  struct Matrices {
    std::vector<float> a, b, c, packed;
  };
  const auto size_of = [](Index count) { return static_cast<std::size_t>(count); };
  const auto at = std::make_shared<Matrices>();
  *at = {std::vector<float>(size_of(m * k), 0.5F), std::vector<float>(size_of(k * n), 0.5F), std::vector<float>(size_of(m * n)),
         std::vector<float>(size_of(packed_size<float>(k, n)))};
  pack<float>(false, k, n, at->b.data(), n, at->packed.data());
  return {[=] { gemm_packed<float>(false, m, n, k, at->a.data(), k, at->packed.data(), at->c.data(), n); }};
}

}  // namespace

void add_training(Jobs& jobs, int threads) {
  jobs["train-lstm"] = training<Lstm<float>>(threads);
  jobs["train-gru"] = training<Gru<float>>(threads);
  jobs["train-peephole"] = training<LstmPeephole<float>>(threads);
  jobs["train-layer-norm"] = training<cells::LayerNormLstm<float>>(threads);
  jobs["train-minimal-gated"] = training<cells::MinimalGatedUnit<float>>(threads);
  jobs["train-tanh"] = training<RnnTanh<float>>(threads);
  jobs["gemm"] = &product;
}

}  // namespace bench
