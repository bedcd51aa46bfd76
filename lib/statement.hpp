#pragma once
/// How an expression becomes a node: the loops over memory that expression.hpp promises.

#include <carousel/lib/expression.hpp>

namespace carousel::detail {

// ---- what the compiler knows of a tree ----------------------------------------------------------------------------------------

template <class A>
inline constexpr bool is_expression = std::derived_from<A, AnyExpression>;

template <class A>
struct Leaves : std::integral_constant<std::size_t, 0> {};
template <class T>
struct Leaves<Var<T>> : std::integral_constant<std::size_t, 1> {};
template <class T, class Op, class... Args>
struct Leaves<Expression<T, Op, Args...>> : std::integral_constant<std::size_t, (0 + ... + Leaves<Args>::value)> {};

/// Whether the tree has more than one operation.
template <class T, class Op, class... Args>
constexpr bool is_nested(const Expression<T, Op, Args...>*) {
  return (is_expression<Args> || ...);
}

template <class T>
Var<T>* collect(const Var<T>& v, Var<T>* out) {
  *out = v;
  return out + 1;
}
template <class T>
Var<T>* collect(const Constant<T>&, Var<T>* out) {
  return out;
}
template <class T, class Op, class... Args>
Var<T>* collect(const Expression<T, Op, Args...>& e, Var<T>* out) {
  std::apply([&](const Args&... args) { ((out = collect(args, out)), ...); }, e.args);
  return out;
}

/// The values of a tree, one register each, and the way of an adjoint down it. `First` is the number of leaves left of it.
template <class T, class A, std::size_t First>
struct Evaluated;

template <class T, std::size_t First>
struct Evaluated<T, Var<T>, First> {
  Lane<T> y;
  Evaluated(const Var<T>&, const Lane<T>* leaf) : y(leaf[First]) {}
};

template <class T, std::size_t First>
struct Evaluated<T, Constant<T>, First> {
  Lane<T> y;
  Evaluated(const Constant<T>& c, const Lane<T>*) : y(c.value) {}
};

template <class T, class Op, class... Args, std::size_t First>
struct Evaluated<T, Expression<T, Op, Args...>, First> {
  using E = Expression<T, Op, Args...>;

  /// Number of leaves left of argument I.
  template <std::size_t I>
  static constexpr std::size_t before() {
    constexpr std::size_t counts[] = {Leaves<Args>::value...};
    std::size_t sum = First;
    for (std::size_t i = 0; i < I; ++i) sum += counts[i];
    return sum;
  }
  template <class Indices>
  struct Children;
  template <std::size_t... I>
  struct Children<std::index_sequence<I...>> {
    using type = std::tuple<Evaluated<T, Args, before<I>()>...>;
  };
  using Indices = std::index_sequence_for<Args...>;

  typename Children<Indices>::type children;
  Lane<T> y;

  Evaluated(const E& e, const Lane<T>* leaf) : Evaluated(e, leaf, Indices()) {}
  template <std::size_t... I>
  Evaluated(const E& e, const Lane<T>* leaf, std::index_sequence<I...>)
      : children(std::tuple_element_t<I, decltype(children)>(std::get<I>(e.args), leaf)...), y(e.op.value(std::get<I>(children).y...)) {}

  /// Sends dy down: first to the leaves of this operation, left to right, then into its operands from the right, which is the
  /// order of a tape with one node per operation.
  template <class Sink>
  void pull(const E& e, Lane<T> dy, Sink& sink) const {
    pull(e, dy, sink, Indices());
  }
  template <class Sink, std::size_t... I>
  void pull(const E& e, Lane<T> dy, Sink& sink, std::index_sequence<I...>) const {
    const auto d = as_tuple(e.op.gradient(dy, y, std::get<I>(children).y...));
    (to_leaf<I>(std::get<I>(d), sink), ...);
    constexpr std::size_t last = sizeof...(I) - 1;
    (to_operand<last - I>(e, std::get<last - I>(d), sink), ...);
  }

