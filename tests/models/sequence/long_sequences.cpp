// What a training takes from the machine: nothing from the heap once it is warm, no more memory from step to step, no stack
// however long the sequence.

#include <pthread.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <functional>
#include <stdexcept>

#include <doctest/doctest.h>

#include <carousel/lib/training/optimizer.hpp>
#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/models/sequence/runner.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/models/sequence/zoneout.hpp>
#include <carousel/ops/elementwise.hpp>

#include "tests/models/sequences.hpp"
#include "tests/support/allocations.hpp"

using namespace carousel;

namespace {

/// Bytes of this process in memory; 0 where that is not told.
std::size_t resident() {
  std::FILE* const file = std::fopen("/proc/self/statm", "r");
  if (!file) return 0;
  unsigned long pages = 0;
  const bool read = std::fscanf(file, "%*s %lu", &pages) == 1;
  std::fclose(file);
  return read ? pages * 4096 : 0;
}

/// Runs f on a thread with a stack of 256 kB, and throws here what it throws there.
void on_small_stack(const std::function<void()>& f) {
  struct Work {
    const std::function<void()>& f;
    std::exception_ptr error;
  } work{f, {}};
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  const auto body = [](void* given) -> void* {
    auto& mine = *static_cast<Work*>(given);
    try {
      mine.f();
    } catch (...) {
      mine.error = std::current_exception();
    }
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, body, &work) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
  if (work.error) std::rethrow_exception(work.error);
}

/// Trains a model to name a class from each example's last output, on batches of 4 with 1 to `longest` steps of 3 features.
template <class T, class Model>
class Training {
 public:
  Training(const Model& model, Registry<T>& registry, Index longest)
      : model_(model),
        registry_(registry),
        longest_(longest),
        readout_(Scope<T>(registry, random_) / "readout", 8, 5),
        lengths_(4),
        labels_(4) {
    for (Index steps = 1; steps <= longest; ++steps)
      batches_.push_back(random_tensor<T>({steps, 4, 3}, static_cast<std::uint64_t>(steps)));
    clear();
  }

  /// One update on a batch of that many steps, of which each example has a random number.
  T step(Index steps) {
    for (Index& length : lengths_) length = 1 + random_.below(steps);
    for (Index& label : labels_) label = random_.below(5);
    const Var<T> xs = tape_.constant(batches_[static_cast<std::size_t>(steps - 1)]);
    const ScanOptions options{.lengths = lengths_, .reverse = updates_ % 3 == 0, .key = DropoutKey{.step = updates_}};
    ++updates_;
    auto [hs, state] = scan(model_, xs, model_.start(4), options);
    const Var<T> loss = cross_entropy(readout_(last(hs, lengths_)), labels_) + mean(hs * hs);
    backward(loss);
    const T value = loss.item();
    for (Parameter<T>& p : registry_) {
      if (!p.has_gradient) throw std::logic_error(p.path + " received no gradient");
      for (std::size_t i = 0; i < p.value.size(); ++i) p.change()[i] -= T(0.05) * p.gradient.data()[i];
    }
    clear();
    return value;
  }
  T step() { return step(1 + random_.below(longest_)); }
  /// Every length once.
  void warm_up() {
    for (Index steps = 1; steps <= longest_; ++steps) step(steps);
  }
  std::size_t bytes() const { return tape_.bytes(); }

 private:
  void clear() { tape_.clear(); }

  const Model& model_;
  Registry<T>& registry_;
  Index longest_;
  Random random_{5};
  Linear<T> readout_;
  std::vector<Index> lengths_, labels_;
  std::vector<Tensor<T>> batches_;
  Tape<T> tape_;
  std::uint64_t updates_ = 0;
};

/// What 200 updates after the warm-up take from the heap.
template <class T, class Model>
std::uint64_t taken(const Model& model, Registry<T>& registry) {
  Training<T, Model> training(model, registry, 9);
  training.warm_up();
  const std::uint64_t before = allocations();
  const std::size_t bytes = training.bytes();
  for (int i = 0; i < 200; ++i) training.step();
  CHECK(training.bytes() == bytes);
  return allocations() - before;
}

}  // namespace

TEST_CASE("the counter of allocations counts") {
  const std::uint64_t before = allocations();
  void* volatile memory = std::malloc(10);  // volatile: the compiler may not leave it out
  std::free(memory);
  CHECK(allocations() - before == (allocations_are_counted() ? 1 : 0));
}

TEST_CASE("training takes nothing from the heap once every shape has occurred, ragged lengths in random order included") {
  const auto check = [&]<class T>(T) {
    for (const std::string& name : all_cells()) {
      CAPTURE(name);
      Registry<T> registry;
      Random random(3);
      const AnyCell<T> cell = make_cell<T>(name, Scope(registry, random) / "cell", 3, 8);
      CHECK(taken(cell, registry) == 0);
    }
    Registry<T> registry;
    Random random(3);
    using Layer = Zoneout<Lstm<T>>;
    const Scope scope(registry, random);
    const Stacked<Layer> stacked({Layer(Lstm<T>(scope / "0", 3, 8), {0.05, 0.5}), Layer(Lstm<T>(scope / "1", 8, 8), {0.05, 0.5})},
                                 0.3);
    CHECK(taken(stacked, registry) == 0);
    Registry<T> own;
    const MinimalGatedUnit<T> unit(Scope(own, random) / "unit", 3, 8);
    CHECK(taken(unit, own) == 0);
  };
  check(0.0F);
  check(0.0);
}

