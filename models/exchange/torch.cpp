#include <carousel/models/exchange/torch.hpp>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace carousel {

namespace {

/// One parameter of a kind of part, and the tensors of PyTorch that it stands for.
struct Rule {
  std::string_view ours, theirs;
  std::string_view added = {};  // a second tensor, added on the way here and 0 on the way there
  int rank = 2;                 // of ours
  bool transposed = false;
  bool is_bias = false;
};

struct Kind {
  std::string_view name;
  Index blocks;  // along the last axis of each parameter, as wide as wh is high; 0: not recurrent
  std::vector<Rule> rules;
  std::vector<std::string_view> cells = {};  // those of ours that compute the same
};

const Kind& kind_of(TorchModule module) {
  static const Rule w{.ours = "w", .theirs = "weight", .transposed = true};
  static const Rule b{.ours = "b", .theirs = "bias", .rank = 1, .is_bias = true};
  static const Rule wx{.ours = "wx", .theirs = "weight_ih", .transposed = true};
  static const Rule wh{.ours = "wh", .theirs = "weight_hh", .transposed = true};
  static const Rule sum{.ours = "b", .theirs = "bias_ih", .added = "bias_hh", .rank = 1, .is_bias = true};
  static const Rule bx{.ours = "b", .theirs = "bias_ih", .rank = 1, .is_bias = true};
  static const Rule bh{.ours = "bh", .theirs = "bias_hh", .rank = 1, .is_bias = true};
  static const Rule table{.ours = "table", .theirs = "weight"};
  static const Rule gain{.ours = "gain", .theirs = "weight", .rank = 1};
  static const Rule bias{.ours = "bias", .theirs = "bias", .rank = 1, .is_bias = true};
  static const Rule kernel{.ours = "w", .theirs = "weight", .rank = 4};
  static const Kind linear{"Linear", 0, {w, b}}, embedding{"Embedding", 0, {table}}, layer_norm{"LayerNorm", 0, {gain, bias}},
      conv2d{"Conv2d", 0, {kernel, b}};
  static const Kind lstm{"LSTM", 4, {wx, wh, sum}, {"Lstm"}}, gru{"GRU", 3, {wx, wh, bx, bh}, {"Gru"}},
      rnn{"RNN", 1, {wx, wh, sum}, {"RnnTanh", "RnnRelu"}};
  switch (module) {
    case TorchModule::linear:
      return linear;
    case TorchModule::embedding:
      return embedding;
    case TorchModule::layer_norm:
      return layer_norm;
    case TorchModule::conv2d:
      return conv2d;
    case TorchModule::lstm:
      return lstm;
    case TorchModule::gru:
      return gru;
    case TorchModule::rnn:
      return rnn;
  }
  wrong_argument("torch: module of number ", static_cast<int>(module), ": must be one of TorchModule");
}

/// A parameter that is to be moved.
template <class T>
struct Move {
  const Rule* rule;
  const Parameter<T>* parameter;
  std::string name, added;  // of the tensors; empty: there is none, the value is 0
};

std::string below(const std::string& place, char separator, std::string_view name) {
  return place.empty() ? std::string(name) : place + separator + std::string(name);
}

std::string suffix_of(const TorchPart& part) {
  return kind_of(part.kind).blocks == 0 ? "" : "_l" + std::to_string(part.layer) + (part.reverse ? "_reverse" : "");
}

/// Whether the tensor of that name can only be one of the part's.
bool belongs(std::string_view name, const TorchPart& part) {
  const std::string place = below(part.module, '.', "");
  return name.starts_with(place) && name.find('.', place.size()) == std::string_view::npos && name.ends_with(suffix_of(part));
}

/// Whether the parameter of that path can only be one of the part's.
bool owns(const TorchPart& part, std::string_view path) {
  const std::string place = below(part.path, '/', "");
  return path.starts_with(place) && path.find('/', place.size()) == std::string_view::npos;
}

Shape transposed(const Shape& shape) {
  return {shape[1], shape[0]};
}

template <class T>
Tensor<T> transposed(const Tensor<T>& from) {
  const Shape shape = shape_of(from);
  Tensor<T> to = empty<T>(transposed(shape));
  for (Index row = 0; row < shape[0]; ++row)
    for (Index column = 0; column < shape[1]; ++column) to.data()[column * shape[0] + row] = from.data()[row * shape[1] + column];
  return to;
}

/// Throws std::invalid_argument in the name of `op` unless the layer and direction of a part can be.
void check_layer(const char* op, const TorchPart& part) {
  const Kind& kind = kind_of(part.kind);
  if (part.layer < 0) wrong_argument(op, ": ", part.path, ": layer ", part.layer, ": must not be negative");
  if (kind.blocks == 0 && (part.layer > 0 || part.reverse))
    wrong_argument(op, ": ", part.path, ": torch.nn.", kind.name, " has neither layers nor directions");
}

/// Throws std::invalid_argument in the name of `op` unless a parameter has the form that its rule gives it.
template <class T>
void check_form(const char* op, const Registry<T>& registry, const TorchPart& part, const Rule& rule,
                const Parameter<T>& parameter) {
  const Kind& kind = kind_of(part.kind);
  const Shape shape = parameter.shape();
  if (shape.rank() != rule.rank)
    wrong_argument(op, ": ", parameter.path, " is ", shape, ": must have ", rule.rank, rule.rank == 1 ? " axis" : " axes",
                   " for torch.nn.", kind.name);
  if (kind.blocks == 0) return;
  const std::string path = below(part.path, '/', "wh");
  if (!registry.contains(path)) wrong_argument(op, ": there is no parameter ", path);
  const Shape wh = registry.at(path).shape();
  if (wh.rank() != 2 || shape.back() != kind.blocks * wh[0])
    wrong_argument(op, ": ", parameter.path, " is ", shape, ", ", path, " is ", wh, ": last axis must be ", kind.blocks,
                   " × the first of wh for torch.nn.", kind.name);
}

/// Throws std::invalid_argument in the name of `op` if the parameter is of a cell that computes something else.
template <class T>
void check_cell_kind(const char* op, const TorchPart& part, const Parameter<T>& parameter) {
  const Kind& kind = kind_of(part.kind);
  if (parameter.kind.empty() || kind.cells.empty()) return;
  if (std::find(kind.cells.begin(), kind.cells.end(), parameter.kind) != kind.cells.end()) return;
  std::string cells;
  for (const std::string_view cell : kind.cells) cells += (cells.empty() ? "" : " or ") + std::string(cell);
  wrong_argument(op, ": ", parameter.path, " is of a cell ", parameter.kind, ": must be of ", cells, " for torch.nn.", kind.name);
}

/// What an rnn computes, "tanh" or "relu", empty if that is not known. Throws std::invalid_argument in the name of `op` if the
/// mapping says another one than the cell, or none of these.
template <class T>
std::string nonlinearity_of(const char* op, const Registry<T>& registry, const TorchPart& part) {
  const std::string path = below(part.path, '/', "wx"), &cell = registry.at(path).kind, &said = part.nonlinearity;
  const std::string own = cell == "RnnTanh" ? "tanh" : cell == "RnnRelu" ? "relu" : "";
  if (!said.empty() && said != "tanh" && said != "relu")
    wrong_argument(op, ": ", path, ": nonlinearity ", said, ": must be tanh or relu for torch.nn.RNN");
  if (!said.empty() && !own.empty() && said != own)
    wrong_argument(op, ": ", path, ": nonlinearity ", said, ": must be ", own, " for a cell ", cell);
  return own.empty() ? said : own;
}

std::string nonlinearity_key(const TorchPart& part) {
  return below(part.module, '.', "nonlinearity");
}

/// What is to be moved, or std::invalid_argument in the name of `op`.
template <class T>
std::vector<Move<T>> plan(const char* op, const Registry<T>& registry, const TorchMapping& mapping, const TorchOptions& options) {
  std::vector<Move<T>> moves;
  std::set<std::string> paths;
  for (const TorchPart& part : mapping) {
    check_layer(op, part);
    for (const Rule& rule : kind_of(part.kind).rules) {
      const std::string path = below(part.path, '/', rule.ours);
      const bool here = registry.contains(path), there = part.bias || !rule.is_bias;
      if (!here && !there) continue;
      if (!here)
        wrong_argument(op, ": there is no parameter ", path, rule.is_bias ? ": .bias must be false for a part without" : "");
      const Parameter<T>& parameter = registry.at(path);
      check_form(op, registry, part, rule, parameter);
      check_cell_kind(op, part, parameter);
      if (!paths.insert(path).second) wrong_argument(op, ": ", path, " stands in the mapping twice");
      const auto name = [&](std::string_view leaf) {
        return leaf.empty() || !there ? std::string() : below(part.module, '.', leaf) + suffix_of(part);
      };
      moves.push_back({&rule, &parameter, name(rule.theirs), name(rule.added)});
    }
  }
  for (const Parameter<T>& parameter : registry) {
    const auto owner = [&](const TorchPart& part) { return owns(part, parameter.path); };
    if (!paths.contains(parameter.path) && (!options.partial || std::any_of(mapping.begin(), mapping.end(), owner)))
      wrong_argument(op, ": ", parameter.path, " is ", parameter.shape(), ": must have a place in the mapping");
  }
  return moves;
}

/// The tensor of that name, as one for the parameter of a move.
template <class T>
Tensor<T> find(const Safetensors& state_dict, const std::string& name, const Move<T>& move) {
  const auto found = state_dict.tensors.find(name);
  if (found == state_dict.tensors.end())
    bad_file("from_torch: there is no ", name, ", for ", move.parameter->path, ' ', move.parameter->shape());
  const Shape ours = move.parameter->shape(), wanted = move.rule->transposed ? transposed(ours) : ours;
  if (!(found->second.shape == wanted))
    bad_file("from_torch: ", name, " is ", found->second.shape, ", for ", move.parameter->path, ' ', ours, ": must be ", wanted);
  Tensor<T> value = to_tensor<T>(found->second, "from_torch: " + name);
  return move.rule->transposed ? transposed(value) : value;
}

/// The value of a parameter by the tensors that it stands for.
template <class T>
Tensor<T> imported(const Safetensors& state_dict, const Move<T>& move) {
  if (move.name.empty()) return zeros<T>(move.parameter->shape());
  Tensor<T> value = find(state_dict, move.name, move);
  if (!move.added.empty()) {
    const Tensor<T> added = find(state_dict, move.added, move);
    for (std::size_t i = 0; i < value.size(); ++i) value.data()[i] += added.data()[i];
  }
  return value;
}

}  // namespace

