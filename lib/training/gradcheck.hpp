#pragma once
/// Proof of gradients: the tape's against numeric ones, element by element, in double.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/tape/parameter.hpp>

namespace carousel {

/// A tensor that enters the checked function as a variable.
struct CheckedInput {
  std::string name;
  Tensor<double> value;
  bool sequence = false;  ///< its first axis is time, which reports then name
};

/// How exact a gradient must be, and the step of the numeric one.
struct GradcheckOptions {
  double tolerance = 1e-6;  ///< largest error that passes
  double step = 1e-3;       ///< of the numeric derivative, for elements of size 1; values must stay off kinks by twice that
  /// Entries smaller than this part of the tensor's largest are judged against that part.
  double floor = 1e-3;
};

/// What was found for one tensor.
struct CheckedTensor {
  std::string name;
  Shape shape;
  bool sequence = false;
  double worst_error = 0;            ///< |a − n| / max(|a|, |n|, floor · largest |a| of the tensor)
  Index worst_index = 0;             ///< where, in row-major order
  double analytic = 0, numeric = 0;  ///< the two gradients there

  /// "lstm/wx[1, 7]: tape 0.25, numeric 0.5, error 0.5", with the time step for a sequence; `other` names what was compared with.
  std::string describe(std::string_view other = "numeric") const;
};

/// What gradcheck found, tensor by tensor.
struct GradcheckResult {
  std::vector<CheckedTensor> tensors;
  Index checks = 0;  ///< entries compared
  double worst_error = 0;
  bool passed = false;  ///< every error is at most the tolerance, and something was compared

  /// The tensor with the worst error; throws std::logic_error if nothing was compared.
  const CheckedTensor& worst() const;
};

/// A function of Vars that makes one Var of any shape.
using CheckedFunction = std::function<Var<double>(std::span<const Var<double>>)>;

/// Compares, element by element, the gradient of f with respect to its inputs and to every parameter of the registry that is not
/// frozen, as the tape gives it and as a five-point difference does:
///   f'(x) ≈ (8 (f(x + s) − f(x − s)) − (f(x + 2s) − f(x − 2s))) / 12s,  error of order s⁴ (Abramowitz & Stegun 1964, 25.3.6)
/// A result with more than one element is projected on fixed random weights first, for a plain sum hides errors that cancel. f
/// must give the same result each time. Throws std::invalid_argument if the result is not finite, or the registry is not the one
/// of what f computes with, or has nothing of that but frozen.
GradcheckResult gradcheck(const CheckedFunction& f, std::vector<CheckedInput> inputs, Registry<double>* parameters = nullptr,
                          const GradcheckOptions& options = {});

/// The comparison alone: `analytic` against `numeric`, for gradients that come from elsewhere.
CheckedTensor compare_gradients(const std::string& name, const Tensor<double>& analytic, const Tensor<double>& numeric,
                                double floor = 1e-3);

/// The numeric gradient of a function of one tensor, which it may read where it stands; see gradcheck for the formula.
Tensor<double> numeric_gradient(const std::function<double()>& f, Tensor<double>& x, double step = 1e-3);
/// The same for a parameter.
Tensor<double> numeric_gradient(const std::function<double()>& f, Parameter<double>& p, double step = 1e-3);

}  // namespace carousel
