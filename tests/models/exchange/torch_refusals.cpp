// What cannot go to PyTorch or come from there.

#include <carousel/models/exchange/torch.hpp>

#include <doctest/doctest.h>

#include <carousel/models/cells/lstm.hpp>

#include "tests/models/exchange/state_dicts.hpp"

using namespace carousel;
using test::error_of;
using test::lstm_mapping;
using test::lstm_state_dict;
using test::put;
using test::put_lstm;
using test::state_dict;
using test::values_of;

TEST_CASE("what does not fit the state_dict is named, with both shapes, and nothing is assigned") {
  Registry<double> registry;
  put_lstm(registry);
  const auto before = values_of(registry);
  Safetensors file = lstm_state_dict();
  std::string expected;
  SUBCASE("a missing weight") {
    file.tensors.erase("rnn.weight_hh_l0");
    expected = "there is no rnn.weight_hh_l0, for lstm/wh [2, 8]";
  }
  SUBCASE("a missing second bias") {
    file.tensors.erase("rnn.bias_hh_l0");
    expected = "there is no rnn.bias_hh_l0, for lstm/b [8]";
  }
  SUBCASE("a weight that is not transposed") {
    file.tensors["rnn.weight_hh_l0"] = from_tensor(zeros<double>({2, 8}));
    expected = "rnn.weight_hh_l0 is [2, 8], for lstm/wh [2, 8]: must be [8, 2]";
  }
  SUBCASE("a wrong number of inputs") {
    file.tensors["rnn.weight_ih_l0"] = from_tensor(zeros<double>({8, 3}));
    expected = "rnn.weight_ih_l0 is [8, 3], for lstm/wx [1, 8]: must be [8, 1]";
  }
  SUBCASE("a second bias of another shape") {
    file.tensors["rnn.bias_hh_l0"] = from_tensor(zeros<double>({8, 1}));
    expected = "rnn.bias_hh_l0 is [8, 1], for lstm/b [8]: must be [8]";
  }
  SUBCASE("integers") {
    file.tensors["rnn.bias_hh_l0"] = from_tensor(zeros<std::int64_t>({8}));
    expected = "rnn.bias_hh_l0 is I64: must be F32, F64, F16 or BF16";
  }
  SUBCASE("a projection, which ours has not") {
    file.tensors["rnn.weight_hr_l0"] = from_tensor(zeros<double>({1, 2}));
    expected = "rnn.weight_hr_l0 is [1, 2]: must have a place in the mapping";
  }
  SUBCASE("a second layer") {
    file.tensors["rnn.weight_hh_l1"] = from_tensor(zeros<double>({8, 2}));
    expected = "rnn.weight_hh_l1 is [8, 2]: must have a place in the mapping";
  }
  SUBCASE("a tensor without a name") {
    file.tensors[""] = from_tensor(zeros<double>({1}));
    expected = " is [1]: must have a place in the mapping";
  }
  CHECK(error_of([&] { from_torch(registry, file, lstm_mapping); }) == "bad file: from_torch: " + expected);
  CHECK(values_of(registry) == before);
}

TEST_CASE("a mapping that does not fit the registry is a wrong argument, on both ways") {
  Registry<double> registry;
  put_lstm(registry);
  TorchMapping mapping = lstm_mapping;
  std::string expected;
  SUBCASE("a path that is not there") {
    mapping[0].path = "gru";
    expected = "there is no parameter gru/wx";
  }
  SUBCASE("a part without bias") {
    put(registry, "readout/w", {2, 3});
    mapping.push_back({"readout", TorchModule::linear, "readout"});
    expected = "there is no parameter readout/b: .bias must be false for a part without";
  }
  SUBCASE("another cell") {
    mapping[0].kind = TorchModule::rnn;
    expected = "lstm/wx is [1, 8], lstm/wh is [2, 8]: last axis must be 1 × the first of wh for torch.nn.RNN";
  }
  SUBCASE("a weight that is no matrix") {
    put(registry, "odd/w", {2});
    mapping.push_back({"odd", TorchModule::linear, "odd"});
    expected = "odd/w is [2]: must have 2 axes for torch.nn.Linear";
  }
  SUBCASE("a bias that is no row") {
    put(registry, "odd/w", {2, 3});
    put(registry, "odd/b", {1, 3});
    mapping.push_back({"odd", TorchModule::linear, "odd"});
    expected = "odd/b is [1, 3]: must have 1 axis for torch.nn.Linear";
  }
  SUBCASE("an image's kernel that is a matrix") {
    put(registry, "conv/w", {2, 3});
    mapping.push_back({"conv", TorchModule::conv2d, "conv"});
    expected = "conv/w is [2, 3]: must have 4 axes for torch.nn.Conv2d";
  }
  SUBCASE("a part twice") {
    mapping.push_back(mapping[0]);
    expected = "lstm/wx stands in the mapping twice";
  }
  SUBCASE("a parameter that no part holds") {
    put(registry, "readout/w", {2, 3});
    expected = "readout/w is [2, 3]: must have a place in the mapping";
  }
  SUBCASE("a parameter of the cell that PyTorch's has not, even if the rest may be passed over") {
    put(registry, "lstm/peephole", {6});
    CHECK(error_of([&] { to_torch(registry, mapping, {.partial = true}); }) ==
          "wrong argument: to_torch: lstm/peephole is [6]: must have a place in the mapping");
    expected = "lstm/peephole is [6]: must have a place in the mapping";
  }
  SUBCASE("a layer below the first") {
    mapping[0].layer = -1;
    expected = "lstm: layer -1: must not be negative";
  }
  SUBCASE("a layer of what has none") {
    put(registry, "readout/w", {2, 3});
    mapping.push_back({"readout", TorchModule::linear, "readout", 1, false, false});
    expected = "readout: torch.nn.Linear has neither layers nor directions";
  }
  CHECK(error_of([&] { to_torch(registry, mapping); }) == "wrong argument: to_torch: " + expected);
  CHECK(error_of([&] { from_torch(registry, lstm_state_dict(), mapping); }) == "wrong argument: from_torch: " + expected);
}

