#include <functional>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/models/exchange/torch.hpp>
#include <carousel/models/layers/embedding.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/losses/ctc.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/ops/conv.hpp>
#include <carousel/ops/norm.hpp>

#include "case.hpp"

namespace carousel::compare {

namespace {

using Outputs = std::vector<std::pair<std::string, Var<double>>>;

/// The gradients of the parameters, by PyTorch's names, against the case's.
void expect_gradients(Case& with, const Registry<double>& registry, const TorchMapping& mapping) {
  Registry<double> gradients;
  for (const Parameter<double>& parameter : registry)
    gradients.parameter(parameter.path, parameter.shape(),
                        [&] { return parameter.has_gradient ? parameter.gradient : zeros<double>(parameter.shape()); });
  const Safetensors ours = to_torch(gradients, mapping);
  for (const auto& [name, theirs] : with.role("grad.module").tensors) {
    std::string counterpart = name;
    // Where ours has one bias for two, each of the two has its gradient.
    const bool second = mapping.front().kind != TorchModule::gru && name.starts_with("bias_hh");
    if (second) counterpart.replace(0, 7, "bias_ih");
    const auto found = ours.tensors.find(counterpart);
    if (found == ours.tensors.end()) bad_file("there is no ", counterpart, " among our gradients");
    with.expect("grad.module." + name, to_tensor<double>(found->second, counterpart));
  }
}

template <class State>
auto& direction(State& state, Index way) {
  if constexpr (requires { state.backward; })
    return way == 0 ? state.forward : state.backward;
  else
    return state;
}

/// Runs a stack of cells of the case as PyTorch does.
///   h, c: [layers · directions, batch, hidden] the states, if given; layer by layer, in each forward before backward
template <class Model>
Outputs run(const Case& with, const Model& model, Var<double> x, const std::vector<Var<double>>& given) {
  std::vector<Index> lengths;
  if (with.has("in.lengths")) lengths = with.integers("in.lengths");
  const Index ways = with.integer("bidirectional") + 1, layers = with.integer("layers");
  auto state = model.start(x.shape()[1]);
  const auto for_each_state = [&](const auto& visit) {
    for (Index layer = 0; layer < layers; ++layer)
      for (Index way = 0; way < ways; ++way)
        visit(layer * ways + way, detail::members_of(direction(state[static_cast<std::size_t>(layer)], way)));
  };
  if (!given.empty())
    for_each_state([&](Index i, auto members) {
      for (std::size_t k = 0; k < members.count; ++k) members[k] = at(given[k], 0, i);
    });
  const auto scanned = scan(model, x, state, {.lengths = lengths});
  state = scanned.state;
  std::vector<std::vector<Var<double>>> ends;
  for_each_state([&](Index, auto members) {
    ends.resize(members.count);
    for (std::size_t k = 0; k < members.count; ++k) ends[k].push_back(members[k]);
  });
  Outputs outputs = {{"outputs", scanned.outputs}};
  const char* const names[] = {"h", "c"};
  for (std::size_t k = 0; k < ends.size(); ++k) outputs.emplace_back(names[k], stack(std::span<const Var<double>>(ends[k])));
  return outputs;
}

template <class Model>
void compare_recurrent(Case& with, const std::string& folder, TorchModule kind) {
  Registry<double> registry;
  Random random(1);
  const Index layers = with.integer("layers");
  const Model model(Scope<double>(registry, random) / "net", with.shape("in.x").back(), with.integer("hidden"),
                    {.layers = layers});
  TorchMapping mapping = torch_layers("net", kind, "", static_cast<int>(layers), with.integer("bidirectional") == 1);
  for (TorchPart& part : mapping) part.bias = with.integer("bias") == 1;
  from_torch(registry, with.role("module"), mapping);
  write_safetensors(folder + "/" + with.name() + ".safetensors", to_torch(registry, mapping));

  Tape<double> tape;
  const Var<double> x = tape.variable(with.tensor("in.x"));
  std::vector<Var<double>> given;
  for (const char* name : {"in.h", "in.c"})
    if (with.has(name)) given.push_back(tape.variable(with.tensor(name)));
  {
    const NoGrad<double> without_history;
    for (const auto& [name, output] : run(with, model, x, given)) with.expect("out." + name, output.value());
  }
  const Outputs outputs = run(with, model, x, given);
  for (const auto& [name, output] : outputs) with.expect("out." + name, output.value());
  backward(with.loss(outputs));
  with.expect("grad.x", tape.gradient(x));
  const char* const names[] = {"grad.h", "grad.c"};
  for (std::size_t k = 0; k < given.size(); ++k) with.expect(names[k], tape.gradient(given[k]));
  for (TorchPart& part : mapping) part.bias = true;  // ours has one, whose gradient is not 0
  expect_gradients(with, registry, mapping);
}

template <class Cell>
void compare_cell(Case& with, const std::string& folder, TorchModule kind) {
  if (with.integer("bidirectional") == 1)
    compare_recurrent<Stacked<Bidirectional<Cell>>>(with, folder, kind);
  else
    compare_recurrent<Stacked<Cell>>(with, folder, kind);
}

}  // namespace

void recurrent(Case& with, const std::string& folder) {
  const std::string cell = with.word("cell", "");
  if (cell == "lstm") return compare_cell<Lstm<double>>(with, folder, TorchModule::lstm);
  if (cell == "gru") return compare_cell<Gru<double>>(with, folder, TorchModule::gru);
  if (cell == "rnn-tanh") return compare_cell<RnnTanh<double>>(with, folder, TorchModule::rnn);
  if (cell == "rnn-relu") return compare_cell<RnnRelu<double>>(with, folder, TorchModule::rnn);
  bad_file("a cell ", cell);
}

void layer(Case& with, const std::string& folder) {
  const std::string kind = with.word("kind", "");
  Registry<double> registry;
  const auto parameter = [&](const char* path, const Shape& shape) {
    return Param<double>(registry.parameter(path, shape, [&] { return zeros<double>(shape); }));
  };
  const Shape weight = with.has("module.weight") ? with.shape("module.weight") : Shape();
  const bool bias = with.number("bias", 1) == 1;
  TorchMapping mapping;
  std::function<Var<double>(Var<double>)> run;
  if (kind == "linear") {
    Random random(1);
    run = Linear<double>(Scope<double>(registry, random) / "linear", weight[1], weight[0], {.bias = bias});
    mapping = {{.path = "linear", .kind = TorchModule::linear, .module = "", .bias = bias}};
  } else if (kind == "embedding") {
    Random random(1);
    const Embedding<double> embedding(Scope<double>(registry, random) / "embedding", weight[0], weight[1]);
    run = [&with, embedding](Var<double>) { return embedding(with.integers("in.ids"), with.shape("in.ids")); };
    mapping = {{.path = "embedding", .kind = TorchModule::embedding, .module = ""}};
  } else if (kind == "layer_norm") {
    const Param<double> gain = parameter("norm/gain", weight), shift = parameter("norm/bias", weight);
    run = [&with, gain, shift](Var<double> x) { return layer_norm(x, gain, shift, with.number("epsilon", 0)); };
    mapping = {{.path = "norm", .kind = TorchModule::layer_norm, .module = ""}};
  } else if (kind == "conv2d") {
    const Param<double> w = parameter("conv/w", weight), b = parameter("conv/b", {weight[0]});
    run = [&with, w, b](Var<double> x) {
      return conv2d(x, w, b, {.stride = with.integer("stride"), .padding = with.integer("padding")});
    };
    mapping = {{.path = "conv", .kind = TorchModule::conv2d, .module = "", .bias = bias}};
  } else if (kind == "max_pool2d") {
    run = [&with](Var<double> x) { return max_pool2d(x, {.size = with.integer("size"), .stride = with.integer("stride")}); };
  } else {
    bad_file("a layer ", kind);
  }
  from_torch(registry, with.role("module"), mapping);
  write_safetensors(folder + "/" + with.name() + ".safetensors", to_torch(registry, mapping));

  Tape<double> tape;
  const Var<double> x = with.has("in.x") ? tape.variable(with.tensor("in.x")) : Var<double>();
  const Var<double> y = run(x);
  with.expect("out.y", y.value());
  backward(with.loss({{"y", y}}));
  if (with.has("in.x")) with.expect("grad.x", tape.gradient(x));
  for (TorchPart& part : mapping) part.bias = registry.size() > 1;  // ours may have one, whose gradient is not 0
  expect_gradients(with, registry, mapping);
}

void cross_entropy(Case& with, const std::string&) {
  Tape<double> tape;
  const Var<double> logits = tape.variable(with.tensor("in.logits"));
  const std::vector<Index> labels = with.integers("in.labels");
  const Tensor<double> mask = with.has("in.mask") ? with.tensor("in.mask") : zeros<double>({0});
  LabelOptions<double> options{.mask = {mask.data(), mask.size()}, .label_smoothing = with.number("smoothing", 0)};
  if (!with.word("ignore", "").empty()) options.ignore_label = with.integer("ignore");
  const Var<double> loss = cross_entropy(logits, labels, options);
  with.expect("out.loss", reshape(loss, Shape{}).value());
  backward(with.loss({{"loss", loss}}));
  with.expect("grad.logits", tape.gradient(logits));
}

void ctc(Case& with, const std::string&) {
  Tape<double> tape;
  const Var<double> logits = tape.variable(with.tensor("in.logits"));
  const std::vector<Index> lengths = with.integers("in.lengths"), flat = with.integers("in.labels");
  std::vector<std::vector<Index>> labels;
  auto from = flat.begin();
  for (const Index count : with.integers("in.counts")) {
    labels.emplace_back(from, from + count);
    from += count;
  }
  const Var<double> loss = ctc_loss(logits, labels, {.lengths = lengths, .blank = with.integer("blank")});
  with.expect("out.loss", reshape(loss, Shape{}).value());
  backward(with.loss({{"loss", loss}}));
  with.expect("grad.logits", tape.gradient(logits));
}

}  // namespace carousel::compare
