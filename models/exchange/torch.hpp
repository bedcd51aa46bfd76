#pragma once
/// Parameters to and from PyTorch: the names and layouts of its state_dict.
///
///     const TorchMapping mapping = {{"embed", TorchModule::embedding, "encoder"},
///                                   {"lstm", TorchModule::lstm, "rnn"},
///                                   {"readout", TorchModule::linear, "decoder"}};
///     from_torch(registry, read_safetensors("torch.safetensors"), mapping);
///     write_safetensors("carousel.safetensors", to_torch(registry, mapping));
///
/// On PyTorch's side such files are safetensors.torch.save_file(model.state_dict(), path) and
/// model.load_state_dict(safetensors.torch.load_file(path)).
///
///     | ours                                     | PyTorch's                          |
///     |------------------------------------------|------------------------------------|
///     | Linear      w [in, out]                  | weight [out, in]                   |
///     |             b [out]                      | bias [out]                         |
///     | Embedding   table [rows, dim]            | weight [rows, dim]                 |
///     | layer_norm  gain [n]                     | weight [n]                         |
///     |             bias [n]                     | bias [n]                           |
///     | conv2d      w [out, in, height, width]   | weight [out, in, height, width]    |
///     |             b [out]                      | bias [out]                         |
///     | Lstm        wx [in, 4 hidden]            | weight_ih_l0 [4 hidden, in]        |
///     |             wh [hidden, 4 hidden]        | weight_hh_l0 [4 hidden, hidden]    |
///     |             b [4 hidden]                 | bias_ih_l0 + bias_hh_l0 [4 hidden] |
///     | Rnn         as Lstm, one block for four  | as LSTM, one block for four        |
///     | Gru         wx, wh as Lstm, three blocks | the same as LSTM, three blocks     |
///     |             b, bh [3 hidden]             | bias_ih_l0, bias_hh_l0 [3 hidden]  |
///
/// The blocks stand in the same order on both sides: i, f, g, o and r, z, n. A layer's number replaces the 0, and the direction
/// from the last step to the first adds `_reverse`. PyTorch's LSTM and RNN have two biases that are only ever added: the one of
/// ours becomes bias_ih, and bias_hh is 0. (Trained on, both move there, so that their sum moves twice as far as ours.)

#include <string>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/lib/tape/parameter.hpp>

namespace carousel {

/// The modules of torch.nn that have a counterpart here: lstm is Lstm, gru is Gru, rnn is RnnTanh or RnnRelu.
enum class TorchModule { linear, embedding, layer_norm, conv2d, lstm, gru, rnn };

/// A part of a model, and the module of PyTorch that it stands for; of lstm, gru and rnn, one layer and direction.
struct TorchPart {
  std::string path;  // of the part here: "readout" for readout/w and readout/b
  TorchModule kind;
  std::string module;  // of the module there: "decoder" for decoder.weight; "" for the whole model
  int layer = 0;
  bool reverse = false;
  /// False: the module was made without bias. What is a bias here becomes 0, and must be 0 on the way there.
  bool bias = true;
  /// Of an rnn, "tanh" or "relu"; empty: what the cell here says, RnnTanh or RnnRelu.
  std::string nonlinearity = {};
};

/// The parts of a model that have counterparts in PyTorch.
using TorchMapping = std::vector<TorchPart>;

/// The parts of a recurrent module of several layers: those of a Stacked cell at `path`, or of Stacked<Bidirectional<…>>.
TorchMapping torch_layers(const std::string& path, TorchModule kind, const std::string& module, int layers,
                          bool bidirectional = false);

/// How strict the exchange is.
struct TorchOptions {
  /// True: tensors and parameters that belong to no part of the mapping are passed over, where else they are errors.
  bool partial = false;
};

/// The parameters as PyTorch would have them. Its state_dict does not say what an nn.RNN computes: the nonlinearity stands in the
/// metadata, "tanh" or "relu", as "decoder.nonlinearity" for a module named decoder. Throws std::invalid_argument for a mapping
/// that does not fit the registry, or a cell that PyTorch has not (LstmLinear is no LSTM of its).
template <class T>
Safetensors to_torch(const Registry<T>& registry, const TorchMapping& mapping, const TorchOptions& options = {});

/// Gives the parameters the values of a state_dict, or throws and leaves them as they are: std::invalid_argument for a mapping
/// that does not fit the registry or a cell that PyTorch has not, std::runtime_error for tensors that are missing, too many, of
/// another shape or not of a floating type, or a nonlinearity in the metadata that is another one than the cell's.
template <class T>
void from_torch(Registry<T>& registry, const Safetensors& state_dict, const TorchMapping& mapping,
                const TorchOptions& options = {});

extern template Safetensors to_torch(const Registry<float>&, const TorchMapping&, const TorchOptions&);
extern template Safetensors to_torch(const Registry<double>&, const TorchMapping&, const TorchOptions&);
extern template void from_torch(Registry<float>&, const Safetensors&, const TorchMapping&, const TorchOptions&);
extern template void from_torch(Registry<double>&, const Safetensors&, const TorchMapping&, const TorchOptions&);

}  // namespace carousel
