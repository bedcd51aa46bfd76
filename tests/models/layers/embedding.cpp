#include <carousel/models/layers/embedding.hpp>

#include <vector>

#include <doctest/doctest.h>
#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/ops/reduce.hpp>

using namespace carousel;

TEST_CASE("an embedding gives each id its row, in the shape asked for") {
  Registry<double> registry;
  Random random(1);
  const Embedding<double> embedding(Scope<double>(registry, random) / "embed", 3, 2);
  registry.at("embed/table").set(tensor<double>({3, 2}, {1, 2, 3, 4, 5, 6}));
  Tape<double> tape;
  CHECK(embedding(std::vector<int>{2, 0, 2, 1}, {2, 2}).value() == tensor<double>({2, 2, 2}, {5, 6, 1, 2, 5, 6, 3, 4}));
  CHECK(embedding(std::vector<Index>{1}).value() == tensor<double>({1, 2}, {3, 4}));
}

TEST_CASE("an embedding is a linear layer of one-hot vectors, forward and backward") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const Embedding<double> embedding(scope / "embed", 4, 3);
  const Linear<double> linear(scope / "linear", 4, 3, {.bias = false});
  registry.at("linear/w").set(registry.at("embed/table").value);
  Tape<double> tape;
  const Var<double> one_hot = tape.constant(tensor<double>({3, 4}, {0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1}));
  const Var<double> a = embedding(std::vector<Index>{3, 1, 3}), b = linear(one_hot);
  CHECK(a.value() == b.value());
  const Var<double> weights = tape.constant(init::normal<double>(0, 1)({3, 3}, random));
  backward(sum(weights * a) + sum(weights * b));
  CHECK(registry.at("embed/table").gradient == registry.at("linear/w").gradient);
}

TEST_CASE("the table of an embedding starts normal, or as asked") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const Embedding<double> usual(scope / "usual", 100, 50);
  double square = 0;
  for (double v : registry.at("usual/table").value) square += v * v;
  CHECK(std::abs(square / 5000 - 1) < 0.06);
  const Embedding<double> asked(scope / "asked", 2, 2, {.table = init::constant<double>(0.25)});
  for (double v : registry.at("asked/table").value) CHECK(v == 0.25);
}
