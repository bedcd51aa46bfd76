#include <carousel/lib/look/profile.hpp>

#include <doctest/doctest.h>

#include <carousel/lib/training/fit.hpp>
#include <carousel/lib/training/init.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/reduce.hpp>

using namespace carousel;

namespace {

using V = Var<double>;

double seconds_of(const std::vector<ProfileRow>& rows) {
  double sum = 0;
  for (const ProfileRow& row : rows) sum += row.forward_seconds + row.backward_seconds;
  return sum;
}

const ProfileRow& row_of(const std::vector<ProfileRow>& rows, const std::string& name) {
  for (const ProfileRow& row : rows)
    if (row.name == name) return row;
  FAIL("no row ", name);
  return rows[0];
}

}  // namespace

TEST_CASE("a profile counts what ops and layers compute, forward and backward") {
  Registry<double> registry;
  Random random(1);
  const Param<double> w = Scope<double>(registry, random).parameter("w", {4, 4}, init::uniform<double>(-1, 1));
  Tape<double> tape;
  Profile<double> profile;
  for (int step = 0; step < 3; ++step) {
    tape.clear();
    const V loss = profile.forward([&] {
      V h = tape.constant(full<double>({8, 4}, 1));
      for (const Index layer : {0, 1}) {
        const At<double> cell(&Recorder<double>::Here::in_cell, true), at(&Place::layer, layer);
        h = sigmoid(matmul(h, w)) * 2 + 1;
      }
      return V(sum(h));
    });
    profile.backward([&] { backward(loss); });
  }
  ProfileReport report;
  profile.add_to(report);
  CHECK(row_of(report.ops, "matmul").calls == 6);
  CHECK(row_of(report.ops, "matmul").forward_bytes == 6 * 32 * 8);
  CHECK(row_of(report.ops, "matmul").forward_seconds > 0);
  CHECK(row_of(report.ops, "matmul").backward_seconds > 0);
  CHECK(row_of(report.ops, "σ(·)·2 + 1").calls == 6);
  CHECK(row_of(report.layers, "layer 0").calls == 6);
  CHECK(row_of(report.layers, "layer 1").calls == 6);
  CHECK(row_of(report.layers, "outside of layers").calls == 6);  // the constant and the sum
}

TEST_CASE("statements of one type that hold other numbers have rows of their own") {
  Tape<double> tape;
  Profile<double> profile;
  profile.forward([&] {
    const V x = tape.variable(full<double>({4}, 1));
    V sum = tape.variable(full<double>({4}, 0));
    for (const double factor : {2.0, 3.0, 2.0}) {
      V scaled = tanh(x) * factor;
      sum = scaled + sum;
    }
    return sum;
  });
  ProfileReport report;
  profile.add_to(report);
  CHECK(row_of(report.ops, "tanh(·)·2").calls == 2);
  CHECK(row_of(report.ops, "tanh(·)·3").calls == 1);
  CHECK(row_of(report.ops, "· + ·").calls == 3);
}

TEST_CASE("ops and layers add up to the same") {
  Registry<double> registry;
  Random random(1);
  const Param<double> w = Scope<double>(registry, random).parameter("w", {16, 16}, init::uniform<double>(-1, 1));
  Sgd<double> sgd(registry, {.rate = 1e-3});
  for (const int shards : {1, 2}) {
    ProfileReport report;
    const auto loss = [&](const Batch&, const Shard&) -> V {
      const V x = Tape<double>::active().constant(full<double>({64, 16}, 1));
      const At<double> cell(&Recorder<double>::Here::in_cell, true), at(&Place::layer, 1);
      return sum(tanh(matmul(x, w)));
    };
    fit(sgd, {.examples = 8, .batch = 2}, loss, {.epochs = 2, .shards = shards, .threads = shards, .profile = &report});
    CHECK(report.steps == 8);
    CHECK(row_of(report.ops, "matmul").calls == 8 * shards);
    CHECK(row_of(report.layers, "layer 1").calls == 3 * 8 * shards);
    CHECK(row_of(report.layers, "outside of layers").calls == 8 * shards);
    CHECK(row_of(report.ops, "gradients of weights").backward_seconds > 0);
    CHECK(row_of(report.ops, "update of parameters").backward_seconds > 0);
    CHECK(seconds_of(report.ops) == doctest::Approx(seconds_of(report.layers)));
    for (std::size_t i = 1; i < report.ops.size(); ++i)
      CHECK(report.ops[i].forward_seconds + report.ops[i].backward_seconds <=
            report.ops[i - 1].forward_seconds + report.ops[i - 1].backward_seconds);
  }
}

TEST_CASE("who profiles gets the same bits") {
  const auto run = [](ProfileReport* report) {
    Registry<double> registry;
    Random random(1);
    const Param<double> w = Scope<double>(registry, random).parameter("w", {4, 4}, init::uniform<double>(-1, 1));
    Sgd<double> sgd(registry, {.rate = 1e-2});
    const auto loss = [&](const Batch& batch, const Shard&) -> V {
      const V x = Tape<double>::active().constant(full<double>({2, 4}, static_cast<double>(batch.step)));
      return sum(tanh(matmul(x, w)));
    };
    fit(sgd, {.examples = 8}, loss, {.profile = report});
    return std::vector<double>(w->value.begin(), w->value.end());
  };
  ProfileReport report;
  CHECK(run(nullptr) == run(&report));
}
