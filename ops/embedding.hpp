#pragma once
/// Rows of a table by their numbers.

#include <ranges>

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

namespace detail {
/// Looks up ids that lie in the tape's memory.
template <class T>
Var<T> embed(Var<T> table, std::span<const Index> ids, const Shape& leading);
extern template Var<float> embed(Var<float>, std::span<const Index>, const Shape&);
extern template Var<double> embed(Var<double>, std::span<const Index>, const Shape&);
}  // namespace detail

/// The rows of a table that ids name: y[i, :] = table[ids[i], :].
///   table: [rows, dim]
///   ids: as many numbers as `leading` has places, in row-major order; copied
///   result: [leading..., dim]
/// The gradient of the table is the sum of those of its uses, in the order of the ids. Throws std::invalid_argument for an id
/// outside the table.
template <class Table, std::ranges::sized_range Ids>
requires detail::Operands<Table> && std::integral<std::ranges::range_value_t<Ids>>
auto embed(Table&& table, const Ids& ids, const Shape& leading) {
  using T = detail::scalar_of_t<Table>;
  const Var<T> rows(std::forward<Table>(table));
  const auto count = static_cast<Index>(std::ranges::size(ids));
  Index* const copy = Tape<T>::active().arena().template take<Index>(count);
  Index* to = copy;
  for (const auto id : ids) *to++ = static_cast<Index>(id);
  return detail::embed(rows, std::span<const Index>(copy, static_cast<std::size_t>(count)), leading);
}
/// The same for a list of ids: the result is [ids, dim].
template <class Table, std::ranges::sized_range Ids>
requires detail::Operands<Table> && std::integral<std::ranges::range_value_t<Ids>>
auto embed(Table&& table, const Ids& ids) {
  return embed(std::forward<Table>(table), ids, {static_cast<Index>(std::ranges::size(ids))});
}

}  // namespace carousel