TEST_CASE("an optimiser's step takes nothing from the heap") {
  Registry<float> registry;
  Random random(3);
  const Lstm<float> cell(Scope(registry, random), 3, 8);
  Adam<float> adam(registry, {.rate = 1e-2});
  const Tensor<float> data = random_tensor<float>({7, 4, 3}, 1);
  Tape<float> tape;
  Kept<LstmState<float>> kept;
  const auto update = [&] {
    auto [hs, after] = scan(cell, tape.constant(data), kept.empty() ? cell.start(4) : kept.enter());
    backward(mean(hs * hs));
    adam.step();
    kept = after;
    tape.clear();
  };
  update();
  update();
  const std::uint64_t before = allocations();
  for (int i = 0; i < 50; ++i) update();
  CHECK(allocations() == before);
}

TEST_CASE("ten thousand steps of training do not grow memory, and learn") {
  Registry<float> registry;
  Random random(3);
  const Lstm<float> cell(Scope(registry, random) / "cell", 3, 8);
  Training<float, Lstm<float>> training(cell, registry, 12);
  training.warm_up();
  for (int i = 0; i < 100; ++i) training.step();
  const std::size_t bytes = training.bytes(), before = resident();
  for (int i = 0; i < 10000; ++i) REQUIRE(std::isfinite(training.step()));
  CHECK(training.bytes() == bytes);
  CHECK(resident() <= before + (std::size_t{1} << 20));
}

TEST_CASE("a hundred thousand steps forward and backward on a stack of 256 kB") {
  const Index steps = 100000;
  const Tensor<float> xs = random_tensor<float>({steps, 1, 2}, 1);
  Registry<float> registry;
  Random random(3);
  const Lstm<float> lstm(Scope(registry, random) / "lstm", 2, 3);
  const Tensor<float> weights = random_tensor<float>({steps, 1, 3}, 2);
  Tensor<float> outputs, dxs;
  on_small_stack([&] {
    Tape<float> tape;
    const Var<float> x = tape.variable(xs);
    auto [hs, state] = scan(lstm, x);
    outputs = hs.value();
    backward(mean(hs * tape.constant(weights)) + sum(state.c));
    dxs = tape.gradient(x);
    tape.clear();
    const NoGrad<float> no_gradient;
    CHECK(same_bits(scan(lstm, tape.constant(xs)).outputs.value(), outputs));
  });
  REQUIRE(shape_of(dxs) == Shape{steps, 1, 2});
  for (const float d : dxs) REQUIRE(std::isfinite(d));

  // Far from the end only the outputs count: the gradient of a window in the middle is that of the window alone, once its ends
  // are forgotten.
  const Index from = 50000, length = 400, margin = 150;
  Tensor<float> part = empty<float>({length, 1, 2}), part_weights = empty<float>({length, 1, 3});
  std::copy_n(xs.data() + from * 2, length * 2, part.data());
  std::copy_n(weights.data() + from * 3, length * 3, part_weights.data());
  Tape<float> tape;
  const Var<float> x = tape.variable(part);
  const Var<float> hs = scan(lstm, x);
  backward(sum(hs * tape.constant(part_weights)) * (1 / (3 * static_cast<float>(steps))));
  const Tensor<float> alone = tape.gradient(x);
  for (Index i = margin * 2; i < (length - margin) * 2; ++i)
    CHECK(dxs.data()[from * 2 + i] == doctest::Approx(alone.data()[i]).epsilon(1e-3));
}

TEST_CASE("a state handed on as a view a hundred thousand times on a stack of 256 kB") {
  struct Reshaping {
    using State = Var<float>;
    State start(Index batch) const { return zero_state<float>(batch, 2); }
    State operator()(Var<float> x, State h) const { return x.shape()[1] == 2 ? reshape(h, {1, 2}) : h; }
  };
  const Tensor<float> xs = zeros<float>({100000, 1, 2});
  Tensor<float> gradient;
  on_small_stack([&] {
    Tape<float> tape;
    const Var<float> start = tape.variable(full<float>({1, 2}, 3));
    auto [hs, state] = scan(Reshaping(), tape.variable(xs), start);
    backward(sum(hs) + sum(state));
    gradient = tape.gradient(start);
  });
  CHECK(gradient(0, 0) == 100001);
}

TEST_CASE("an exception late in a loop many times over takes no memory") {
  struct Breaking {
    using State = Var<float>;
    Index* left;
    State operator()(Var<float> x, State h) const {
      if (--*left == 0) throw std::runtime_error("broken");
      return tanh(x + h);
    }
  };
  Tape<float> tape;
  const Var<float> xs = tape.variable(zeros<float>({1000, 1, 2})), start = tape.variable(zeros<float>({1, 2}));
  std::size_t bytes = 0;
  for (int i = 0; i < 1000; ++i) {
    Index left = 1000;
    CHECK_THROWS_AS(scan(Breaking{&left}, xs, start), std::runtime_error);
    if (i == 0) bytes = tape.bytes();
  }
  CHECK(tape.bytes() == bytes);
}
