#include <carousel/lib/tape/parameter.hpp>

#include <cstdint>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <carousel/lib/training/init.hpp>
#include <carousel/ops/reduce.hpp>

#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

Parameter<double>& add(Registry<double>& registry, const std::string& path, const Shape& shape) {
  return registry.parameter(path, shape, [&] { return zeros<double>(shape); });
}

}  // namespace

TEST_CASE("a registry keeps parameters in the order of their making, at fixed addresses") {
  Registry<double> registry;
  Parameter<double>& first = add(registry, "z", {2, 3});
  std::vector<std::string> expected{"z"};
  for (int i = 0; i < 100; ++i) add(registry, expected.emplace_back("p" + std::to_string(i)), {1});
  std::vector<std::string> paths;
  for (const Parameter<double>& parameter : registry) paths.push_back(parameter.path);
  CHECK(paths == expected);
  CHECK(&registry.at("z") == &first);
  CHECK(registry.size() == 101);
  CHECK(registry.elements() == 106);
  CHECK(registry.contains("p99"));
  CHECK_FALSE(registry.contains("p100"));
  CHECK_THROWS_WITH_AS(registry.at("p100"), "parameter: there is no p100", std::invalid_argument);
}

TEST_CASE("a path asked for twice is one parameter where sharing is asked for, which must have one shape") {
  Registry<double> registry;
  Parameter<double>& w = add(registry, "w", {2, 3});
  bool made = false;
  const auto make = [&] {
    made = true;
    return zeros<double>({2, 3});
  };
  CHECK(&registry.parameter("w", {2, 3}, make, {.shared = true}) == &w);
  CHECK_THROWS_WITH_AS(registry.parameter("w", {2, 3}, make),
                       "parameter: w is there already: each layer must have a path of its own, or share by scope.shared()",
                       std::invalid_argument);
  CHECK_FALSE(made);
  CHECK_THROWS_WITH_AS(add(registry, "w", {3, 2}), "parameter: w is [2, 3], asked for as [3, 2]: shared ones must have one shape",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(registry.parameter("v", {2}, [] { return zeros<double>({3}); }),
                       "parameter: v is to be [2], its initial value is [3]", std::invalid_argument);
  CHECK_FALSE(registry.contains("v"));
}

TEST_CASE("two layers with one path are refused with both lines, and share where that is asked for") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const auto layer = [](const Scope<double>& p) { return p.parameter("w", {2}, init::constant<double>(0)); };
  const auto net = [&](const Scope<double>& p) { return layer(p / "inner"); };
  const auto lines = [](int first, int second) {
    return join("in parameter.cpp:", first, " and again in parameter.cpp:", second,
                ": each layer must have a path of its own, or share by scope.shared()");
  };
  const int one = __LINE__ + 1;
  const Param<double> w = layer(scope / "a");
  const int two = __LINE__ + 1;  // outside of CHECK, whose last line clang takes
  const auto second = [&] { layer(scope / "a"); };
  CHECK(message_of<std::invalid_argument>(second) == "parameter: a/w is asked for " + lines(one, two));
  CHECK(&*layer((scope / "a").shared()) == &*w);
  CHECK(registry.size() == 1);

  // The line within the layer is the same for both: what differs is outside of it.
  const int three = __LINE__ + 1;
  net(scope / "b");
  const int four = __LINE__ + 1;
  const auto fourth = [&] { net(scope / "b"); };
  CHECK(message_of<std::invalid_argument>(fourth) == "parameter: b/inner/w is asked for " + lines(three, four));
  CHECK_NOTHROW(net(scope.shared() / "b"));

  const int five = __LINE__ + 1;
  const auto again = [&] { net(scope / std::string("c")); };
  again();
  const std::string twice = message_of<std::invalid_argument>(again);
  CHECK(twice.starts_with("parameter: c/inner/w is asked for twice, in parameter.cpp:"));
  CHECK(twice.find(join(" → parameter.cpp:", five, " → parameter.cpp:")) != std::string::npos);
}