TEST_CASE("two parts cannot go to one module") {
  Registry<double> registry;
  put(registry, "a/w", {1, 2});
  put(registry, "b/w", {1, 2});
  CHECK(
      error_of([&] {
        to_torch(registry, {{"a", TorchModule::linear, "x", 0, false, false}, {"b", TorchModule::linear, "x", 0, false, false}});
      }) == "wrong argument: to_torch: x.weight stands in the mapping twice");
}

TEST_CASE("a partial mapping passes over what is of no part, but not over what is of one") {
  Registry<double> registry;
  put_lstm(registry);
  put(registry, "readout/w", full<double>({2, 3}, 7.0));
  Safetensors file = lstm_state_dict();
  file.tensors["decoder.weight"] = from_tensor(zeros<double>({9, 9}));
  file.tensors["rnn.weight_ih_l1"] = from_tensor(zeros<double>({8, 2}));
  file.tensors["steps"] = from_tensor(zeros<std::int64_t>({}));
  from_torch(registry, file, lstm_mapping, {.partial = true});
  CHECK(registry.at("lstm/wx").value.data()[7] == 8);
  CHECK(registry.at("lstm/b").value.data()[0] == 2);
  CHECK(registry.at("readout/w").value.data()[0] == 7);
  CHECK(to_torch(registry, lstm_mapping, {.partial = true}).tensors.size() == 4);

  file.tensors["rnn.weight_hr_l0"] = from_tensor(zeros<double>({1, 2}));
  CHECK(error_of([&] { from_torch(registry, file, lstm_mapping, {.partial = true}); }) ==
        "bad file: from_torch: rnn.weight_hr_l0 is [1, 2]: must have a place in the mapping");
  file.tensors.erase("rnn.weight_hr_l0");

  const TorchMapping without_bias = {{"readout", TorchModule::linear, "decoder", 0, false, false}};
  file.tensors["decoder.weight"] = from_tensor(zeros<double>({3, 2}));
  file.tensors["decoder.bias"] = from_tensor(zeros<double>({3}));
  CHECK(error_of([&] { from_torch(registry, file, without_bias, {.partial = true}); }) ==
        "bad file: from_torch: decoder.bias is [3]: must have a place in the mapping");
}

TEST_CASE("a cell that PyTorch has not is refused on both ways, though its parameters have the form of one that it has") {
  const auto refused = [](TorchModule kind, const std::string& why, auto make) {
    Registry<double> registry;
    Random random(1);
    make(Scope<double>(registry, random) / "net");
    const auto before = values_of(registry);
    CHECK(error_of([&] {
            to_torch(registry, {{"net", kind, "rnn"}});
          }) == "wrong argument: to_torch: net/wx is of a cell " + why);
    CHECK(error_of([&] {
            from_torch(registry, lstm_state_dict(), {{"net", kind, "rnn"}});
          }) == "wrong argument: from_torch: net/wx is of a cell " + why);
    CHECK(values_of(registry) == before);
  };
  refused(TorchModule::lstm, "LstmLinear: must be of Lstm for torch.nn.LSTM", [](auto p) { LstmLinear<double>(p, 1, 2); });
  refused(TorchModule::lstm, "LstmPeephole: must be of Lstm for torch.nn.LSTM", [](auto p) { LstmPeephole<double>(p, 1, 2); });
  refused(TorchModule::rnn, "Other: must be of RnnTanh or RnnRelu for torch.nn.RNN",
          [](auto p) { Gates<double>(p.of("Other"), 1, 2, 1); });
}