TorchMapping torch_layers(const std::string& path, TorchModule kind, const std::string& module, int layers, bool bidirectional) {
  TorchMapping mapping;
  for (int layer = 0; layer < layers; ++layer) {
    const std::string place = below(path, '/', std::to_string(layer));
    mapping.push_back({bidirectional ? place + "/forward" : place, kind, module, layer});
    if (bidirectional) mapping.push_back({place + "/backward", kind, module, layer, true});
  }
  return mapping;
}

template <class T>
Safetensors to_torch(const Registry<T>& registry, const TorchMapping& mapping, const TorchOptions& options) {
  Safetensors state_dict;
  state_dict.metadata["format"] = "pt";  // what the tools of Hugging Face write and ask for
  const auto add = [&](const std::string& name, const Tensor<T>& value) {
    if (!state_dict.tensors.emplace(name, from_tensor(value)).second)
      wrong_argument("to_torch: ", name, " stands in the mapping twice");
  };
  for (const Move<T>& move : plan("to_torch", registry, mapping, options)) {
    const Tensor<T>& value = move.parameter->value;
    if (move.name.empty()) {
      if (std::any_of(value.data(), value.data() + value.size(), [](T element) { return element != 0; }))
        wrong_argument("to_torch: ", move.parameter->path, " is not 0: must be for a module without bias");
      continue;
    }
    add(move.name, move.rule->transposed ? transposed(value) : value);
    if (!move.added.empty()) add(move.added, zeros<T>(move.parameter->shape()));
  }
  for (const TorchPart& part : mapping) {
    if (part.kind != TorchModule::rnn) continue;
    const std::string nonlinearity = nonlinearity_of("to_torch", registry, part);
    if (nonlinearity.empty())
      wrong_argument("to_torch: ", below(part.path, '/', "wx"),
                     ": the nonlinearity of its cell is not known: .nonlinearity must say it, tanh or relu");
    const auto [said, is_new] = state_dict.metadata.emplace(nonlinearity_key(part), nonlinearity);
    if (!is_new && said->second != nonlinearity)
      wrong_argument("to_torch: ", below(part.path, '/', "wx"), " computes ", nonlinearity, ", another layer of ", part.module,
                     ' ', said->second, ": must be the same for torch.nn.RNN");
  }
  return state_dict;
}

