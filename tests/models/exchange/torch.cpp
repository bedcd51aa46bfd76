#include <carousel/models/exchange/torch.hpp>

#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>
#include <carousel/models/layers/linear.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/stacked.hpp>

#include "tests/models/exchange/state_dicts.hpp"

using namespace carousel;
using test::counted;
using test::error_of;
using test::lstm_mapping;
using test::put;
using test::state_dict;
using test::values_of;

namespace {

template <class T>
Tensor<T> stored(const Safetensors& file, const std::string& name) {
  REQUIRE_MESSAGE(file.tensors.contains(name), name);
  return to_tensor<T>(file.tensors.at(name), name);
}

// Exactly that shape and those elements.
template <class T>
bool same(const Tensor<T>& a, const Tensor<T>& b) {
  return shape_of(a) == shape_of(b) && std::equal(a.data(), a.data() + a.size(), b.data());
}

std::vector<std::string> names_of(const Safetensors& file) {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file.tensors) names.push_back(name);
  return names;
}

}  // namespace

TEST_CASE("a Linear becomes a torch.nn.Linear: its weight is transposed, its bias is as it was") {
  Registry<double> registry;
  put(registry, "readout/w", tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6}));
  put(registry, "readout/b", tensor<double>({3}, {7, 8, 9}));
  const Safetensors file = to_torch(registry, {{"readout", TorchModule::linear, "decoder"}});
  CHECK(names_of(file) == std::vector<std::string>{"decoder.bias", "decoder.weight"});
  CHECK(same(stored<double>(file, "decoder.weight"), tensor<double>({3, 2}, {1, 4, 2, 5, 3, 6})));
  CHECK(same(stored<double>(file, "decoder.bias"), tensor<double>({3}, {7, 8, 9})));
  CHECK(file.metadata.at("format") == "pt");
}

TEST_CASE("the parameters of embedding, layer norm and convolution have other names there, and the same layout") {
  Registry<double> registry;
  put(registry, "embed/table", tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6}));
  put(registry, "norm/gain", tensor<double>({2}, {7, 8}));
  put(registry, "norm/bias", tensor<double>({2}, {9, 10}));
  put(registry, "conv/w", counted<double>({2, 1, 3, 2}));
  put(registry, "conv/b", tensor<double>({2}, {11, 12}));
  const TorchMapping mapping = {{"embed", TorchModule::embedding, "model.embed"},
                                {"norm", TorchModule::layer_norm, "model.norm"},
                                {"conv", TorchModule::conv2d, "model.conv"}};
  const Safetensors file = to_torch(registry, mapping);
  CHECK(names_of(file) == std::vector<std::string>{"model.conv.bias", "model.conv.weight", "model.embed.weight",
                                                   "model.norm.bias", "model.norm.weight"});
  CHECK(same(stored<double>(file, "model.embed.weight"), tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6})));
  CHECK(same(stored<double>(file, "model.norm.weight"), tensor<double>({2}, {7, 8})));
  CHECK(same(stored<double>(file, "model.norm.bias"), tensor<double>({2}, {9, 10})));
  CHECK(same(stored<double>(file, "model.conv.weight"), counted<double>({2, 1, 3, 2})));
  CHECK(same(stored<double>(file, "model.conv.bias"), tensor<double>({2}, {11, 12})));

  Registry<double> other;
  for (const auto& [path, shape] :
       {std::pair("embed/table", Shape{2, 3}), {"norm/gain", {2}}, {"norm/bias", {2}}, {"conv/w", {2, 1, 3, 2}}, {"conv/b", {2}}})
    put(other, path, shape);
  from_torch(other, file, mapping);
  CHECK(values_of(other) == values_of(registry));
}

