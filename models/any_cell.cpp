#include <carousel/models/any_cell.hpp>

#include <carousel/models/lstm.hpp>

namespace carousel {

namespace {

template <class T>
struct Maker {
  CellName cell;
  AnyCell<T> (*make)(Scope<T> p, Index in, Index hidden);
};

template <class T>
constexpr Maker<T> makers[] = {
    {{"lstm", "LSTM with forget gate, h = o∘tanh(c)"},
     [](Scope<T> p, Index in, Index hidden) -> AnyCell<T> { return Lstm<T>(p, in, hidden); }},
};

constexpr std::size_t cells = std::size(makers<double>);

}  // namespace

std::span<const CellName> cell_names() {
  static constexpr auto names = [] {
    std::array<CellName, cells> all{};
    for (std::size_t i = 0; i < cells; ++i) all[i] = makers<double>[i].cell;
    return all;
  }();
  return names;
}

template <class T>
AnyCell<T> make_cell(std::string_view name, Scope<T> p, Index in, Index hidden) {
  std::string names;
  for (const Maker<T>& maker : makers<T>) {
    if (maker.cell.name == name) return maker.make(p, in, hidden);
    names += (names.empty() ? "" : ", ") + std::string(maker.cell.name);
  }
  wrong_argument("cell: there is no ", name, ": must be one of ", names);
}

template AnyCell<float> make_cell(std::string_view, Scope<float>, Index, Index);
template AnyCell<double> make_cell(std::string_view, Scope<double>, Index, Index);

}  // namespace carousel