template <class T>
void from_torch(Registry<T>& registry, const Safetensors& state_dict, const TorchMapping& mapping, const TorchOptions& options) {
  const std::vector<Move<T>> moves = plan("from_torch", registry, mapping, options);
  for (const TorchPart& part : mapping) {
    if (part.kind != TorchModule::rnn) continue;
    const std::string ours = nonlinearity_of("from_torch", registry, part);
    const auto theirs = state_dict.metadata.find(nonlinearity_key(part));
    if (!ours.empty() && theirs != state_dict.metadata.end() && theirs->second != ours)
      bad_file("from_torch: ", theirs->first, " is ", theirs->second, ": must be ", ours, " for ", below(part.path, '/', "wx"));
  }
  std::vector<Tensor<T>> values;
  std::set<std::string, std::less<>> names;
  for (const Move<T>& move : moves) {
    values.push_back(imported(state_dict, move));
    names.insert({move.name, move.added});
  }
  names.erase("");
  for (const auto& [name, stored] : state_dict.tensors) {
    const auto owner = [&, &tensor = name](const TorchPart& part) { return belongs(tensor, part); };
    if (!names.contains(name) && (!options.partial || std::any_of(mapping.begin(), mapping.end(), owner)))
      bad_file("from_torch: ", name, " is ", stored.shape, ": must have a place in the mapping");
  }
  for (std::size_t i = 0; i < moves.size(); ++i) registry.at(moves[i].parameter->path).set(values[i]);
}

template Safetensors to_torch(const Registry<float>&, const TorchMapping&, const TorchOptions&);
template Safetensors to_torch(const Registry<double>&, const TorchMapping&, const TorchOptions&);
template void from_torch(Registry<float>&, const Safetensors&, const TorchMapping&, const TorchOptions&);
template void from_torch(Registry<double>&, const Safetensors&, const TorchMapping&, const TorchOptions&);

}  // namespace carousel
