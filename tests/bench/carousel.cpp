#include <memory>

#include <carousel/models/lstm.hpp>
#include <carousel/ops/reduce.hpp>

#include "bench.hpp"

namespace bench {

using namespace carousel;

namespace {
struct LstmStep {
  Registry<float> registry;
  Random random{1};
  Lstm<float> lstm;
  Tensor<float> xs, gradient;
  Tape<float> tape;

  explicit LstmStep(Size s)
      : lstm(Scope<float>(registry, random) / "lstm", s.in, s.hidden), xs(init::normal<float>(0, 1)({s.steps, s.batch, s.in}, random)) {}

  void run() {
    tape.clear();
    const Var<float> x = tape.variable(xs);
    const Var<float> hs = scan(lstm, x);
    backward(sum(hs));
  }
};
}  // namespace

std::function<void()> carousel_lstm(Size size) {
  const auto step = std::make_shared<LstmStep>(size);
  return [step] { step->run(); };
}

}  // namespace bench
