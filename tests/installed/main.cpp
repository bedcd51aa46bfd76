#include <carousel/carousel.hpp>
#include <cstdio>
using namespace carousel;

/// Minimal gated unit. Zhou et al. 2016, arXiv:1603.09420:
///   f = σ(x Wf + h Uf);  c = tanh(x Wc + (f∘h) Uc);  h' = h + f∘(c − h)
template <class T>
struct MinimalGatedUnit {
  using State = Var<T>;  // h: [batch, hidden]
  Index hidden;
  Linear<T> xf, hf, xc, hc;
  MinimalGatedUnit(Scope<T> p, Index in, Index size)
      : hidden(size),
        xf(p / "xf", in, size),
        hf(p / "hf", size, size),
        xc(p / "xc", in, size),
        hc(p / "hc", size, size) {}
  State start(Index batch) const { return zero_state<T>(batch, hidden); }
  State operator()(Var<T> x, State h) const {
    Var<T> f = sigmoid(xf(x) + hf(h));
    Var<T> c = tanh(xc(x) + hc(f * h));
    return h + f * (c - h);
  }
};

/// Checks the gradient of every parameter, in double, over sequences of several lengths.
bool prove() {
  Random random(1);
  Registry<double> registry;
  CellCheck check = check_cell(MinimalGatedUnit<double>({registry, random}, 3, 4), registry);
  std::printf("gradcheck: %td entries, worst error %.1e\n", check.checks, check.worst_error);
  return check.passed;
}

/// Trains it to tell whether the first of ten numbers is above 0; how many of 1000 new answers are
/// right.
int train() {
  Random random(1);
  Registry<float> registry;
  MinimalGatedUnit<float> cell({registry, random, "cell"}, 1, 16);
  Linear<float> readout({registry, random, "readout"}, 16, 1);
  auto answers = [&](const Tensor<float>& xs) {  // xs: [time, batch, 1] -> logits: [batch, 1]
    return readout(last(scan(cell, Tape<float>::active().constant(xs))));
  };

  Tensor<float> xs = init::normal<float>(0, 1)({10, 256, 1}, random), ys = empty<float>({256, 1});
  for (Index n = 0; n < 256; ++n) ys(n, 0) = xs(0, n, 0) > 0 ? 1.0F : 0.0F;
  auto loss = [&](const Batch&, const Shard&) {
    return binary_cross_entropy(answers(xs), Tape<float>::active().constant(ys));
  };
  Adam<float> adam(registry, {.rate = 1e-2});
  fit(adam, {.examples = 1}, loss, {.epochs = 200});
  save(registry, "mgu.safetensors");

  load(registry, "mgu.safetensors");
  Tape<float> tape;
  NoGrad<float> no_gradient;
  Tensor<float> unseen = init::normal<float>(0, 1)({10, 1000, 1}, random),
                logits = answers(unseen).value();
  int right = 0;
  for (Index n = 0; n < 1000; ++n) right += (logits(n, 0) > 0) == (unseen(0, n, 0) > 0);
  return right;
}

int main() {
  const bool proved = prove();
  const int right = train();
  std::printf("right on %d of 1000 new sequences\n", right);
  return proved && right > 900 ? 0 : 1;
}
