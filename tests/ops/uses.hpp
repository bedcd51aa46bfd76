#pragma once
/// Every way in which a value may be used beside an op: gradient checks that are generated for each row of a table of ops.

#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/ops/arrange.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>
#include <carousel/ops/shape.hpp>

#include "tests/support/values.hpp"

namespace carousel::test {

using Vars = std::span<const Var<double>>;

/// An operand of an op: its values lie within lo … hi, apart from each other, from those of the other operands, and from 0.
struct Operand {
  Shape shape;
  double lo = -2, hi = 2;
};

/// An op as a table of all lists it.
struct Op {
  std::string name;  ///< as models/README.md writes it
  std::vector<Operand> operands;
  std::function<Var<double>(Vars)> f;
};

/// Values for operand `place` that stay clear of kinks: evenly spaced, in random order, those of each operand in a gap of its
/// own.
inline Tensor<double> spaced_values(const Operand& operand, const Shape& shape, std::size_t place) {
  Tensor<double> values = empty<double>(shape);
  const std::size_t size = values.size();
  Random random(place + 1);
  for (std::size_t i = 0; i < size; ++i) {
    const double at = (static_cast<double>(i) + 0.15 + 0.2 * static_cast<double>(place)) / static_cast<double>(size);
    double x = operand.lo + (operand.hi - operand.lo) * at;
    if (std::abs(x) < 0.02) x += 0.04;
    const auto j = static_cast<std::size_t>(random.below(static_cast<Index>(i) + 1));
    values.data()[i] = values.data()[j];
    values.data()[j] = x;
  }
  return values;
}

/// How an operand comes to be, from a variable of a shape that fits.
struct Form {
  std::string name;
  std::function<Shape(Shape)> shape;
  std::function<Var<double>(Var<double>, const Shape&)> make;
};

inline const std::vector<Form>& forms() {
  using V = Var<double>;
  static const std::vector<Form> all{
      {"variables", [](Shape s) { return s; }, [](V v, const Shape&) { return v; }},
      {"computed", [](Shape s) { return s; }, [](V v, const Shape&) -> V { return v * 1.5; }},
      {"parts of larger values",
       [](Shape s) {
         if (s.rank() == 0) return Shape{3};
         s[s.rank() - 1] += 2;
         return s;
       },
       [](V v, const Shape& s) { return s.rank() == 0 ? at(v, 0, 1) : slice(v, -1, 1, 1 + s[s.rank() - 1]); }},
      {"transposed",
       [](Shape s) {
         if (s.rank() >= 2) std::swap(s[s.rank() - 1], s[s.rank() - 2]);
         return s;
       },
       [](V v, const Shape& s) { return s.rank() < 2 ? v : transpose(v); }},
  };
  return all;
}

/// All elements of some values as one.
inline Var<double> joined(const std::vector<Var<double>>& values) {
  std::vector<Var<double>> flat;
  for (const Var<double>& v : values) flat.push_back(reshape(v, {-1}));
  return concat(flat, 0);
}

inline bool broadcast(const Shape& a, const Shape& b) {
  for (int i = 1; i <= std::min(a.rank(), b.rank()); ++i) {
    const Index m = a[a.rank() - i], n = b[b.rank() - i];
    if (m != n && m != 1 && n != 1) return false;
  }
  return true;
}

/// The gradients by all inputs of Σ f, weighted with other numbers each time.
inline std::vector<Tensor<double>> gradients_of(Tape<double>& tape, const CheckedFunction& f,
                                                const std::vector<CheckedInput>& inputs, double weight) {
  const Activation<double> activation(tape);
  tape.clear();
  std::vector<Var<double>> vars;
  for (const CheckedInput& input : inputs) vars.push_back(tape.variable(input.value));
  const Var<double> y = f(vars);
  backward(sum(y * tape.constant(full<double>(y.shape(), weight))));
  std::vector<Tensor<double>> gradients;
  for (const Var<double>& v : vars) gradients.push_back(tape.gradient(v));
  return gradients;
}

/// The gradients are those of the numbers, and no other in memory where those of a step before stand.
inline void check_use(const std::string& how, const CheckedFunction& f, const std::vector<CheckedInput>& inputs) {
  INFO(how);
  const GradcheckResult result = gradcheck(f, inputs);
  INFO(result.worst().describe());
  CHECK(result.passed);
  Tape<double> used, fresh;
  gradients_of(used, f, inputs, 1e3);
  const std::vector<Tensor<double>> again = gradients_of(used, f, inputs, 1), alone = gradients_of(fresh, f, inputs, 1);
  for (std::size_t k = 0; k < inputs.size(); ++k) CHECK(difference(again[k], alone[k]) == 0);
}

/// Checks the gradients of an op whose operands are used before it, after it, by it again, by a sum with its result, and one in
/// the place of another where their shapes are the same.
inline void check_uses(const Op& op) {
  using V = Var<double>;
  const std::size_t count = op.operands.size();
  for (const Form& form : forms()) {
    INFO(op.name, ", operands ", form.name);
    std::vector<CheckedInput> inputs;
    for (std::size_t k = 0; k < count; ++k) {
      const Operand& operand = op.operands[k];
      inputs.push_back({"operand " + std::to_string(k), spaced_values(operand, form.shape(operand.shape), k)});
    }
    const auto operands = [&](Vars roots) {
      std::vector<V> x;
      for (std::size_t k = 0; k < count; ++k) x.push_back(form.make(roots[k], op.operands[k].shape));
      return x;
    };
    // What else an operand is used for; of a view, that of which it is one too.
    const auto others = [&](Vars roots, const std::vector<V>& x) {
      std::vector<V> all;
      for (const V& v : x) all.push_back(v * 0.75);
      for (const V& v : roots) all.push_back(v * 1.25);
      return all;
    };
    const auto with = [](std::vector<V> values, V y) {
      values.push_back(y);
      return joined(values);
    };

    check_use(
        "alone", [&](Vars roots) { return op.f(operands(roots)); }, inputs);
    check_use(
        "used before",
        [&](Vars roots) {
          const std::vector<V> x = operands(roots), before = others(roots, x);
          return with(before, op.f(x));
        },
        inputs);
    check_use(
        "used after",
        [&](Vars roots) {
          const std::vector<V> x = operands(roots);
          const V y = op.f(x);
          return with(others(roots, x), y);
        },
        inputs);
    check_use(
        "used again",
        [&](Vars roots) {
          const std::vector<V> x = operands(roots);
          const V y = op.f(x);
          return with({y}, op.f(x));
        },
        inputs);
    for (std::size_t k = 0; k < count; ++k) {
      const std::string other = "operand " + std::to_string(k);
      const auto sum_with = [&](bool first) {
        return [&, first](Vars roots) -> V {
          const std::vector<V> x = operands(roots);
          const V y = op.f(x);
          if (!broadcast(y.shape(), x[k].shape())) return y;
          return with({roots[k] * 0.75}, first ? V(x[k] + y) : V(y + x[k]));
        };
      };
      check_use("op + " + other, sum_with(false), inputs);
      check_use(other + " + op", sum_with(true), inputs);
      if (count > 1)
        check_use(
            other + " constant",
            [&](Vars roots) {
              std::vector<V> x = operands(roots);
              x[k] = form.make(Tape<double>::active().constant(inputs[k].value), op.operands[k].shape);
              return with({roots[k] * 0.75}, op.f(x));
            },
            inputs);
      for (std::size_t j = 0; j < k; ++j) {
        if (!(op.operands[j].shape == op.operands[k].shape)) continue;
        const std::string same = other + " is operand " + std::to_string(j);
        const auto twice = [&](Vars roots) {
          std::vector<V> x = operands(roots);
          x[k] = x[j];
          return x;
        };
        check_use(
            same,
            [&](Vars roots) {
              const std::vector<V> x = twice(roots);
              return with({roots[k] * 0.75, roots[j] * 0.75}, op.f(x));
            },
            inputs);
        check_use(
            same + ", used after",
            [&](Vars roots) {
              const std::vector<V> x = twice(roots);
              const V y = op.f(x);
              return with(others(roots, x), y);
            },
            inputs);
      }
    }
  }
}

}  // namespace carousel::test

/// A row of a table of ops: its name, OF(its operands), and what it makes of them, v.
#define OP(name, operands, ...)                                             \
  test::Op {                                                                \
    name, operands, [](test::Vars v) -> Var<double> { return __VA_ARGS__; } \
  }
#define OF(...) \
  { __VA_ARGS__ }
