#include <carousel/tasks/commands/gradcheck.hpp>

#include <algorithm>
#include <memory>

#include <fmt/format.h>

#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/models/decoding/attention.hpp>
#include <carousel/models/layers/embedding.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/models/proof/check.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/models/sequence/zoneout.hpp>
#include <carousel/ops/conv.hpp>
#include <carousel/ops/dropout.hpp>
#include <carousel/ops/norm.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/progress.hpp>

namespace carousel {

namespace {

constexpr Index in = 3, units = 4, batch = 3;
constexpr std::uint64_t check_seed = 1;

/// Numbers that differ from each other and from 0.
Tensor<double> numbers(const Shape& shape, std::uint64_t stream) {
  Random random = Random(check_seed).split(stream);
  return init::uniform<double>(-1, 1)(shape, random);
}

CellOptions<double> random_start() {
  return {.forget_bias = {}, .init = init::uniform<double>(-0.8, 0.8)};
}

CellCheck check_by_name(const std::string& name) {
  Registry<double> registry;
  Random random(check_seed);
  const AnyCell<double> cell = make_cell(name, Scope<double>(registry, random), in, units, random_start());
  CellCheckOptions options{.in = in, .batch = batch, .by_hand = reference::cell(name)};
  for (const CellName& known : cell_names())  // steps that are longer than the way to the kink go wrong
    if (known.name == name && known.has_kinks) options.gradcheck.step = 1e-5;
  return check_cell(cell, registry, options);
}

/// A layer or a loss, and its check.
struct Check {
  const char* kind;
  const char* name;
  std::function<GradcheckResult()> run;
};

using Vars = std::span<const Var<double>>;

/// The check of f of a sequence xs: [5, batch, in] and of what `make` puts into a registry.
template <class Make>
GradcheckResult check_layer(Make make) {
  Registry<double> registry;
  Random random(check_seed);
  const auto layer = make(Scope<double>(registry, random));
  return gradcheck([&](Vars v) -> Var<double> { return layer(v[0]); }, {{"xs", numbers({5, batch, in}, 1), true}}, &registry);
}

/// What attention finds among all steps of xs for the first one as query.
Var<double> look_back(const auto& attention, Var<double> xs) {
  static const std::vector<Index> lengths = {5, 2, 1};
  return attention(at(xs, 0, 0), attention.remember(xs, lengths)).context;
}

std::vector<Check> layer_checks() {
  using Indices = std::vector<Index>;
  static const Indices lengths = {5, 2, 0}, symbols = {4, 0, 4, 2, 1, 0, 2, 4, 4, 0, 1, 2, 4, 1, 0};
  return {
      {"layer", "linear",
       [] {
         return check_layer([](Scope<double> p) {
           const Linear<double> linear(p, in, units, {.b = init::normal<double>(0, 1)});
           return [=](Var<double> x) { return linear(x); };
         });
       }},
      {"layer", "embedding",
       [] {
         return check_layer([](Scope<double> p) {
           const Embedding<double> embedding(p, 5, in);
           return [=](Var<double> x) -> Var<double> { return x * embedding(symbols, {5, batch}); };
         });
       }},
      {"layer", "convolution",
       [] {
         return check_layer([](Scope<double> p) {
           const Param<double> w = p.parameter("w", {2, 1, 2, 3}, init::normal<double>(0, 1)),
                               b = p.parameter("b", {2}, init::normal<double>(0, 1));
           return [=](Var<double> x) { return conv2d(reshape(x, {1, 1, 5, batch * in}), w, b, {.stride = 2, .padding = 1}); };
         });
       }},
      {"layer", "max-pool",
       [] {
         return check_layer([](Scope<double>) {
           return [](Var<double> x) { return max_pool2d(reshape(x, {1, 1, 5, batch * in})); };
         });
       }},
      {"layer", "layer-norm",
       [] {
         return check_layer([](Scope<double> p) {
           const Param<double> gain = p.parameter("gain", {in}, init::normal<double>(1, 0.5)),
                               bias = p.parameter("bias", {in}, init::normal<double>(0, 1));
           return [=](Var<double> x) { return layer_norm(x, gain, bias); };
         });
       }},
      {"layer", "dropout",
       [] {
         return check_layer(
             [](Scope<double>) { return [](Var<double> x) { return dropout(x, 0.4, {.seed = check_seed, .batch_axis = 1}); }; });
       }},
      {"layer", "zoneout",
       [] {
         return check_layer([](Scope<double> p) {
           const Zoneout<Lstm<double>> cell(Lstm<double>(p, in, units, random_start()), {0.3, 0.5});
           return
               [=](Var<double> x) { return scan(cell, x, {.lengths = lengths, .key = DropoutKey{.seed = check_seed}}).outputs; };
         });
       }},
      {"layer", "stacked",
       [] {
         return check_layer([](Scope<double> p) {
           const Stacked<Lstm<double>> cell(p, in, units, {.layers = 2, .dropout = 0.3}, random_start());
           return
               [=](Var<double> x) { return scan(cell, x, {.lengths = lengths, .key = DropoutKey{.seed = check_seed}}).outputs; };
         });
       }},
      {"layer", "bidirectional",
       [] {
         return check_layer([](Scope<double> p) {
           const Bidirectional<Lstm<double>> cell(p, in, units, random_start());
           return [=](Var<double> x) { return scan(cell, x, {.lengths = lengths}).outputs; };
         });
       }},
      {"layer", "additive-attention",
       [] {
         return check_layer([](Scope<double> p) {
           const AdditiveAttention<double> attention(p, in, in, units);
           return [=](Var<double> x) { return look_back(attention, x); };
         });
       }},
      {"layer", "multiplicative-attention",
       [] {
         return check_layer([](Scope<double> p) {
           const MultiplicativeAttention<double> attention(p, in, in);
           return [=](Var<double> x) { return look_back(attention, x); };
         });
       }},
      {"layer", "learned-start",
       [] {
         return check_layer([](Scope<double> p) {
           const RnnLearnedStart<double> cell(p, in, units, random_start());
           return [=](Var<double> x) { return scan(cell, x, {.lengths = lengths}).outputs; };
         });
       }},
  };
}

/// The check of a loss of predictions: [2, batch, in], and of targets of that shape where it has a gradient there.
template <class F>
GradcheckResult check_loss(F loss) {
  return gradcheck(loss, {{"predictions", numbers({2, batch, in}, 1)}});
}

std::vector<Check> loss_checks() {
  static const std::vector<Index> labels = {2, 0, 1, 1, 2, 0};
  static const std::vector<double> mask = {1, 0, 0.5, 1, 1, 2};
  const auto of_two = [](auto loss) {
    return gradcheck([=](Vars v) -> Var<double> { return loss(v[0], v[1]); },
                     {{"predictions", numbers({2, batch, in}, 1)}, {"targets", numbers({2, batch, in}, 2)}});
  };
  const auto of_labels = [](auto loss) { return check_loss([=](Vars v) -> Var<double> { return loss(v[0]); }); };
  return {
      {"loss", "mean-squared-error", [=] { return of_two([](auto a, auto b) { return mean_squared_error(a, b); }); }},
      {"loss", "  with a mask", [=] { return of_two([](auto a, auto b) { return mean_squared_error(a, b, {.mask = mask}); }); }},
      {"loss", "sum-of-squares", [=] { return of_two([](auto a, auto b) { return sum_of_squares(a, b); }); }},
      {"loss", "first-element",
       [] {
         return gradcheck([](Vars v) -> Var<double> { return first_element_loss(v[0], v[1]); },
                          {{"predictions", numbers({2, batch, in}, 1)}, {"targets", numbers({2, batch}, 2)}});
       }},
      {"loss", "cross-entropy", [=] { return of_labels([](auto x) { return cross_entropy(x, labels); }); }},
      {"loss", "  with a mask", [=] { return of_labels([](auto x) { return cross_entropy(x, labels, {.mask = mask}); }); }},
      {"loss", "  that ignores a label",
       [=] { return of_labels([](auto x) { return cross_entropy(x, labels, {.ignore_label = 1}); }); }},
      {"loss", "  with smooth labels",
       [=] { return of_labels([](auto x) { return cross_entropy(x, labels, {.label_smoothing = 0.1}); }); }},
      {"loss", "nll", [=] { return of_labels([](auto x) { return nll(x, labels); }); }},
      {"loss", "binary-cross-entropy",
       [=] { return of_two([](auto a, auto b) { return binary_cross_entropy(a, 0.5 + 0.4 * b); }); }},
  };
}

std::string entry_of(const CheckedCellTensor& tensor) {
  const std::string text = tensor.numeric.describe();
  return text.substr(0, text.rfind(", error"));
}

int print_summary(Index checks, double worst, bool passed) {
  const int code = print_result("gradcheck", {{"checks", static_cast<double>(checks)}, {"worst_relative_error", worst}});
  return passed ? code : exit_bad_result;
}

}  // namespace

int gradcheck_cell(const std::string& name) {
  const CellCheck check = check_by_name(name);
  print(fmt::format("{:<8} {:<10} {:>8} {:>8}  {}", "tensor", "shape", "numeric", "by hand", "the worst entry"));
  for (const CheckedCellTensor& tensor : check.tensors)
    print(fmt::format("{:<8} {:<10} {:>8.1e} {:>8}  {}; {}", tensor.numeric.name, text(tensor.numeric.shape),
                      tensor.numeric.worst_error, tensor.by_hand ? fmt::format("{:.1e}", tensor.by_hand->worst_error) : "-",
                      entry_of(tensor), tensor.run));
  if (!check.passed) note(name + ": " + check.describe());
  return print_summary(check.checks, check.worst_error, check.passed);
}

int gradcheck_all() {
  Index checks = 0;
  double worst = 0;
  bool passed = true;
  const auto row = [&](const char* kind, std::string_view name, Index entries, double error, const std::string& by_hand,
                       bool good) {
    print(fmt::format("{:<6} {:<24} {:>6} entries  numeric {:>8.1e}{}", kind, name, entries, error, by_hand));
    checks += entries;
    worst = std::max(worst, error);
    passed = passed && good;
  };
  for (const CellName& cell : cell_names()) {
    const std::string name(cell.name);
    const CellCheck check = check_by_name(name);
    const bool by_hand = reference::cell(name) != nullptr;
    row("cell", name, check.checks, check.worst_error, by_hand ? fmt::format("  by hand {:>8.1e}", check.worst_by_hand) : "",
        check.passed);
    if (!check.passed) note(name + ": " + check.describe());
  }
  for (const auto& list : {layer_checks(), loss_checks()})
    for (const Check& check : list) {
      const GradcheckResult result = check.run();
      row(check.kind, check.name, result.checks, result.worst_error, "", result.passed);
      if (!result.passed) note(std::string(check.name) + ": " + result.worst().describe());
    }
  return print_summary(checks, worst, passed);
}

}  // namespace carousel
