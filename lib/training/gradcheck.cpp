#include <carousel/lib/training/gradcheck.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/tape/statement.hpp>

namespace carousel {

namespace {

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.9g", value);
  return buffer;
}

/// Σ weights · values, with weights drawn for each place from a fixed stream.
double projected(const Tensor<double>& values, Random weights) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += values.data()[i] * weights.uniform(-1, 1);
  return sum;
}

/// Seeds the gradient of a value of any shape by a node with one number: Σ weights · y.
Var<double> projection(Var<double> y, Random weights) {
  Tape<double>& tape = Tape<double>::active();
  struct Closure {
    std::uint32_t y;
    const double* weights;
  };
  static constexpr detail::Operation<double> operation{"projection",
                                                       [](Tape<double>& t, std::uint32_t self, const void* closure) {
                                                         const auto& c = *static_cast<const Closure*>(closure);
                                                         const double dy = *t.gradient_buffer(self);
                                                         const Index size = t.node(c.y).shape.size();
                                                         detail::Scratch scratch(t.arena());
                                                         auto* d = scratch.take<double>(size);
                                                         for (Index i = 0; i < size; ++i) d[i] = dy * c.weights[i];
                                                         detail::add_to_gradient(t, c.y, static_cast<const double*>(d));
                                                       }};
  const Tensor<double> values = y.value();
  const auto size = static_cast<Index>(values.size());
  auto* drawn = tape.arena().take<double>(size);
  for (Index i = 0; i < size; ++i) drawn[i] = weights.uniform(-1, 1);
  const Var<double> out = tape.record({}, tape.needs_gradient(y));
  double sum = 0;
  for (Index i = 0; i < size; ++i) sum += values.data()[i] * drawn[i];
  *tape.data(out) = sum;
  tape.set_backward(out, operation, Closure{y.index(), drawn});
  return out;
}

/// Throws std::invalid_argument if f computes with parameters, and none of them is one to be checked.
void check_reached(Tape<double>& tape, const Registry<double>& registry) {
  bool reached = false, free = false;
  for (std::uint32_t i = 0; i < tape.size(); ++i)
    if (const Parameter<double>* const p = tape.node(i).parameter) {
      if (!registry.contains(p->path) || &registry.at(p->path) != p)
        wrong_argument("gradcheck: the function computes with ", p->path,
                       ", which is of another registry: must be given that one");
      reached = true;
      free = free || !p->frozen;
    }
  const bool offers = std::any_of(registry.begin(), registry.end(), [](const Parameter<double>& p) { return !p.frozen; });
  if (!reached && offers)
    wrong_argument("gradcheck: the function computes with none of the ", registry.size(),
                   " parameters of the registry: must be given the registry of its own");
  if (reached && !free)
    wrong_argument("gradcheck: all parameters of the function are frozen: must have one that is not, or be given no registry");
}

}  // namespace

std::string CheckedTensor::describe(std::string_view other) const {
  std::string index;
  Index rest = worst_index, first = 0;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    first = rest % shape[axis];
    index = std::to_string(first) + (index.empty() ? "" : ", ") + index;
    rest /= shape[axis];
  }
  return name + '[' + index + ']' + (sequence ? " (time step " + std::to_string(first) + ")" : "") + ": tape " +
         number(analytic) + ", " + std::string(other) + ' ' + number(numeric) + ", error " + number(worst_error);
}

const CheckedTensor& GradcheckResult::worst() const {
  if (tensors.empty()) wrong_order("gradcheck: nothing was compared: there is no worst entry");
  return *std::max_element(tensors.begin(), tensors.end(),
                           [](const CheckedTensor& a, const CheckedTensor& b) { return a.worst_error < b.worst_error; });
}