TEST_CASE("an LSTM becomes a torch.nn.LSTM of one layer: weights transposed, the second bias 0") {
  Registry<double> registry;
  put(registry, "lstm/wx", tensor<double>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  put(registry, "lstm/wh", tensor<double>({1, 4}, {9, 10, 11, 12}));
  put(registry, "lstm/b", tensor<double>({4}, {13, 14, 15, 16}));
  const Safetensors file = to_torch(registry, lstm_mapping);
  CHECK(names_of(file) == std::vector<std::string>{"rnn.bias_hh_l0", "rnn.bias_ih_l0", "rnn.weight_hh_l0", "rnn.weight_ih_l0"});
  CHECK(same(stored<double>(file, "rnn.weight_ih_l0"), tensor<double>({4, 2}, {1, 5, 2, 6, 3, 7, 4, 8})));
  CHECK(same(stored<double>(file, "rnn.weight_hh_l0"), tensor<double>({4, 1}, {9, 10, 11, 12})));
  CHECK(same(stored<double>(file, "rnn.bias_ih_l0"), tensor<double>({4}, {13, 14, 15, 16})));
  CHECK(same(stored<double>(file, "rnn.bias_hh_l0"), zeros<double>({4})));
}

TEST_CASE("the two biases of an LSTM or RNN of PyTorch are added, those of a GRU stay two") {
  Safetensors file;
  const auto add = [&](const std::string& name, const Tensor<double>& value) { file.tensors[name] = from_tensor(value); };
  Registry<double> registry;
  SUBCASE("LSTM") {
    add("weight_ih_l0", tensor<double>({4, 2}, {1, 5, 2, 6, 3, 7, 4, 8}));
    add("weight_hh_l0", tensor<double>({4, 1}, {9, 10, 11, 12}));
    add("bias_ih_l0", tensor<double>({4}, {1, 2, 3, 4}));
    add("bias_hh_l0", tensor<double>({4}, {10, 20, 30, 40}));
    for (const auto& [path, shape] : {std::pair("wx", Shape{2, 4}), {"wh", {1, 4}}, {"b", {4}}}) put(registry, path, shape);
    from_torch(registry, file, {{"", TorchModule::lstm, ""}});
    CHECK(same(registry.at("wx").value, tensor<double>({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})));
    CHECK(same(registry.at("wh").value, tensor<double>({1, 4}, {9, 10, 11, 12})));
    CHECK(same(registry.at("b").value, tensor<double>({4}, {11, 22, 33, 44})));
  }
  SUBCASE("RNN, the reverse direction of the third layer") {
    add("weight_ih_l2_reverse", tensor<double>({2, 1}, {1, 2}));
    add("weight_hh_l2_reverse", tensor<double>({2, 2}, {3, 4, 5, 6}));
    add("bias_ih_l2_reverse", tensor<double>({2}, {7, 8}));
    add("bias_hh_l2_reverse", tensor<double>({2}, {0.5, -0.5}));
    for (const auto& [path, shape] : {std::pair("wx", Shape{1, 2}), {"wh", {2, 2}}, {"b", {2}}}) put(registry, path, shape);
    from_torch(registry, file, {{"", TorchModule::rnn, "", 2, true}});
    CHECK(same(registry.at("wx").value, tensor<double>({1, 2}, {1, 2})));
    CHECK(same(registry.at("wh").value, tensor<double>({2, 2}, {3, 5, 4, 6})));
    CHECK(same(registry.at("b").value, tensor<double>({2}, {7.5, 7.5})));
  }
  SUBCASE("GRU") {
    add("weight_ih_l0", tensor<double>({3, 2}, {1, 4, 2, 5, 3, 6}));
    add("weight_hh_l0", tensor<double>({3, 1}, {7, 8, 9}));
    add("bias_ih_l0", tensor<double>({3}, {10, 11, 12}));
    add("bias_hh_l0", tensor<double>({3}, {13, 14, 15}));
    for (const auto& [path, shape] : {std::pair("wx", Shape{2, 3}), {"wh", {1, 3}}, {"b", {3}}, {"bh", {3}}})
      put(registry, path, shape);
    from_torch(registry, file, {{"", TorchModule::gru, ""}});
    CHECK(same(registry.at("wx").value, tensor<double>({2, 3}, {1, 2, 3, 4, 5, 6})));
    CHECK(same(registry.at("wh").value, tensor<double>({1, 3}, {7, 8, 9})));
    CHECK(same(registry.at("b").value, tensor<double>({3}, {10, 11, 12})));
    CHECK(same(registry.at("bh").value, tensor<double>({3}, {13, 14, 15})));
    CHECK(to_torch(registry, {{"", TorchModule::gru, ""}}).tensors == file.tensors);
  }
}

TEST_CASE_TEMPLATE("a model survives the way to PyTorch and back, bit for bit", T, float, double) {
  const TorchMapping mapping = [] {
    TorchMapping all = torch_layers("lstm", TorchModule::lstm, "encoder.lstm", 2, true);
    for (const TorchPart& part : torch_layers("gru", TorchModule::gru, "gru", 2)) all.push_back(part);
    all.push_back({"rnn", TorchModule::rnn, "rnn"});
    all.push_back({"readout", TorchModule::linear, "readout"});
    all.push_back({"plain", TorchModule::linear, "plain", 0, false, false});
    return all;
  }();
  const auto make = [](Registry<T>& registry, std::uint64_t seed) {
    Random random(seed);
    const Scope<T> scope(registry, random);
    const CellOptions<T> options{.b = init::uniform<T>(-1, 1)};
    static_cast<void>(Stacked<Bidirectional<Lstm<T>>>(scope / "lstm", 3, 4, {.layers = 2}, options));
    static_cast<void>(Stacked<Gru<T>>(scope / "gru", 3, 5, {.layers = 2}, options));
    static_cast<void>(RnnRelu<T>(scope / "rnn", 2, 3, options));
    static_cast<void>(Linear<T>(scope / "readout", 5, 2, {.b = init::uniform<T>(-1, 1)}));
    static_cast<void>(Linear<T>(scope / "plain", 5, 2, {.bias = false}));
  };
  Registry<T> registry, other;
  make(registry, 1);
  make(other, 2);
  REQUIRE(values_of(registry) != values_of(other));
  const Safetensors file = to_torch(registry, mapping);
  from_torch(other, file, mapping);
  CHECK(values_of(registry) == values_of(other));
  CHECK(to_torch(other, mapping) == file);
}

TEST_CASE("the layers of a stack have PyTorch's numbers, the way back in time its suffix") {
  Registry<double> registry;
  Random random(1);
  static_cast<void>(Stacked<Bidirectional<RnnTanh<double>>>(Scope<double>(registry, random) / "net", 3, 2, {.layers = 2}));
  const TorchMapping mapping = torch_layers("net", TorchModule::rnn, "", 2, true);
  const Safetensors file = to_torch(registry, mapping);
  CHECK(names_of(file) == std::vector<std::string>{"bias_hh_l0", "bias_hh_l0_reverse", "bias_hh_l1", "bias_hh_l1_reverse",
                                                   "bias_ih_l0", "bias_ih_l0_reverse", "bias_ih_l1", "bias_ih_l1_reverse",
                                                   "weight_hh_l0", "weight_hh_l0_reverse", "weight_hh_l1", "weight_hh_l1_reverse",
                                                   "weight_ih_l0", "weight_ih_l0_reverse", "weight_ih_l1",
                                                   "weight_ih_l1_reverse"});
  CHECK(file.tensors.at("weight_ih_l0_reverse").shape == Shape{2, 3});
  CHECK(file.tensors.at("weight_ih_l1").shape == Shape{2, 4});
  for (const auto& [name, path] : {std::pair("weight_hh_l0", "net/0/forward/wh"),
                                   {"weight_hh_l0_reverse", "net/0/backward/wh"},
                                   {"weight_hh_l1", "net/1/forward/wh"},
                                   {"weight_hh_l1_reverse", "net/1/backward/wh"}}) {
    const Tensor<double> there = stored<double>(file, name), &here = registry.at(path).value;
    CHECK(there.data()[1] == here.data()[2]);
    CHECK(there.data()[2] == here.data()[1]);
  }
  CHECK(torch_layers("", TorchModule::gru, "rnn", 1)[0].path == "0");
}

TEST_CASE("parameters of float take a state_dict of double, rounded") {
  Registry<float> registry;
  put(registry, "w", zeros<float>({1, 1}));
  Safetensors file;
  file.tensors["weight"] = from_tensor(full<double>({1, 1}, 0.1));
  from_torch(registry, file, {{"", TorchModule::linear, "", 0, false, false}});
  CHECK(registry.at("w").value.data()[0] == 0.1f);
}

TEST_CASE("a value that comes from PyTorch counts as a change: a tape that holds the old one cannot go backward") {
  Registry<double> registry;
  put(registry, "w", full<double>({1, 1}, 3.0));
  const std::uint64_t version = registry.at("w").version();
  from_torch(registry, state_dict({{"weight", {1, 1}}}), {{"", TorchModule::linear, "", 0, false, false}});
  CHECK(registry.at("w").version() == version + 1);
}

TEST_CASE("a module without bias: ours becomes 0, and must be 0 to go there") {
  Registry<double> registry;
  put(registry, "rnn/wx", counted<double>({1, 2}));
  put(registry, "rnn/wh", counted<double>({2, 2}));
  put(registry, "rnn/b", tensor<double>({2}, {0, 0.25}));
  TorchMapping mapping = {{"rnn", TorchModule::rnn, "rnn", 0, false, false, "tanh"}};
  CHECK(error_of([&] { to_torch(registry, mapping); }) ==
        "wrong argument: to_torch: rnn/b is not 0: must be for a module without bias");
  from_torch(registry, state_dict({{"rnn.weight_ih_l0", {2, 1}}, {"rnn.weight_hh_l0", {2, 2}}}), mapping);
  CHECK(same(registry.at("rnn/b").value, zeros<double>({2})));
  CHECK(names_of(to_torch(registry, mapping)) == std::vector<std::string>{"rnn.weight_hh_l0", "rnn.weight_ih_l0"});
  mapping[0].bias = true;
  CHECK(names_of(to_torch(registry, mapping)).size() == 4);
}

TEST_CASE("one tensor of PyTorch may serve two parts here, and one part here two modules there") {
  Registry<double> registry;
  put(registry, "a/w", {1, 2});
  put(registry, "b/w", {1, 2});
  from_torch(registry, state_dict({{"weight", {2, 1}}}),
             {{"a", TorchModule::linear, "", 0, false, false}, {"b", TorchModule::linear, "", 0, false, false}});
  CHECK(same(registry.at("a/w").value, registry.at("b/w").value));
  CHECK(registry.at("b/w").value.data()[1] == 2);
}

TEST_CASE("what an RNN computes stands in the metadata, as its state_dict does not say it") {
  Registry<double> registry;
  Random random(1);
  const Scope<double> scope(registry, random);
  static_cast<void>(RnnTanh<double>(scope / "a", 2, 3));
  static_cast<void>(RnnRelu<double>(scope / "b", 2, 3));
  const Safetensors file = to_torch(registry, {{"a", TorchModule::rnn, "net.a"}, {"b", TorchModule::rnn, ""}});
  CHECK(file.metadata.at("net.a.nonlinearity") == "tanh");
  CHECK(file.metadata.at("nonlinearity") == "relu");
  CHECK_NOTHROW(from_torch(registry, file, {{"a", TorchModule::rnn, "net.a"}, {"b", TorchModule::rnn, ""}}));
  CHECK(error_of([&] {
          from_torch(registry, file, {{"a", TorchModule::rnn, ""}, {"b", TorchModule::rnn, "net.a"}});
        }) == "bad file: from_torch: nonlinearity is relu: must be tanh for a/wx");
  CHECK(error_of([&] {
          to_torch(registry, {{"a", TorchModule::rnn, "net", 0}, {"b", TorchModule::rnn, "net", 1}});
        }) == "wrong argument: to_torch: b/wx computes relu, another layer of net tanh: must be the same for torch.nn.RNN");
  CHECK(error_of([&] {
          to_torch(registry, {{.path = "a", .kind = TorchModule::rnn, .module = "net", .nonlinearity = "relu"}},
                   {.partial = true});
        }) == "wrong argument: to_torch: a/wx: nonlinearity relu: must be tanh for a cell RnnTanh");

  Registry<double> own;  // of a cell that does not say what it is
  for (const auto& [path, shape] : {std::pair("wx", Shape{1, 2}), {"wh", {2, 2}}, {"b", {2}}}) put(own, path, shape);
  TorchMapping mapping{{"", TorchModule::rnn, "net"}};
  CHECK(error_of([&] { to_torch(own, mapping); }) ==
        "wrong argument: to_torch: wx: the nonlinearity of its cell is not known: .nonlinearity must say it, tanh or relu");
  mapping[0].nonlinearity = "gelu";
  CHECK(error_of([&] { to_torch(own, mapping); }) ==
        "wrong argument: to_torch: wx: nonlinearity gelu: must be tanh or relu for torch.nn.RNN");
  mapping[0].nonlinearity = "relu";
  CHECK(to_torch(own, mapping).metadata.at("net.nonlinearity") == "relu");
}
