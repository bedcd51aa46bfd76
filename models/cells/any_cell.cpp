#include <carousel/models/cells/any_cell.hpp>

#include <carousel/models/cells/gru.hpp>
#include <carousel/models/cells/lstm.hpp>
#include <carousel/models/cells/rnn.hpp>

namespace carousel {

namespace {

template <class T>
using Make = AnyCell<T> (*)(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options);

template <class Cell, class T>
AnyCell<T> make(Scope<T> p, Index in, Index hidden, const CellOptions<T>& options) {
  return Cell(p, in, hidden, options);
}

constexpr CellName names[] = {
    {"lstm", "LSTM with forget gate, h = o∘tanh(c)"},
    {"lstm-linear", "LSTM with forget gate, h = o∘c (Lipton, nicodjimenez)"},
    {"lstm-1997", "LSTM without forget gate: the constant error carousel (Hochreiter & Schmidhuber)"},
    {"lstm-peephole", "LSTM whose gates see the cell (Gers & Schmidhuber)"},
    {"lstm-coupled", "LSTM that forgets as much as it takes in (Greff et al.)"},
    {"gru", "GRU, reset after the recurrent product (PyTorch)"},
    {"gru-reset-before", "GRU, reset before the recurrent product (Cho et al., char-rnn)"},
    {"rnn-tanh", "simple recurrent network with tanh (Elman)"},
    {"rnn-relu", "simple recurrent network with rectifiers"},
};

/// In the order of the names.
template <class T>
constexpr Make<T> makers[] = {
    make<Lstm<T>>, make<LstmLinear<T>>,     make<Lstm1997<T>>, make<LstmPeephole<T>>, make<LstmCoupled<T>>,
    make<Gru<T>>,  make<GruResetBefore<T>>, make<RnnTanh<T>>,  make<RnnRelu<T>>,
};
static_assert(std::size(makers<double>) == std::size(names));

}  // namespace

std::span<const CellName> cell_names() {
  return names;
}

template <class T>
AnyCell<T> make_cell(std::string_view name, Scope<T> p, Index in, Index hidden, const CellOptions<T>& options) {
  std::string known;
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if (names[i].name == name) return makers<T>[i](p, in, hidden, options);
    known += (i == 0 ? "" : ", ") + std::string(names[i].name);
  }
  wrong_argument("cell: there is no ", name, ": must be one of ", known);
}

template AnyCell<float> make_cell(std::string_view, Scope<float>, Index, Index, const CellOptions<float>&);
template AnyCell<double> make_cell(std::string_view, Scope<double>, Index, Index, const CellOptions<double>&);

}  // namespace carousel
