#pragma once
/// Parameters here and state_dicts of PyTorch, of given shapes.

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <carousel/models/exchange/torch.hpp>

namespace carousel::test {

/// Registers a parameter of those elements.
template <class T>
void put(Registry<T>& registry, const std::string& path, const Tensor<T>& value) {
  registry.parameter(path, shape_of(value), [&] { return value; });
}

/// Registers a parameter of zeros.
inline void put(Registry<double>& registry, const std::string& path, const Shape& shape) {
  put(registry, path, zeros<double>(shape));
}

/// 1, 2, 3, … in that shape.
template <class T>
Tensor<T> counted(const Shape& shape, T from = 1) {
  Tensor<T> out = empty<T>(shape);
  for (std::size_t i = 0; i < out.size(); ++i) out.data()[i] = from + static_cast<T>(i);
  return out;
}

/// The elements of each parameter.
template <class Registry>
std::vector<std::vector<double>> values_of(const Registry& registry) {
  std::vector<std::vector<double>> values;
  for (const auto& parameter : registry)
    values.emplace_back(parameter.value.data(), parameter.value.data() + parameter.value.size());
  return values;
}

/// The error of that call: "bad file: " or "wrong argument: " and its text.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& error) {
    return std::string("wrong argument: ") + error.what();
  } catch (const std::runtime_error& error) {
    return std::string("bad file: ") + error.what();
  }
  return "none";
}

/// A state_dict of tensors of those shapes, with elements 1, 2, 3, ….
inline Safetensors state_dict(const std::vector<std::pair<std::string, Shape>>& tensors) {
  Safetensors file;
  for (const auto& [name, shape] : tensors) file.tensors[name] = from_tensor(counted<double>(shape));
  return file;
}

/// An LSTM of 1 input and 2 hidden units at `lstm`, and what PyTorch calls one.
inline void put_lstm(Registry<double>& registry) {
  put(registry, "lstm/wx", {1, 8});
  put(registry, "lstm/wh", {2, 8});
  put(registry, "lstm/b", {8});
}
inline const TorchMapping lstm_mapping = {{"lstm", TorchModule::lstm, "rnn"}};
inline Safetensors lstm_state_dict() {
  return state_dict(
      {{"rnn.weight_ih_l0", {8, 1}}, {"rnn.weight_hh_l0", {8, 2}}, {"rnn.bias_ih_l0", {8}}, {"rnn.bias_hh_l0", {8}}});
}

}  // namespace carousel::test