CheckedTensor compare_gradients(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
                                double floor) {
  const Shape shape = shape_of(analytic);
  if (!(shape_of(numeric) == shape)) wrong_argument("gradcheck: ", name, " is ", shape, ", compared with ", shape_of(numeric));
  CheckedTensor checked{name, shape};
  double largest = 0;
  for (double a : analytic) largest = std::max(largest, std::abs(a));
  for (std::size_t i = 0; i < analytic.size(); ++i) {
    const double a = analytic.data()[i], n = numeric.data()[i];
    const double scale = std::max({std::abs(a), std::abs(n), floor * largest});
    double error = scale == 0 ? 0 : std::abs(a - n) / scale;
    if (!std::isfinite(error)) error = HUGE_VAL;  // NaN, which no comparison finds
    if (i == 0 || error > checked.worst_error) {
      checked.worst_error = error;
      checked.worst_index = static_cast<Index>(i);
      checked.analytic = a;
      checked.numeric = n;
    }
  }
  return checked;
}

namespace {
/// Of f with respect to elements that it reads.
Tensor<double> differences(const std::function<double()>& f, const Shape& shape, std::span<double> x, double step) {
  Tensor<double> gradient = zeros<double>(shape);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = x[i], s = step * std::max(1.0, std::abs(value));
    const auto at = [&](double moved) {
      x[i] = value + moved;
      return f();
    };
    gradient.data()[i] = (8 * (at(s) - at(-s)) - (at(2 * s) - at(-2 * s))) / (12 * s);
    x[i] = value;
  }
  return gradient;
}
}  // namespace

Tensor<double> numeric_gradient(const std::function<double()>& f, Tensor<double>& x, double step) {
  return differences(f, shape_of(x), {x.data(), x.size()}, step);
}

Tensor<double> numeric_gradient(const std::function<double()>& f, Parameter<double>& p, double step) {
  return differences(f, p.shape(), p.change(), step);
}

GradcheckResult gradcheck(const CheckedFunction& f, std::vector<CheckedInput> inputs, Registry<double>* parameters,
                          const GradcheckOptions& options) {
  const Random weights(0x5eed);
  Tape<double> tape;
  std::vector<Var<double>> vars;
  const auto enter = [&] {
    tape.clear();
    vars.clear();
    for (const CheckedInput& input : inputs) vars.push_back(tape.variable(input.value));
  };
  const auto value = [&] {
    enter();
    const NoGrad<double> no_gradient;
    return projected(f(vars).value(), weights);
  };

  enter();
  if (parameters) parameters->zero_gradients();  // those that f does not reach
  const Var<double> loss = projection(f(vars), weights);
  if (parameters) check_reached(tape, *parameters);
  if (!std::isfinite(loss.item()))
    wrong_argument("gradcheck: the result of the function is ", number(loss.item()), ": must be finite");
  tape.backward(loss);
  std::vector<Tensor<double>> analytic;
  for (const Var<double> v : vars) analytic.push_back(tape.gradient(v));
  if (parameters)
    for (const Parameter<double>& p : *parameters) analytic.push_back(p.has_gradient ? p.gradient : zeros<double>(p.shape()));

  GradcheckResult result;
  std::size_t next = 0;
  const auto compare = [&](const std::string& name, const Tensor<double>& numeric, bool sequence) {
    CheckedTensor checked = compare_gradients(name, analytic[next++], numeric, options.floor);
    checked.sequence = sequence;
    result.checks += static_cast<Index>(numeric.size());
    result.worst_error = std::max(result.worst_error, checked.worst_error);
    if (numeric.size() > 0) result.tensors.push_back(std::move(checked));
  };
  for (CheckedInput& input : inputs) compare(input.name, numeric_gradient(value, input.value, options.step), input.sequence);
  if (parameters)
    for (Parameter<double>& p : *parameters) {
      if (p.frozen)
        ++next;
      else
        compare(p.path, numeric_gradient(value, p, options.step), false);
    }
  result.passed = result.checks > 0 && result.worst_error <= options.tolerance;
  return result;
}

}  // namespace carousel
