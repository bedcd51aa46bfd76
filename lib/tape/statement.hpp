#pragma once
/// How an expression becomes a node: the loops over memory that expression.hpp promises.

#include <algorithm>

#include <carousel/lib/numbers/wide_sums.hpp>
#include <carousel/lib/tape/tree.hpp>

namespace carousel::detail {

/// A leaf of a statement: where its elements lie as the loops run over the result.
template <class T>
struct Leaf {
  const T* value;
  Index row_stride;  // 0: the same for every row
  std::uint32_t node;
  bool spread;   // one element serves a whole row
  bool smaller;  // it is broadcast
  bool copied;   // it was copied, to have unit stride
};

/// Loops around the rows, for shapes that two axes cannot describe.
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

/// What is known of a statement without its type.
template <class T>
struct StatementType {
  std::size_t operands, symbols;
  const std::size_t* order;  // the leaves in the order in which gradients reach them
  void (*formula)(const void* expression, Symbol* out);
};

/// Makes the node of a statement, and fills in how the loops go over its leaves. A Var of serial 0, which no tape has: a part of
/// the formula is smaller than the whole.
template <class T>
Var<T> begin_statement(Tape<T>& tape, const StatementType<T>& type, const void* expression, const Var<T>* vars, Leaf<T>* leaves,
                       Loops& loops);
/// Adds its nodes and its symbols.
template <class T>
void describe_statement(const StatementType<T>& type, const void* expression, const Leaf<T>* leaves, Description& to);

/// Where the gradient of a leaf is summed.
template <class T>
struct LeafGradient {
  T* to;              // null: nowhere
  WideSums<T>* sums;  // of what many elements of the result send to one; null: the leaf is not broadcast
  bool add;           // to what is there already
  bool apart;         // in memory of its own, and added to the node's when the loops are done
};

/// Whether any leaf is summed apart, and any is broadcast.
struct Sending {
  bool apart, broadcast;
};

/// Finds where the gradient of each leaf is summed, with memory from `scratch`.
template <class T>
Sending take_gradients(Tape<T>& tape, const StatementType<T>& type, const Leaf<T>* leaves, Scratch& scratch,
                       LeafGradient<T>* gradients);
/// Says that so many rows were sent.
template <class T>
void rows_sent(const StatementType<T>& type, LeafGradient<T>* gradients, Index rows);
/// Adds what was summed apart.
template <class T>
void give_gradients(Tape<T>& tape, const StatementType<T>& type, const Leaf<T>* leaves, LeafGradient<T>* gradients);

/// Moves to the next pass of the outer loops: `at` counts them, `offset` is where each leaf lies then.
void next_block(const Outer& outer, std::size_t leaves, Index* at, Index* offset);

/// Adds an array of the node's shape to its gradient.
template <class T>
void add_to_gradient(Tape<T>& tape, std::uint32_t index, const T* from, const Strides& strides);
/// Adds a packed array of the node's shape to its gradient.
template <class T>
void add_to_gradient(Tape<T>& tape, std::uint32_t index, const T* packed) {
  add_to_gradient(tape, index, packed, contiguous(tape.node(index).shape));
}

template <class T, class E>
struct Statement {
  static constexpr std::size_t count = Leaves<E>::value;
  static_assert(count <= most_operands, "more than 32 operands in one statement: name a part of it");
  static_assert(count > 0);

  E expression;
  Loops loops;
  Leaf<T> leaves[count];

  explicit Statement(const E& e) : expression(e) {}

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

  /// Calls block(offset of the result, offsets of the leaves, first row, number of rows) for each pass of the outer loops, so
  /// many rows at a time.
  template <class F>
  void for_each_block(Index most_rows, F block) const {
    Index offset[count] = {};
    Index at[max_rank] = {};
    const Index passes = loops.outer ? loops.outer->count : 1;
    for (Index done = 0; done < passes; ++done) {
      for (Index row = 0; row < loops.rows; row += most_rows)
        block((done * loops.rows + row) * loops.columns, offset, row, std::min(most_rows, loops.rows - row));
      if (loops.outer) next_block(*loops.outer, count, at, offset);
    }
  }

  void forward(T* out) const {
    constexpr Index here[count] = {};
    if (!loops.outer) return forward_rows(out, here);
    for_each_block(loops.rows, [&](Index to, const Index* offset, Index, Index) { forward_rows(out + to, offset); });
  }

  [[gnu::noinline]] void forward_rows(T* out, const Index* offset) const {
    constexpr Index width = simd::width<T>;
    alignas(64) T room[count][static_cast<std::size_t>(width)];
    Source from[count];
    Lane<T> leaf[count];
    const Index rows = loops.rows, columns = loops.columns;  // which a store might change, for all that the compiler knows
    for (Index row = 0; row < rows; ++row, out += columns) {
      for (std::size_t k = 0; k < count; ++k) from[k] = source(k, offset[k], row, room[k]);
      for (Index j = 0; j < columns; j += width) {
        const Index rest = columns - j;
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load_first(from[k].from + (j & from[k].mask), rest);
        simd::store_first(out + j, Evaluated<T, E, 0>(expression, leaf).y, rest);
      }
    }
  }

  /// Where the gradient of a leaf goes: nowhere, assigned, or added to what is there.
  struct Target {
    T* to = nullptr;
    Index mask = 0;
    bool add = false;
  };

  /// What takes the gradients of the leaves for the columns from j on, of which `rest` are left.
  struct Sink {
    const Target* target;
    Index j, rest;
    template <std::size_t K>
    void add(Lane<T> d) {
      if (!target[K].to) return;
      T* to = target[K].to + (j & target[K].mask);
      simd::store_first(to, target[K].add ? simd::load_first(to, rest) + d : d, rest);
    }
  };