TEST_CASE("a parameter knows the kind of its layer, and where it was asked for") {
  Registry<double> registry;
  Random random(1);
  const auto fill = init::constant<double>(0);
  const Scope<double> scope(registry, random);
  const int line = __LINE__ + 1;
  (scope / "a").of("Layer").parameter("w", {2}, fill);
  ((scope / "a").of("Layer") / "b").parameter("w", {2}, fill);
  CHECK(registry.at("a/w").kind == "Layer");
  CHECK(registry.at("a/w").place == join("parameter.cpp:", line - 2, " → parameter.cpp:", line));
  CHECK(registry.at("a/b/w").kind.empty());
  CHECK(add(registry, "c", {1}).place.empty());
}

TEST_CASE("paths of parameters leave names with a colon to others") {
  Registry<double> registry;
  CHECK_THROWS_WITH_AS(add(registry, "a:b", {1}), "parameter: path \"a:b\": must be UTF-8, not empty, and without a colon",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(add(registry, "", {1}), "parameter: path \"\": must be UTF-8, not empty, and without a colon",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(add(registry, "\xff", {1}), "parameter: path \"\\xff\": must be UTF-8, not empty, and without a colon",
                       std::invalid_argument);
}

TEST_CASE("ids are unique among living parameters and are given out again") {
  Registry<double> kept;
  std::set<std::uint32_t> ids;
  for (int i = 0; i < 5; ++i) CHECK(ids.insert(add(kept, "p" + std::to_string(i), {1}).id()).second);
  std::set<std::uint32_t> passed_on;
  for (int round = 0; round < 50; ++round) {
    Registry<float> passing;
    passed_on.insert(passing.parameter("w", {1}, [] { return zeros<float>({1}); }).id());
  }
  CHECK(passed_on.size() == 1);
  CHECK_FALSE(ids.contains(*passed_on.begin()));
}

TEST_CASE("what lies below a path ends at a slash") {
  CHECK(lies_below("lstm", "lstm"));
  CHECK(lies_below("lstm/wx", "lstm"));
  CHECK(lies_below("lstm/wx", ""));
  CHECK_FALSE(lies_below("lstm2/wx", "lstm"));
  CHECK_FALSE(lies_below("lstm", "lstm/wx"));
}

TEST_CASE("a frozen parameter receives no gradient, and its neighbours do") {
  Registry<double> registry;
  Parameter<double>&a = add(registry, "net/a", {2}), &b = add(registry, "net2/b", {2});
  CHECK(registry.freeze("net") == 1);
  Tape<double> tape;
  backward(sum(Param<double>(a) + Param<double>(b)));
  CHECK_FALSE(a.has_gradient);
  CHECK(b.has_gradient);
  CHECK(registry.freeze("", false) == 2);
  tape.clear();
  backward(sum(Param<double>(a) + Param<double>(b)));
  CHECK(a.has_gradient);
  registry.zero_gradients();
  CHECK_FALSE(a.has_gradient);
  CHECK_THROWS_WITH_AS(registry.freeze("ne"), "freeze: no parameter is or lies below ne", std::invalid_argument);
}

TEST_CASE("a scope makes parameters below its path, from the generator that it was given") {
  Registry<double> registry;
  Random random(7), same(7);
  const Scope<double> root(registry, random);
  const Scope<double> cell = root / "net" / "cell";
  CHECK(cell.path() == "net/cell");
  const auto draw = [](const Shape& shape, Random& from) {
    Tensor<double> value = empty<double>(shape);
    for (double& element : value) element = from.normal();
    return value;
  };
  const Param<double> w = cell.parameter("w", {2}, draw);
  CHECK(w->path == "net/cell/w");
  CHECK(w->value.data()[0] == same.normal());
  CHECK(w->value.data()[1] == same.normal());
  CHECK(root.parameter("b", {}, draw)->path == "b");
  CHECK(&*cell.shared().parameter("w", {2}, draw) == &*w);
}

TEST_CASE("a summary lists paths, shapes, numbers of elements, and their sum") {
  Registry<double> registry;
  add(registry, "lstm/wx", {2, 16});
  add(registry, "b", {4});
  registry.freeze("b");
  CHECK(registry.summary() ==
        "lstm/wx  [2, 16]          32\n"
        "b        [4]               4  frozen\n"
        "total                     36\n");
}
