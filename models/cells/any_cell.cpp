#include <carousel/models/cells/any_cell.hpp>

#include <array>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>

namespace carousel {

namespace {

template <class T>
using Make = AnyCell<T> (*)(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options);

/// A cell with its name, for each scalar.
struct Known {
  CellName name;
  Make<float> of_float;
  Make<double> of_double;
};

template <template <class> class Cell>
constexpr Known known(const CellName& name) {
  const auto make = []<class T>(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options) -> AnyCell<T> {
    return Cell<T>(p, in, hidden, options);
  };
  return {name, make, make};
}

/// A cell that has a name is a line here.
constexpr Known cells[] = {
    known<Lstm>({"lstm", "LSTM with forget gate, h = o∘tanh(c)", "cells/lstm.hpp", "Lstm"}),
    known<LstmLinear>({"lstm-linear", "LSTM with forget gate, h = o∘c (Lipton, nicodjimenez)", "cells/lstm.hpp", "LstmLinear"}),
    known<Lstm1997>({"lstm-1997", "LSTM without forget gate: the constant error carousel (Hochreiter & Schmidhuber)",
                     "cells/lstm.hpp", "Lstm1997"}),
    known<LstmPeephole>(
        {"lstm-peephole", "LSTM whose gates see the cell (Gers & Schmidhuber)", "cells/lstm.hpp", "LstmPeephole"}),
    known<LstmCoupled>(
        {"lstm-coupled", "LSTM that forgets as much as it takes in (Greff et al.)", "cells/lstm.hpp", "LstmCoupled"}),
    known<Gru>({"gru", "GRU, reset after the recurrent product (PyTorch)", "cells/gru.hpp", "Gru"}),
    known<GruResetBefore>({"gru-reset-before", "GRU, reset before the recurrent product (Cho et al., char-rnn)", "cells/gru.hpp",
                           "GruResetBefore"}),
    known<RnnTanh>({"rnn-tanh", "simple recurrent network with tanh (Elman)", "cells/rnn.hpp", "Rnn"}),
    known<RnnRelu>({"rnn-relu", "simple recurrent network with rectifiers", "cells/rnn.hpp", "Rnn", true}),
};

constexpr auto names = [] {
  std::array<CellName, std::size(cells)> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = cells[i].name;
  return all;
}();

}  // namespace

void detail::refuse_state(std::size_t members, std::size_t of_the_cell) {
  if (members != of_the_cell) wrong_argument("AnyCell: a state of ", members, " members: this cell has ", of_the_cell);
  wrong_argument("AnyCell: the state of a cell of another kind: must be one of this kind, of its start() or of a step");
}

std::span<const CellName> cell_names() {
  return names;
}

template <class T>
AnyCell<T> make_cell(std::string_view name, Scope<T> p, Index in, Index hidden, const CellOptions<T>& options) {
  std::string all;
  for (const Known& cell : cells) {
    if (cell.name.name == name) {
      if constexpr (std::is_same_v<T, float>)
        return cell.of_float(p, in, hidden, options);
      else
        return cell.of_double(p, in, hidden, options);
    }
    all += (all.empty() ? "" : ", ") + std::string(cell.name.name);
  }
  wrong_argument("cell: there is no ", name, ": must be one of ", all);
}

template AnyCell<float> make_cell(std::string_view, Scope<float>, Index, Index, const CellOptions<float>&);
template AnyCell<double> make_cell(std::string_view, Scope<double>, Index, Index, const CellOptions<double>&);

}  // namespace carousel
