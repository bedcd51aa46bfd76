#pragma once
/// How an expression becomes a node: the loops over memory that expression.hpp promises.

#include <carousel/lib/tape/tree.hpp>

namespace carousel::detail {

// ---- what is known when it is recorded ----------------------------------------------------------------------------------------

/// A leaf of a statement: where its elements lie as the loops run over the result.
template <class T>
struct Leaf {
  const T* value;
  Index row_stride;  // 0: the same for every row
  std::uint32_t node;
  bool spread;   // one element serves a whole row
  bool smaller;  // it is broadcast
  bool copied;   // it was copied, to have unit stride

  /// Of the elements, as the loops see them.
  Strides strides(const Node<T>& of) const { return copied ? contiguous(of.shape) : of.strides; }
  /// Elements of memory from the first to the last, as the loops see them.
  Index extent(const Node<T>& of) const { return copied ? of.layout.size : of.layout.extent; }
};

/// Loops around the rows, for what two axes can not say.
struct Outer {
  Index count;
  int rank;
  Index extent[max_rank];
  const Strides* strides;  // of each leaf
};

/// The loops of a statement: `outer` times `rows` rows of `columns` elements.
struct Loops {
  Index rows, columns;
  const Outer* outer;  // null: once
};

/// Most operands of one statement.
inline constexpr std::size_t most_operands = 32;

/// The shape that a and b broadcast to by NumPy's rules; throws std::invalid_argument for `op` when they do not.
Shape broadcast(const char* op, const Shape& a, const Shape& b);

/// Fills in loops and leaves (whose nodes are set) for a result of that shape.
template <class T>
Loops plan(Tape<T>& tape, const Shape& shape, Leaf<T>* leaves, std::size_t count);

/// Adds an array of the node's shape to its gradient.
template <class T>
void add_to_gradient(Tape<T>& tape, std::uint32_t index, const T* from, const Strides& strides);
/// Adds a packed array of the node's shape to its gradient.
template <class T>
void add_to_gradient(Tape<T>& tape, std::uint32_t index, const T* packed) {
  add_to_gradient(tape, index, packed, contiguous(tape.node(index).shape));
}

/// may_overlap() for two different nodes whose values lie in the same part of memory.
template <class T>
bool views_may_overlap(Tape<T>& tape, std::uint32_t a, std::uint32_t b);

/// Whether two different nodes have gradients that may share memory: one is a view of the other, or both of a third in which they
/// may overlap.
template <class T>
bool may_overlap(Tape<T>& tape, std::uint32_t index_a, std::uint32_t index_b) {
  const Node<T>&a = tape.node(index_a), &b = tape.node(index_b);
  if (index_a == index_b || a.value + a.layout.extent <= b.value || b.value + b.layout.extent <= a.value) return false;
  if (!a.needs_gradient || !b.needs_gradient) return false;
  if (a.parent == b.parent && a.is_member && b.is_member) return false;
  return views_may_overlap(tape, index_a, index_b);
}

/// The shape of an expression; `uniform` becomes false if a part of it is smaller than the whole.
template <class T>
Shape shape_of(Tape<T>& tape, const Var<T>& v, bool&) {
  return tape.node(v).shape;
}
template <class T>
Shape shape_of(Tape<T>&, const Constant<T>&, bool&) {
  return {};
}
template <class T, class Op, class... Args>
Shape shape_of(Tape<T>& tape, const Expression<T, Op, Args...>& e, bool& uniform) {
  const auto parts = std::apply([&](const Args&... args) { return std::array{shape_of(tape, args, uniform)...}; }, e.args);
  Shape shape = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) shape = broadcast(e.op.name, shape, parts[i]);
  constexpr bool nested[] = {is_expression<Args>...};
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (nested[i] && !(parts[i] == shape)) uniform = false;
  return shape;
}

// ---- the loops ----------------------------------------------------------------------------------------------------------------

template <class T, class E>
struct Statement {
  static constexpr std::size_t count = Leaves<E>::value;
  static_assert(count <= most_operands, "more than 32 operands in one statement: name a part of it");
  static_assert(count > 0);

  E expression;
  Loops loops;
  Leaf<T> leaves[count];

  /// Calls row_block(offset of the result, offsets of the leaves) for each pass of the outer loops.
  template <class F>
  void for_each_block(F row_block) const {
    Index at[max_rank] = {}, offset[count] = {};
    const Outer& outer = *loops.outer;
    for (Index block = 0; block < outer.count; ++block) {
      row_block(block * loops.rows * loops.columns, offset);
      for (int axis = outer.rank - 1; axis >= 0; --axis) {
        const auto a = static_cast<std::size_t>(axis);
        for (std::size_t k = 0; k < count; ++k) offset[k] += outer.strides[k][a];
        if (++at[a] < outer.extent[a]) break;
        for (std::size_t k = 0; k < count; ++k) offset[k] -= outer.strides[k][a] * outer.extent[a];
        at[a] = 0;
      }
    }
  }

  /// The row of a leaf, or a register full of its one element: `from + (j & mask)` is where column j is read.
  struct Source {
    const T* from;
    Index mask;
  };

