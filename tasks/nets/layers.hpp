#pragma once
/// The recurrent layers that the options of a training name.

#include <optional>
#include <variant>

#include <carousel/models/cells/any_cell.hpp>
#include <carousel/models/sequence/bidirectional.hpp>
#include <carousel/models/sequence/stacked.hpp>
#include <carousel/tasks/base/options.hpp>

namespace carousel {

/// `options.layers` layers of `options.hidden` units of `options.cell`, in p / "0", p / "1", …, with options.dropout between
/// them.
template <class T>
Stacked<AnyCell<T>> make_layers(Scope<T> p, Index in, const TrainOptions& options, const CellOptions<T>& start = {});

/// Layers that read a sequence, with options.bidirectional from both ends; a layer then has a cell in …/forward and one in
/// …/backward.
template <class T>
class Layers {
 public:
  /// Throws std::invalid_argument for fewer layers than 1.
  ///   in: features of x
  Layers(Scope<T> p, Index in, const TrainOptions& options, const CellOptions<T>& start = {});

  /// Features of an output: the units of a layer, of both directions.
  Index outputs() const { return outputs_; }

  /// The outputs after every step, [time, batch, outputs], and the state after the last one; of both directions the sum of
  /// theirs.
  ///   xs: [time, batch, in]
  Scanned<StackedState<AnyState<T>>> read(Var<T> xs, const ScanOptions& options = {}) const;

  /// What is known once all is read, of each example: the last output; of both directions that of each after its own last step.
  ///   xs: [time, batch, in];  result: [batch, outputs]
  Var<T> after_all(Var<T> xs, const ScanOptions& options = {}) const;

 private:
  using OneWay = Stacked<AnyCell<T>>;
  using BothWays = Stacked<Bidirectional<AnyCell<T>>>;

  std::variant<OneWay, BothWays> layers_;
  Index outputs_;
};

extern template Stacked<AnyCell<float>> make_layers(Scope<float>, Index, const TrainOptions&, const CellOptions<float>&);
extern template Stacked<AnyCell<double>> make_layers(Scope<double>, Index, const TrainOptions&, const CellOptions<double>&);
extern template class Layers<float>;
extern template class Layers<double>;

}  // namespace carousel
