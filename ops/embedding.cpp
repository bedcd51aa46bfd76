#include <carousel/ops/embedding.hpp>

#include <algorithm>

#include <carousel/lib/numbers/wide_sums.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel::detail {

namespace {

struct Lookup {
  std::uint32_t table;
  const Index* ids;
  Index count;
};

template <class T>
void embed_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& lookup = *static_cast<const Lookup*>(closure);
  tape.complete(lookup.table);  // rows that no id names receive zero
  const T* dy = tape.gradient_buffer(self);
  T* const grad = tape.gradient_buffer(lookup.table);
  const Index dim = tape.node(lookup.table).shape[1];
  const auto add = [dim](T* to, const T* row) {
    for (Index j = 0; j < dim; ++j) to[j] += row[j];
  };
  Scratch scratch(tape.arena());
  add_by_id<T>(
      scratch, lookup.ids, lookup.count, tape.node(lookup.table).shape[0], dim,
      [&](Index id, Index i) { add(grad + id * dim, dy + i * dim); }, [&](T* sums, Index i) { add(sums, dy + i * dim); },
      [&](Index id, const T* sums) { add(grad + id * dim, sums); });
}

template <class T>
constexpr Operation<T> embed_operation{"embed", &embed_backward<T>, &described<&Lookup::table>};

}  // namespace

template <class T>
Var<T> embed(Var<T> table, std::span<const Index> ids, const Shape& leading) {
  Tape<T>& tape = Tape<T>::active();
  table = packed(table);
  Shape shape = tape.node(table).shape;
  const auto count = static_cast<Index>(ids.size());
  if (shape.rank() != 2) wrong_argument("embed: table is ", shape, ": must have two axes");
  if (leading.size() != count) wrong_argument("embed: ", count, " ids for ", leading, ": must be ", leading.size());
  const Index rows = shape[0], dim = shape[1];
  for (Index i = 0; i < count; ++i)
    if (const Index id = ids[static_cast<std::size_t>(i)]; id < 0 || id >= rows)
      wrong_argument("embed: id ", id, " at position ", i, " is outside a table of ", rows, " rows");
  shape = leading;
  shape.push_back(dim);
  const Var<T> out = tape.record(shape, tape.needs_gradient(table));
  const T* from = tape.node(table).value;
  T* to = tape.node(out).value;
  for (Index i = 0; i < count; ++i, to += dim) std::copy_n(from + ids[static_cast<std::size_t>(i)] * dim, dim, to);
  tape.set_backward(out, embed_operation<T>, Lookup{table.index(), ids.data(), count});
  return out;
}

template Var<float> embed(Var<float>, std::span<const Index>, const Shape&);
template Var<double> embed(Var<double>, std::span<const Index>, const Shape&);

}  // namespace carousel::detail