  [[gnu::noinline]] void backward_rows(const T* dy, const Index* offset, Index row, Index rows,
                                       const LeafGradient<T>* gradients) const {
    constexpr Index width = simd::width<T>;
    alignas(64) T room[count][static_cast<std::size_t>(width)], sums[count][static_cast<std::size_t>(width)];
    Source from[count];
    Target target[count];
    Lane<T> leaf[count];
    const Index columns = loops.columns;
    for (const Index last = row + rows; row < last; ++row, dy += columns) {
      double spread[count] = {};
      for (std::size_t k = 0; k < count; ++k) {
        from[k] = source(k, offset[k], row, room[k]);
        if (!gradients[k].to) continue;
        if (leaves[k].spread) {
          simd::store(sums[k], Lane<T>(T(0)));
          target[k] = {sums[k], 0, true};
        } else {
          target[k] = {gradients[k].to + offset[k] + row * leaves[k].row_stride, ~Index{0}, gradients[k].add};
        }
      }
      for (Index j = 0; j < columns; j += width) {
        const Index rest = columns - j;
        if (j > 0 && j % (WideSums<T>::at_once * width) == 0)
          for (std::size_t k = 0; k < count; ++k)
            if (target[k].mask == 0 && target[k].to) {
              spread[k] += static_cast<double>(simd::sum(simd::load(sums[k])));
              simd::store(sums[k], Lane<T>(T(0)));
            }
        for (std::size_t k = 0; k < count; ++k) leaf[k] = simd::load_first(from[k].from + (j & from[k].mask), rest);
        Sink sink{target, j, rest};
        Evaluated<T, E, 0>(expression, leaf).pull(expression, simd::load_first(dy + j, rest), sink);
      }
      for (std::size_t k = 0; k < count; ++k)
        if (gradients[k].to && leaves[k].spread)
          gradients[k].to[offset[k] + row * leaves[k].row_stride] +=
              static_cast<T>(spread[k] + static_cast<double>(simd::sum(simd::load(sums[k]))));
    }
  }

  static void formula(const void* expression, Symbol* out) { describe_formula(*static_cast<const E*>(expression), out); }

  static constexpr auto order = [] {
    std::array<std::size_t, count> order{};
    Evaluated<T, E, 0>::order(order.data());
    return order;
  }();
  static constexpr StatementType<T> type{count, Symbols<E>::value, order.data(), &formula};

  static void describe(const void* closure, Description& to) {
    const auto& s = *static_cast<const Statement*>(closure);
    describe_statement(type, &s.expression, s.leaves, to);
  }

  static void backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
    const auto& s = *static_cast<const Statement*>(closure);
    Scratch scratch(tape.arena());
    LeafGradient<T> gradients[count];
    const Sending sending = take_gradients(tape, type, s.leaves, scratch, gradients);
    const T* dy = tape.gradient_buffer(self);
    const Index most_rows = sending.broadcast ? WideSums<T>::at_once : s.loops.rows;
    s.for_each_block(most_rows, [&](Index from, const Index* offset, Index row, Index rows) {
      s.backward_rows(dy + from, offset, row, rows, gradients);
      if (sending.broadcast) rows_sent(type, gradients, rows);
    });
    if (sending.apart) give_gradients(tape, type, s.leaves, gradients);
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
  using S = Statement<T, E>;
  constexpr bool nested = (is_expression<Args> || ...);
  static_assert(std::is_trivially_destructible_v<S>);
  Tape<T>& tape = Tape<T>::active();
  if constexpr (nested)
    if (tape.composed) return record_composed(e);

  S& statement = *new (tape.arena().take(sizeof(S))) S(e);
  Var<T> vars[S::count];
  collect(e, vars);
  const Var<T> result = begin_statement(tape, S::type, &statement.expression, vars, statement.leaves, statement.loops);
  if constexpr (nested)
    if (result.serial() == 0) return record_composed(e);
  statement.forward(tape.node(result.index()).value);
  static const Operation<T> operation{nested ? "fused" : e.op.name, &S::backward, &S::describe};
  tape.set_backward_in_place(result, operation, &statement);
  return result;
}

/// Each statement of one arithmetic operation: DO(scalar, function, operands…). Composed statements consist of such, so each file
/// would compile them all; the library has them.
#define CAROUSEL_BINARY(DO, T, function) \
  DO(T, function, Var<T>, Var<T>)        \
  DO(T, function, Constant<T>, Var<T>)   \
  DO(T, function, Var<T>, Constant<T>)
#define CAROUSEL_ARITHMETIC(DO, T) \
  CAROUSEL_BINARY(DO, T, add)      \
  CAROUSEL_BINARY(DO, T, subtract) \
  CAROUSEL_BINARY(DO, T, multiply) \
  CAROUSEL_BINARY(DO, T, divide)   \
  DO(T, negate, Var<T>)
#define CAROUSEL_STATEMENT(T, function, ...) \
  template Var<T> record(const Expression<T, std::remove_const_t<decltype(functions::function)>, __VA_ARGS__>&);
#define CAROUSEL_EXTERN_STATEMENT(T, ...) extern CAROUSEL_STATEMENT(T, __VA_ARGS__)
CAROUSEL_ARITHMETIC(CAROUSEL_EXTERN_STATEMENT, float)
CAROUSEL_ARITHMETIC(CAROUSEL_EXTERN_STATEMENT, double)

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
