#pragma once
/// What the compiler knows of an expression: its leaves, its value in registers, and the way of an adjoint down it.

#include <carousel/lib/tape/expression.hpp>

namespace carousel::detail {

template <class A>
inline constexpr bool is_expression = std::derived_from<A, AnyExpression>;

template <class A>
struct Leaves : std::integral_constant<std::size_t, 0> {};
template <class T>
struct Leaves<Var<T>> : std::integral_constant<std::size_t, 1> {};
template <class T, class Op, class... Args>
struct Leaves<Expression<T, Op, Args...>> : std::integral_constant<std::size_t, (0 + ... + Leaves<Args>::value)> {};

/// The number of symbols of its formula.
template <class A>
struct Symbols : std::integral_constant<std::size_t, 1> {};
template <class T, class Op, class... Args>
struct Symbols<Expression<T, Op, Args...>> : std::integral_constant<std::size_t, (1 + ... + Symbols<Args>::value)> {};

/// Writes the leaves, from left to right; returns where the next one goes.
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

/// Writes the symbols of the formula; returns where the next one goes.
template <class T>
Symbol* describe_formula(const Var<T>&, Symbol* out) {
  *out = {.is_operand = true};
  return out + 1;
}
template <class T>
Symbol* describe_formula(const Constant<T>& c, Symbol* out) {
  *out = {.number = static_cast<double>(c.value)};
  return out + 1;
}
template <class T, class Op, class... Args>
Symbol* describe_formula(const Expression<T, Op, Args...>& e, Symbol* out) {
  *out++ = {.name = e.op.name, .arity = sizeof...(Args)};
  std::apply([&](const Args&... args) { ((out = describe_formula(args, out)), ...); }, e.args);
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
  template <std::size_t I>
  using Argument = std::tuple_element_t<I, std::tuple<Args...>>;
  template <std::size_t I>
  static constexpr bool is_leaf = std::is_same_v<Argument<I>, Var<T>>;

  typename Children<Indices>::type children;
  Lane<T> y;

  Evaluated(const E& e, const Lane<T>* leaf) : Evaluated(e, leaf, Indices()) {}
  template <std::size_t... I>
  Evaluated(const E& e, const Lane<T>* leaf, std::index_sequence<I...>)
      : children(std::tuple_element_t<I, decltype(children)>(std::get<I>(e.args), leaf)...),
        y(e.op.value(std::get<I>(children).y...)) {}

  /// Sends dy down: first to the leaves of this operation, left to right, then into its operands from the right, which is the
  /// order of a tape with one node per operation.
  template <class Sink>
  void pull(const E& e, Lane<T> dy, Sink& sink) const {
    pull(e, dy, sink, Indices());
  }

  /// Writes the numbers of the leaves in the order in which pull reaches them.
  static constexpr std::size_t* order(std::size_t* out) { return order(out, Indices()); }

 private:
  template <std::size_t... I>
  static constexpr std::size_t* order(std::size_t* out, std::index_sequence<I...>) {
    ((is_leaf<I> ? void(*out++ = before<I>()) : void()), ...);
    constexpr std::size_t last = sizeof...(I) - 1;
    ((out = order_of_operand<last - I>(out)), ...);
    return out;
  }
  template <std::size_t I>
  static constexpr std::size_t* order_of_operand(std::size_t* out) {
    if constexpr (is_expression<Argument<I>>) out = std::tuple_element_t<I, decltype(children)>::order(out);
    return out;
  }
  template <class Sink, std::size_t... I>
  void pull(const E& e, Lane<T> dy, Sink& sink, std::index_sequence<I...>) const {
    const auto d = as_tuple(e.op.gradient(dy, y, std::get<I>(children).y...));
    (to_leaf<I>(std::get<I>(d), sink), ...);
    constexpr std::size_t last = sizeof...(I) - 1;
    (to_operand<last - I>(e, std::get<last - I>(d), sink), ...);
  }

  static std::tuple<Lane<T>> as_tuple(Lane<T> d) { return d; }
  template <class... L>
  static std::tuple<L...> as_tuple(std::tuple<L...> d) {
    return d;
  }
  template <std::size_t I, class Sink>
  static void to_leaf(Lane<T> d, Sink& sink) {
    if constexpr (is_leaf<I>) sink.template add<before<I>()>(d);
  }
  template <std::size_t I, class Sink>
  void to_operand(const E& e, Lane<T> d, Sink& sink) const {
    if constexpr (is_expression<Argument<I>>) std::get<I>(children).pull(std::get<I>(e.args), d, sink);
  }
};

}  // namespace carousel::detail
