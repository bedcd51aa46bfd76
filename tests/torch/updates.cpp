#include <carousel/lib/training/optimizer.hpp>

#include <algorithm>
#include <memory>

#include <carousel/lib/training/clip.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/exchange/torch.hpp>
#include <carousel/models/layers/embedding.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/models/sequence/stacked.hpp>

#include "case.hpp"

namespace carousel::compare {

namespace {

/// The optimiser that the metadata of a case describe; what they leave out is as it is by default, and must be so in PyTorch.
std::unique_ptr<Optimizer<double>> make_optimizer(const Case& with, Registry<double>& registry) {
  const std::string kind = with.word("optimizer", "adamw");
  const auto set = [&](const char* name, double& option) { option = with.number(name, option); };
  const auto set_common = [&](auto& options) {
    set("rate", options.rate);
    set("weight_decay", options.weight_decay);
    if constexpr (requires { options.epsilon; }) set("epsilon", options.epsilon);
    if constexpr (requires { options.momentum; }) set("momentum", options.momentum);
    if constexpr (requires { options.beta1; }) {
      set("beta1", options.beta1);
      set("beta2", options.beta2);
    }
  };
  if (kind == "adam") {
    AdamOptions options;
    set_common(options);
    return std::make_unique<Adam<double>>(registry, options);
  }
  if (kind == "adamw") {
    AdamWOptions options;
    set_common(options);
    return std::make_unique<AdamW<double>>(registry, options);
  }
  if (kind == "rmsprop") {
    RmsPropOptions options;
    set_common(options);
    set("alpha", options.alpha);
    return std::make_unique<RmsProp<double>>(registry, options);
  }
  if (kind == "adagrad") {
    AdagradOptions options;
    set_common(options);
    set("rate_decay", options.rate_decay);
    set("initial", options.initial);
    return std::make_unique<Adagrad<double>>(registry, options);
  }
  if (kind == "adadelta") {
    AdadeltaOptions options;
    set_common(options);
    set("rho", options.rho);
    return std::make_unique<Adadelta<double>>(registry, options);
  }
  if (kind == "sgd") {
    SgdOptions options;
    set_common(options);
    options.nesterov = with.number("nesterov", 0) == 1;
    return std::make_unique<Sgd<double>>(registry, options);
  }
  bad_file("an optimiser ", kind);
}

}  // namespace

void optimizer(Case& with, const std::string&) {
  Registry<double> registry;
  for (const auto& [name, stored] : with.role("first").tensors)
    registry.parameter(name, stored.shape, [&, &first = stored, &path = name] { return to_tensor<double>(first, path); });
  const std::unique_ptr<Optimizer<double>> optimizer = make_optimizer(with, registry);
  for (Index step = 1; step <= with.integer("steps"); ++step) {
    const std::string number = std::to_string(step);
    for (Parameter<double>& parameter : registry) {
      parameter.gradient = with.tensor("gradient." + number + "." + parameter.path);
      parameter.has_gradient = true;
    }
    optimizer->step();
    for (const Parameter<double>& parameter : registry) with.expect("out." + number + "." + parameter.path, parameter.value);
  }
}

void training(Case& with, const std::string& folder) {
  const Index symbols = with.integer("symbols"), features = with.integer("features"), hidden = with.integer("hidden");
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  const Embedding<double> embed(scope / "embed", symbols, features);
  const Stacked<Lstm<double>> cell(scope / "rnn", features, hidden, {.layers = 2});
  const Linear<double> readout(scope / "readout", hidden, symbols);
  TorchMapping mapping = torch_layers("rnn", TorchModule::lstm, "rnn", 2);
  mapping.push_back({"embed", TorchModule::embedding, "embed"});
  mapping.push_back({"readout", TorchModule::linear, "readout"});
  from_torch(registry, with.role("module"), mapping);

  const std::unique_ptr<Optimizer<double>> optimizer = make_optimizer(with, registry);
  Kept<StackedState<LstmState<double>>> kept;
  Tape<double> tape;
  for (Index step = 1; step <= with.integer("steps"); ++step) {
    tape.clear();
    const std::string number = std::to_string(step);
    const std::vector<Index> ids = with.integers("in." + number);  // [steps + 1, batch]
    const Shape shape = with.shape("in." + number);
    const std::span<const Index> all(ids), inputs = all.first(ids.size() - static_cast<std::size_t>(shape[1])),
                                           labels = all.subspan(static_cast<std::size_t>(shape[1]));
    const Var<double> xs = embed(inputs, {shape[0] - 1, shape[1]});
    const auto [outputs, state] = scan(cell, xs, kept.empty() ? cell.start(shape[1]) : kept.enter());
    const Var<double> loss = cross_entropy(readout(outputs), labels);
    with.expect("out.loss." + number, reshape(loss, Shape{}).value());
    auto ends = state;
    const Var<double> cells[] = {ends[0].c, ends[1].c};
    with.expect("out.c." + number, stack(std::span<const Var<double>>(cells)).value());
    kept = state;
    backward(loss);
    clip_by_value(registry, with.number("limit", 0));
    optimizer->step();
  }
  const Safetensors after = to_torch(registry, mapping);
  for (const auto& [name, tensor] : after.tensors) with.expect("out.after." + name, to_tensor<double>(tensor, name));
  write_safetensors(folder + "/" + with.name() + ".safetensors", after);
}

}  // namespace carousel::compare