  Source source(std::size_t k, Index offset, Index row, T* room) const {
    const T* from = leaves[k].value + offset + row * leaves[k].row_stride;
    if (!leaves[k].spread) return {from, ~Index{0}};
    simd::store(room, Lane<T>(*from));
    return {room, 0};
  }

  void forward(T* out) const {
    if (loops.outer) {
      for_each_block([&](Index to, const Index* offset) { forward_rows(out + to, offset); });
    } else {
      constexpr Index offset[count] = {};
      forward_rows(out, offset);
    }
  }

  void forward_rows(T* out, const Index* offset) const {
    constexpr Index width = simd::width<T>;
    alignas(64) T room[count][static_cast<std::size_t>(width)];
    Source from[count];
    Lane<T> leaf[count];
    const Index rows = loops.rows, columns = loops.columns;  // which a store might change, for all that the compiler knows
    for (Index row = 0; row < rows; ++row, out += columns) {
      for (std::size_t k = 0; k < count; ++k) from[k] = source(k, offset[k], row, room[k]);
      Index j = 0;
      for (; j + width <= columns; j += width) {
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load(from[k].from + (j & from[k].mask));
        simd::store(out + j, Evaluated<T, E, 0>(expression, leaf).y);
      }
      if (const Index rest = columns - j) {
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load_some(from[k].from + (j & from[k].mask), rest);
        simd::store_some(out + j, Evaluated<T, E, 0>(expression, leaf).y, rest);
      }
    }
  }

  /// Where the gradient of a leaf goes: nowhere, assigned, or added to what is there.
  struct Target {
    T* to = nullptr;
    Index mask = 0;
    bool add = false;
  };

  template <bool Whole>
  struct Sink {
    const Target* target;
    Index j, rest;
    template <std::size_t K>
    void add(Lane<T> d) {
      if (!target[K].to) return;
      T* to = target[K].to + (j & target[K].mask);
      if constexpr (Whole)
        simd::store(to, target[K].add ? simd::load(to) + d : d);
      else
        simd::store_some(to, target[K].add ? simd::load_some(to, rest) + d : d, rest);
    }
  };

  void backward_rows(const T* dy, const Index* offset, T* const* grad, const bool* add) const {
    constexpr Index width = simd::width<T>;
    alignas(64) T room[count][static_cast<std::size_t>(width)], sums[count][static_cast<std::size_t>(width)];
    Source from[count];
    Target target[count];
    Lane<T> leaf[count];
    const Index rows = loops.rows, columns = loops.columns;
    for (Index row = 0; row < rows; ++row, dy += columns) {
      for (std::size_t k = 0; k < count; ++k) {
        from[k] = source(k, offset[k], row, room[k]);
        if (!grad[k]) continue;
        if (leaves[k].spread) {
          simd::store(sums[k], Lane<T>(T(0)));
          target[k] = {sums[k], 0, true};
        } else {
          target[k] = {grad[k] + offset[k] + row * leaves[k].row_stride, ~Index{0}, add[k]};
        }
      }
      Index j = 0;
      for (; j + width <= columns; j += width) {
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load(from[k].from + (j & from[k].mask));
        Sink<true> sink{target, j, width};
        Evaluated<T, E, 0>(expression, leaf).pull(expression, simd::load(dy + j), sink);
      }
      if (const Index rest = columns - j) {
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load_some(from[k].from + (j & from[k].mask), rest);
        Sink<false> sink{target, j, rest};
        Evaluated<T, E, 0>(expression, leaf).pull(expression, simd::load_some(dy + j, rest), sink);
      }
      for (std::size_t k = 0; k < count; ++k)
        if (grad[k] && leaves[k].spread) grad[k][offset[k] + row * leaves[k].row_stride] += simd::sum(simd::load(sums[k]));
    }
  }

  /// The leaves in the order in which gradients reach them.
  static constexpr auto order = [] {
    std::array<std::size_t, count> order{};
    Evaluated<T, E, 0>::order(order.data());
    return order;
  }();

  /// Finds the leaves whose gradients are summed apart and added when the loops are done: those that are broadcast, those that
  /// were copied, and those of which another node reaches a part too, for its turn may come before.
  void find_apart(Tape<T>& tape, bool* apart) const {
    for (std::size_t k = 0; k < count; ++k) {
      apart[k] |= leaves[k].smaller || leaves[k].copied;
      for (std::size_t other = 0; other < k; ++other)
        if (may_overlap(tape, leaves[k].node, leaves[other].node)) apart[k] = apart[other] = true;
    }
  }

  static void describe(const void* closure, Description& to) {
    const auto& s = *static_cast<const Statement*>(closure);
    for (const Leaf<T>& leaf : s.leaves) to.add(leaf.node);
    describe_formula(s.expression, to.formula);
  }

