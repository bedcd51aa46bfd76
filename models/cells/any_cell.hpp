#pragma once
/// Cells that are chosen at run time, by name. One virtual call per step is all that it costs.

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include <carousel/lib/tape/parameter.hpp>
#include <carousel/models/cells/gates.hpp>
#include <carousel/models/sequence/state.hpp>

namespace carousel {

namespace detail {
/// Throws std::invalid_argument for a state that is not one of the cell's.
[[noreturn]] void refuse_state(std::size_t members, std::size_t of_the_cell);
}  // namespace detail

/// The state of an AnyCell: that of the cell within, whatever its type. Small ones are stored inline.
template <class T>
class AnyState {
 public:
  using Scalar = T;

  AnyState() = default;
  /// A state of any type, with all that it holds.
  template <class State>
  static AnyState of(State state) {
    AnyState any;
    new (any.take_room(kind_of<State>)) State(std::move(state));
    return any;
  }
  AnyState(const AnyState& other) {
    if (!other.kind_) return;
    if (other.kind_->is_plain) {
      kind_ = other.kind_;
      std::memcpy(room_, other.room_, sizeof room_);
    } else {
      other.kind_->copy(other.at(), take_room(*other.kind_));
    }
  }
  AnyState(AnyState&& other) noexcept { move_from(other); }
  AnyState& operator=(AnyState other) noexcept {
    drop();
    move_from(other);
    return *this;
  }
  ~AnyState() { drop(); }

  /// The state within, null if it is of another type.
  template <class State>
  const State* as() const {
    const bool is = kind_ == &kind_of<State> || (kind_ && *kind_->type == typeid(State));
    return is ? static_cast<const State*>(at()) : nullptr;
  }

  detail::Members<T> members() { return kind_ ? kind_->members(at()) : detail::Members<T>(); }
  std::span<const char* const> names() const { return kind_ ? kind_->names(at()) : std::span<const char* const>(); }
  void set_key(const std::optional<DropoutKey>& key) {
    if (kind_) kind_->set_key(at(), key);
  }

 private:
  static constexpr std::size_t room = 96;  // bytes: the two members of an LSTM, and the key of its Zoneout

  /// What can be done with a state whose type is not known.
  struct Kind {
    const std::type_info* type;
    std::size_t size;
    bool is_inline, is_plain;  // plain: inline, and copied byte by byte
    void (*copy)(const void* from, void* to);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void* state) noexcept;
    detail::Members<T> (*members)(void* state);
    std::span<const char* const> (*names)(const void* state);
    void (*set_key)(void* state, const std::optional<DropoutKey>& key);
  };
  template <class State>
  static constexpr Kind kind_of{
      &typeid(State),
      sizeof(State),
      sizeof(State) <= room&& std::is_nothrow_move_constructible_v<State>,
      sizeof(State) <= room&& std::is_trivially_copyable_v<State>,
      [](const void* from, void* to) { new (to) State(*static_cast<const State*>(from)); },
      [](void* from, void* to) noexcept { new (to) State(std::move(*static_cast<State*>(from))); },
      [](void* state) noexcept { static_cast<State*>(state)->~State(); },
      [](void* state) { return detail::members_of(*static_cast<State*>(state)); },
      [](const void* state) { return detail::names_of(*static_cast<const State*>(state)); },
      [](void* state, const std::optional<DropoutKey>& key) { detail::set_key(*static_cast<State*>(state), key); }};

  void* at() { return kind_->is_inline ? room_ : block_; }
  const void* at() const { return kind_->is_inline ? room_ : block_; }
  void* take_room(const Kind& kind) {
    if (!kind.is_inline) block_ = detail::take_block(kind.size);
    kind_ = &kind;
    return at();
  }
  void move_from(AnyState& other) noexcept {
    kind_ = other.kind_;
    if (!kind_) return;
    if (!kind_->is_inline)
      block_ = std::exchange(other.block_, nullptr);
    else if (kind_->is_plain)
      std::memcpy(room_, other.room_, sizeof room_);
    else
      kind_->move(other.room_, room_), kind_->destroy(other.room_);
    other.kind_ = nullptr;
  }
  void drop() noexcept {
    if (!kind_) return;
    if (!kind_->is_plain) kind_->destroy(at());
    if (!kind_->is_inline) detail::give_block(block_, kind_->size);
    kind_ = nullptr;
  }
  const Kind* kind_ = nullptr;
  union {
    alignas(std::max_align_t) std::byte room_[room];
    void* block_;
  };
};

/// Any cell, behind one type. Copies share the cell, which is never changed.
template <class T>
class AnyCell {
 public:
  using State = AnyState<T>;

  template <class Cell>
  requires(!std::is_same_v<Cell, AnyCell>) AnyCell(Cell cell) {
    if constexpr (detail::expect_stepping<Cell, T>() && detail::expect_start<Cell>())
      cell_ = std::make_shared<const Model<Cell>>(std::move(cell));
  }

  State start(Index batch) const { return cell_->start(batch); }
  State form() const { return cell_->form(); }
  State operator()(Var<T> x, const State& state) const { return cell_->step(x, state); }
  /// Features of an output where the cell has `hidden` units.
  Index outputs_of(Index hidden) const { return cell_->outputs_of(hidden); }

 private:
  struct AnyModel {
    virtual ~AnyModel() = default;
    virtual State start(Index batch) const = 0;
    virtual State form() const = 0;
    virtual State step(Var<T> x, const State& state) const = 0;
    virtual Index outputs_of(Index hidden) const = 0;
  };

  template <class Cell>
  struct Model final : AnyModel {
    explicit Model(Cell c) : cell(std::move(c)) {}
    State start(Index batch) const override { return State::of(cell.start(batch)); }
    State form() const override { return State::of(detail::form_of(cell)); }
    State step(Var<T> x, const State& state) const override {
      const auto* const inner = state.template as<typename Cell::State>();
      if (!inner) detail::refuse_state(State(state).members().size(), form().members().size());
      return State::of(cell(x, *inner));
    }
    Index outputs_of(Index hidden) const override { return detail::outputs_of(cell, hidden); }
    Cell cell;
  };

  std::shared_ptr<const AnyModel> cell_;
};

/// A cell's name on the command line, a line about it, and where it stands.
struct CellName {
  std::string_view name;
  std::string_view about;
  std::string_view header;  ///< "cells/lstm.hpp", below models/
  std::string_view type;    ///< what is declared there: "LstmLinear"
  bool has_kinks = false;   ///< its derivative jumps, and numeric ones need shorter steps
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
