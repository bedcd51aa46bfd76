#pragma once
/// Cells that are chosen at run time, by name. One virtual call per step is all that it costs.

#include <array>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <carousel/lib/tape/parameter.hpp>
#include <carousel/models/cells/gates.hpp>
#include <carousel/models/sequence/state.hpp>

namespace carousel {

/// The state of an AnyCell: the members of the state of the cell within, in their order, stored inline.
template <class T>
class AnyState {
 public:
  using Scalar = T;
  static constexpr std::size_t most = 8;

  AnyState() = default;
  /// The members of another state. Throws std::invalid_argument if there are more than `most`.
  template <class State>
  static AnyState of(State state) {
    AnyState any;
    const auto members = detail::members_of(state);
    if (members.count > most) wrong_argument("AnyCell: a state of ", members.count, " members: must have at most ", most);
    for (std::size_t k = 0; k < members.count; ++k) any.members_[k] = members[k];
    any.count_ = members.count;
    any.names_ = detail::names_of(state);
    return any;
  }
  /// Gives the members to a state of the cell within. Throws std::invalid_argument if it has another number of them.
  template <class State>
  void copy_to(State& state) const {
    const auto members = detail::members_of(state);
    if (members.count != count_) wrong_argument("AnyCell: a state of ", count_, " members: this cell has ", members.count);
    for (std::size_t k = 0; k < count_; ++k) members[k] = members_[k];
    detail::set_key(state, key_);
  }

  std::span<Var<T>> members() { return {members_.data(), count_}; }
  std::span<const char* const> names() const { return names_; }
  void set_key(const std::optional<DropoutKey>& key) { key_ = key; }

 private:
  std::array<Var<T>, most> members_;
  std::size_t count_ = 0;
  std::span<const char* const> names_;
  std::optional<DropoutKey> key_;
};

/// Any cell, behind one type. Copies share the cell, which is never changed.
template <class T>
class AnyCell {
 public:
  using State = AnyState<T>;

  template <class Cell>
  requires(!std::is_same_v<Cell, AnyCell>) AnyCell(Cell cell) : cell_(std::make_shared<const Model<Cell>>(std::move(cell))) {}

  State start(Index batch) const { return cell_->start(batch); }
  State form() const { return cell_->form(); }
  State operator()(Var<T> x, State state) const { return cell_->step(x, state); }

 private:
  struct AnyModel {
    virtual ~AnyModel() = default;
    virtual State start(Index batch) const = 0;
    virtual State form() const = 0;
    virtual State step(Var<T> x, const State& state) const = 0;
  };

  template <class Cell>
  struct Model final : AnyModel {
    explicit Model(Cell c) : cell(std::move(c)) {}
    State start(Index batch) const override { return State::of(cell.start(batch)); }
    State form() const override { return State::of(detail::form_of(cell)); }
    State step(Var<T> x, const State& state) const override {
      typename Cell::State inner = detail::form_of(cell);
      state.copy_to(inner);
      return State::of(cell(x, inner));
    }
    Cell cell;
  };

  std::shared_ptr<const AnyModel> cell_;
};

/// A cell's name on the command line and a line about it.
struct CellName {
  std::string_view name;
  std::string_view about;
};

/// The cells that make_cell makes.
std::span<const CellName> cell_names();

/// Makes the cell of that name, its parameters in `p`. Throws std::invalid_argument, with the names, if there is no such cell.
///   in: features of x;  hidden: features of the output
template <class T>
AnyCell<T> make_cell(std::string_view name, Scope<T> p, Index in, Index hidden, const CellOptions<T>& options = {});

extern template AnyCell<float> make_cell(std::string_view, Scope<float>, Index, Index, const CellOptions<float>&);
extern template AnyCell<double> make_cell(std::string_view, Scope<double>, Index, Index, const CellOptions<double>&);

}  // namespace carousel