  static void backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
    const auto& s = *static_cast<const Statement*>(closure);
    Scratch scratch(tape.arena());
    T* grad[count] = {};
    bool add[count] = {}, apart[count] = {};
    s.find_apart(tape, apart);
    for (const std::size_t k : order) {
      const Leaf<T>& leaf = s.leaves[k];
      if (!tape.node(leaf.node).needs_gradient) continue;
      if (apart[k]) {
        const Index extent = leaf.extent(tape.node(leaf.node));
        grad[k] = scratch.template take<T>(extent);
        add[k] = leaf.smaller;
        if (leaf.smaller) std::fill_n(grad[k], extent, T(0));
      } else {
        add[k] = tape.claim(leaf.node);
        grad[k] = tape.gradient_buffer(leaf.node);
      }
    }
    const T* dy = tape.gradient_buffer(self);
    if (s.loops.outer) {
      s.for_each_block([&](Index from, const Index* offset) { s.backward_rows(dy + from, offset, grad, add); });
    } else {
      constexpr Index offset[count] = {};
      s.backward_rows(dy, offset, grad, add);
    }
    for (const std::size_t k : order)
      if (grad[k] && apart[k])
        add_to_gradient<T>(tape, s.leaves[k].node, grad[k], s.leaves[k].strides(tape.node(s.leaves[k].node)));
  }
};

template <class T, class Op, class... Args>
Var<T> record(const Expression<T, Op, Args...>& e);
template <class T, class Op, class... Args>
Var<T> record_composed(const Expression<T, Op, Args...>& e);

template <class T>
Var<T> recorded_operand(const Var<T>& v) {
  return v;
}
template <class T>
Constant<T> recorded_operand(const Constant<T>& c) {
  return c;
}
template <class T, class Op, class... Args>
Var<T> recorded_operand(const Expression<T, Op, Args...>& e) {
  return record_composed(e);  // not record(): that would compile loops for every part of every statement
}

/// Records a tree one operation at a time, operands from left to right.
template <class T, class Op, class... Args>
Var<T> record_composed(const Expression<T, Op, Args...>& e) {
  return std::apply(
      [&](const Args&... args) {
        const std::tuple<decltype(recorded_operand(args))...> operands{recorded_operand(args)...};
        return std::apply([&](auto... operand) { return record(Expression<T, Op, decltype(operand)...>(e.op, operand...)); },
                          operands);
      },
      e.args);
}

template <class T, class Op, class... Args>
Var<T> record(const Expression<T, Op, Args...>& e) {
  using E = Expression<T, Op, Args...>;
  constexpr bool nested = (is_expression<Args> || ...);
  using S = Statement<T, E>;
  static_assert(std::is_trivially_destructible_v<S>);
  Tape<T>& tape = Tape<T>::active();
  S& statement = *new (tape.arena().take(sizeof(S))) S{e, {}, {}};
  constexpr std::size_t count = S::count;

  Var<T> vars[count];
  collect(e, vars);
  const Node<T>& first = tape.node(vars[0]);
  bool needs_gradient = false, alike = true;
  for (std::size_t k = 0; k < count; ++k) {
    const Node<T>& node = tape.node(vars[k]);
    needs_gradient |= node.needs_gradient;
    alike &= node.layout.packed && node.shape == first.shape;
    statement.leaves[k] = {node.value, 0, vars[k].index(), false, false, false};
  }
  if constexpr (nested)
    if (tape.composed) return record_composed(e);

  const Layout* layout = &first.layout;
  if (alike) {
    statement.loops = {1, layout->size, nullptr};
  } else {
    bool uniform = true;
    const Shape shape = shape_of(tape, e, uniform);
    if constexpr (nested)
      if (!uniform) return record_composed(e);
    statement.loops = plan(tape, shape, statement.leaves, count);
    layout = &tape.layout(shape);
  }
  const Var<T> result = tape.record(*layout, needs_gradient && tape.recording());
  statement.forward(tape.node(result.index()).value);
  static const Operation<T> operation{nested ? "fused" : e.op.name, &S::backward, &S::describe};
  tape.set_backward_in_place(result, operation, &statement);
  return result;
}

extern template Loops plan(Tape<float>&, const Shape&, Leaf<float>*, std::size_t);
extern template Loops plan(Tape<double>&, const Shape&, Leaf<double>*, std::size_t);
extern template void add_to_gradient(Tape<float>&, std::uint32_t, const float*, const Strides&);
extern template void add_to_gradient(Tape<double>&, std::uint32_t, const double*, const Strides&);
extern template bool views_may_overlap(Tape<float>&, std::uint32_t, std::uint32_t);
extern template bool views_may_overlap(Tape<double>&, std::uint32_t, std::uint32_t);

}  // namespace carousel::detail

namespace carousel {

template <class T>
template <class E>
requires detail::ExpressionOf<std::remove_cvref_t<E>, T> Var<T>::Var(E&& expression) : Var(detail::record(expression)) {
  static_assert(!detail::is_named_expression<E>(),
                "an expression held by auto would be computed again at each use: name it Var<T>");
}

template <class T, class Op, class... Args>
Var(detail::Expression<T, Op, Args...>) -> Var<T>;
template <class T>
Var(Param<T>) -> Var<T>;

}  // namespace carousel