 private:
  static std::tuple<Lane<T>> as_tuple(Lane<T> d) { return d; }
  template <class... L>
  static std::tuple<L...> as_tuple(std::tuple<L...> d) {
    return d;
  }
  template <std::size_t I, class Sink>
  static void to_leaf(Lane<T> d, Sink& sink) {
    if constexpr (std::is_same_v<std::tuple_element_t<I, std::tuple<Args...>>, Var<T>>) sink.template add<before<I>()>(d);
  }
  template <std::size_t I, class Sink>
  void to_operand(const E& e, Lane<T> d, Sink& sink) const {
    if constexpr (is_expression<std::tuple_element_t<I, std::tuple<Args...>>>) std::get<I>(children).pull(std::get<I>(e.args), d, sink);
  }
};

// ---- what is known when it is recorded ----------------------------------------------------------------------------------------

/// A leaf of a statement: where its elements lie as the loops run over the result.
template <class T>
struct Leaf {
  const T* value;
  Index row_stride;    // 0: the same for every row
  std::uint32_t node;
  bool spread;         // one element serves a whole row
  bool indirect;       // its gradient is summed apart and then added: it is broadcast, or it was copied to have unit stride
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

/// The shape that a and b broadcast to by NumPy's rules; throws std::invalid_argument for `op` when they do not.
Shape broadcast(const char* op, const Shape& a, const Shape& b);

/// Fills in loops and leaves (whose nodes are set) for a result of that shape.
template <class T>
Loops plan(Tape<T>& tape, const Shape& shape, Leaf<T>* leaves, std::size_t count);

/// Adds a packed array of the node's shape to its gradient.
template <class T>
void add_to_gradient(Tape<T>& tape, std::uint32_t index, const T* packed);

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
    for (Index row = 0; row < loops.rows; ++row, out += loops.columns) {
      for (std::size_t k = 0; k < count; ++k) from[k] = source(k, offset[k], row, room[k]);
      Index j = 0;
      for (; j + width <= loops.columns; j += width) {
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load(from[k].from + (j & from[k].mask));
        simd::store(out + j, Evaluated<T, E, 0>(expression, leaf).y);
      }
      if (const Index rest = loops.columns - j) {
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
    for (Index row = 0; row < loops.rows; ++row, dy += loops.columns) {
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
      for (; j + width <= loops.columns; j += width) {
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load(from[k].from + (j & from[k].mask));
        Sink<true> sink{target, j, width};
        Evaluated<T, E, 0>(expression, leaf).pull(expression, simd::load(dy + j), sink);
      }
      if (const Index rest = loops.columns - j) {
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load_some(from[k].from + (j & from[k].mask), rest);
        Sink<false> sink{target, j, rest};
        Evaluated<T, E, 0>(expression, leaf).pull(expression, simd::load_some(dy + j, rest), sink);
      }
      for (std::size_t k = 0; k < count; ++k)
        if (grad[k] && leaves[k].spread) grad[k][offset[k] + row * leaves[k].row_stride] += simd::sum(simd::load(sums[k]));
    }
  }

  static void backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
    const auto& s = *static_cast<const Statement*>(closure);
    const Arena::Mark mark = tape.arena().mark();
    T* grad[count] = {};
    bool add[count] = {};
    // Views first: they fill their parent with zeros, which must not come after the parent's own claim.
    for (const bool views : {true, false})
      for (std::size_t k = 0; k < count; ++k) {
        const Leaf<T>& leaf = s.leaves[k];
        const Node<T>& node = tape.node(leaf.node);
        if (!node.needs_gradient || node.is_view() != views) continue;
        if (leaf.indirect) {
          const Index size = node.shape.size();
          grad[k] = tape.arena().template take<T>(size);
          std::fill_n(grad[k], size, T(0));
          add[k] = true;
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
    s.add_indirect(tape, grad, s.expression, std::integral_constant<std::size_t, 0>());
    tape.arena().rewind(mark);
  }

  /// Adds the gradients that were summed apart, in the order of Evaluated::pull.
  template <std::size_t First, class Op, class... Args>
  void add_indirect(Tape<T>& tape, T* const* grad, const Expression<T, Op, Args...>& e,
                    std::integral_constant<std::size_t, First>) const {
    using Tree = Evaluated<T, Expression<T, Op, Args...>, First>;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      constexpr std::size_t last = sizeof...(I) - 1;
      (
          [&] {
            constexpr std::size_t k = Tree::template before<I>();
            if constexpr (std::is_same_v<std::tuple_element_t<I, std::tuple<Args...>>, Var<T>>)
              if (grad[k] && leaves[k].indirect) add_to_gradient(tape, leaves[k].node, grad[k]);
          }(),
          ...);
      (
          [&] {
            if constexpr (is_expression<std::tuple_element_t<last - I, std::tuple<Args...>>>)
              add_indirect(tape, grad, std::get<last - I>(e.args),
                           std::integral_constant<std::size_t, Tree::template before<last - I>()>());
          }(),
          ...);
    }(std::index_sequence_for<Args...>());
  }
};

template <class T, class Op, class... Args>
Var<T> record(const Expression<T, Op, Args...>& e);

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
  return record(e);
}

/// Records a tree one operation at a time, operands from left to right.
template <class T, class Op, class... Args>
Var<T> record_composed(const Expression<T, Op, Args...>& e) {
  return std::apply(
      [&](const Args&... args) {
        const std::tuple<decltype(recorded_operand(args))...> operands{recorded_operand(args)...};
        return std::apply([&](auto... operand) { return record(Expression<T, Op, decltype(operand)...>(e.op, operand...)); }, operands);
      },
      e.args);
}

template <class T, class Op, class... Args>
Var<T> record(const Expression<T, Op, Args...>& e) {
  using E = Expression<T, Op, Args...>;
  constexpr bool nested = (is_expression<Args> || ...);
  Tape<T>& tape = Tape<T>::active();
  Statement<T, E> statement{e, {}, {}};
  constexpr std::size_t count = Statement<T, E>::count;

  Var<T> vars[count];
  collect(e, vars);
  const Node<T>& first = tape.node(vars[0]);
  bool needs_gradient = false, alike = true;
  for (std::size_t k = 0; k < count; ++k) {
    const Node<T>& node = tape.node(vars[k]);
    needs_gradient |= node.needs_gradient;
    alike &= node.packed && node.shape == first.shape;
    statement.leaves[k] = {node.value, 0, vars[k].index(), false, false};
  }
  if constexpr (nested)
    if (tape.composed) return record_composed(e);

  Shape shape = first.shape;
  if (alike) {
    statement.loops = {1, shape.size(), nullptr};
  } else {
    bool uniform = true;
    shape = shape_of(tape, e, uniform);
    if constexpr (nested)
      if (!uniform) return record_composed(e);
    statement.loops = plan(tape, shape, statement.leaves, count);
  }
  const Var<T> result = tape.record(shape, needs_gradient && tape.recording());
  statement.forward(tape.node(result.index()).value);
  static constexpr auto backward = &Statement<T, E>::backward;
  static const Operation<T> operation{nested ? "fused" : e.op.name, backward};
  tape.set_backward(result, operation, statement);
  return result;
}

extern template Loops plan(Tape<float>&, const Shape&, Leaf<float>*, std::size_t);
extern template Loops plan(Tape<double>&, const Shape&, Leaf<double>*, std::size_t);
extern template void add_to_gradient(Tape<float>&, std::uint32_t, const float*);
extern template void add_to_gradient(Tape<double>&, std::uint32_t, const double*);

}  // namespace carousel::detail

namespace carousel {

template <class T>
template <class E>
  requires(!std::is_lvalue_reference_v<E> && detail::ExpressionOf<E, T>)
Var<T>::Var(E&& expression) : Var(detail::record(expression)) {}

template <class T, class Op, class... Args>
Var(detail::Expression<T, Op, Args...>) -> Var<T>;
template <class T>
Var(Param<T>) -> Var<T>;

}  // namespace carousel
