#include <carousel/lib/tape/parameter.hpp>
#include <carousel/lib/tape/tape.hpp>

#include <doctest/doctest.h>

#include <carousel/lib/training/init.hpp>
#include <carousel/ops/affine.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/ops/softmax.hpp>

using namespace carousel;

using V = Var<double>;

TEST_CASE("a tape says what it holds, node by node") {
  Registry<double> registry;
  Random random(1);
  const Param<double> w = Scope<double>(registry, random).parameter("net/w", {3, 4}, init::constant<double>(0.5));
  Tape<double> tape;
  const V x = tape.constant(full<double>({2, 3}, 1)), b = tape.variable(full<double>({4}, 1));
  const auto [f, g] = split<2>(affine(x, w, b));
  const V y = sigmoid(f) * tanh(g);
  const V loss = sum(softmax(y));
  const std::string text = tape.text();
  const std::size_t end = text.find('\n');
  CHECK(text.substr(0, end) == "a tape of 9 nodes, " + std::to_string(tape.bytes()) + " bytes");
  CHECK(text.substr(end + 1) ==
        "    %0  [2, 3] constant\n"
        "    %1  [4] variable\n"
        "    %2  [3, 4] parameter net/w\n"
        "    %3  [2, 4] affine of %0, net/w, %1\n"
        "    %4  [2, 2] view of %3 at 0\n"
        "    %5  [2, 2] view of %3 at 2\n"
        "    %6  [2, 2] σ(%4)∘tanh(%5)\n"
        "    %7  [2, 2] softmax of %6\n"
        "    %8  [] sum of %7\n");
  backward(loss);
  CHECK(tape.text().find(" bytes, sent back\n") != std::string::npos);
  CHECK(tape.text(3) == "[2, 4] affine of %0, net/w, %1");
}

TEST_CASE("what keeps no way back says so") {
  Tape<double> tape;
  const V x = tape.constant(full<double>({2, 3}, 1));
  const V y = 2 * x;
  const V z = softmax(y);
  CHECK(tape.text(y.index()) == "[2, 3] 2·%0, without gradient");
  CHECK(tape.text(z.index()) == "[2, 3] softmax, without gradient");
}

TEST_CASE("a tape goes back again, to the same bits, when its gradients are forgotten") {
  Registry<double> registry;
  Random random(1);
  const Param<double> w = Scope<double>(registry, random).parameter("w", {4, 4}, init::uniform<double>(-1, 1));
  Tape<double> tape;
  const V x = tape.variable(init::uniform<double>(-1, 1)({2, 4}, random));
  V h = x;
  for (int step = 0; step < 3; ++step) h = tanh(matmul(h, w)) + h;
  const auto [a, b] = split<2>(h);
  const V loss = sum(V(a * b));
  struct Counting final : detail::Observer<double> {
    int recorded_ = 0, sent_back_ = 0;
    void recorded(Tape<double>&, std::uint32_t) override { ++recorded_; }
    void sent_back(Tape<double>&, std::uint32_t) override { ++sent_back_; }
  } counting;
  backward(loss);
  const Tensor<double> dx = tape.gradient(x), dw = registry.at("w").gradient;
  tape.forget_gradients();
  tape.observer = &counting;
  backward(loss);
  tape.observer = nullptr;
  const Tensor<double> again = tape.gradient(x), dw_again = registry.at("w").gradient;
  for (std::size_t k = 0; k < 8; ++k) CHECK(dx.data()[k] == again.data()[k]);
  for (std::size_t k = 0; k < 16; ++k) CHECK(dw.data()[k] == dw_again.data()[k]);
  CHECK(counting.sent_back_ == 10);  // x, w, three times two, the product and the sum
  CHECK(counting.recorded_ == 0);
}

TEST_CASE("who looks on sees each node come, and go back") {
  struct Listing final : detail::Observer<double> {
    std::string seen;
    void recorded(Tape<double>&, std::uint32_t i) override { seen += "r" + std::to_string(i); }
    void sent_back(Tape<double>&, std::uint32_t i) override { seen += "b" + std::to_string(i); }
  } listing;
  Tape<double> tape;
  tape.observer = &listing;
  const V x = tape.variable(full<double>({2, 4}, 1));
  const auto [a, b] = split<2>(x);
  backward(sum(V(a * b)));
  CHECK(listing.seen == "r0r1r2r3r4b4b3b0");
}
