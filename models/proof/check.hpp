#pragma once
/// Proof of a cell: its gradients against numeric ones and hand-derived ones, in every way that it may be run.

#include <optional>
#include <string>
#include <vector>

#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/proof/reference.hpp>

namespace carousel {

/// What a cell is checked on.
struct CellCheckOptions {
  Index in = 3;  ///< features that the cell reads
  Index batch = 3;
  std::vector<Index> steps = {1, 2, 7};  ///< lengths of the sequences
  std::uint64_t seed = 1;                ///< of inputs, first states and the weights of the loss
  GradcheckOptions gradcheck = {};
  /// Hand-derived gradients to compare with, where there are any; a parameter has the name that it has below the folder of all
  /// of the cell: "wx" for cell/wx, "in/w" and "back/w" for two Linear layers.
  reference::Cell by_hand = {};
  double by_hand_tolerance = 1e-12;  ///< of |tape − by hand| / largest |tape| of the tensor
};

/// What was found for one tensor: a parameter, "xs", or a member of the first state, "start 0".
struct CheckedCellTensor {
  CheckedTensor numeric;                 ///< the worst entry of all runs
  std::string run;                       ///< the run it stood in: "7 steps, ragged, in reverse, from a given state"
  std::optional<CheckedTensor> by_hand;  ///< the worst against the hand-derived gradient
};

/// What check_cell found, tensor by tensor.
struct CellCheck {
  std::vector<CheckedCellTensor> tensors;
  Index checks = 0;          ///< entries compared with a numeric gradient, over all runs
  double worst_error = 0;    ///< of those
  double worst_by_hand = 0;  ///< of the comparisons with hand-derived gradients
  bool passed = false;

  /// The worst entry, in one line: against the numeric gradient or, if that passed, against the hand-derived one.
  std::string describe() const;
};

/// Checks a cell whose parameters are all of the registry's, and not all frozen (else it throws std::invalid_argument, as nothing
/// of them would be checked): sequences of each length × all examples of that length or ragged ×
/// both directions × from a given first state or the cell's own start. The loss is Σ w∘outputs + Σ w∘state, over all steps and
/// all members of the last state, with fixed random weights w. Parameters are taken as they stand, and must keep a cell with
/// kinks off them.
///
///     Registry<double> registry;  Random random(1);
///     CellCheck check = check_cell(MyCell<double>(Scope(registry, random), 3, 4), registry);
///     if (!check.passed) std::puts(check.describe().c_str());
CellCheck check_cell(const AnyCell<double>& cell, Registry<double>& registry, const CellCheckOptions& options = {});

}  // namespace carousel
