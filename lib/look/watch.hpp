#pragma once
/// Watching: what a fused statement never stores, for whoever wants to see it.
///
///     Var<T> c = watch("f", sigmoid(f)) * s.c + watch("i", sigmoid(i)) * watch("g", tanh(g));
///
/// is the statement that it would be without the word, one node, the same bits. While a Recorder of this thread listens, each
/// watched part is computed once more, aside, and given to it; the tape is the same then too, node for node.
///
///     Recorder<float> recorder({.gradients = true});
///     auto [hs, state] = scan(lstm, xs);              // the cells mark their gates, scan the members of their states
///     backward(loss_of(hs));
///     recorder.read_gradients();
///     for (const Watched<float>* h : recorder.of("h")) plot(h->place.step, norm(h->gradient));

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// Where in a model something is computed.
struct Place {
  std::string_view part = {};  ///< "decoder": of a model of several nets; a literal
  Index layer = 0;             ///< 0: the one that reads the input
  bool backward = false;       ///< the direction of time
  Index step = 0;              ///< in time

  friend bool operator==(const Place&, const Place&) = default;
};

/// What a recorder has heard.
template <class T>
struct Watched {
  std::string name;  ///< "i", "f", "g", "o"; "r", "z", "n"; of a state "h", "c"
  Place place;
  Tensor<T> value;          ///< [batch, hidden]; 0 for examples that have no such step
  Tensor<T> gradient = {};  ///< ∂L/∂value, where it was asked for and read; for values that are nodes, as states are
  std::vector<std::uint32_t> nodes = {};  ///< on the tape: of the value, or of what an expression was made from
};

/// What a recorder keeps of what it hears.
struct RecorderOptions {
  bool values = true;      ///< false: it only knows the place
  bool gradients = false;  ///< of watched nodes are kept by backward(), for read_gradients()
};

/// Hears what is watched on this thread for as long as it lives; the latest one alone listens.
template <class T>
class Recorder {
 public:
  explicit Recorder(const RecorderOptions& options = {}) : options_(options), previous_(listening_) { listening_ = this; }
  ~Recorder() { listening_ = previous_; }
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// The one that listens on this thread, or null.
  static Recorder* listening() { return listening_; }

  /// Everything that was heard, in the order in which it was computed.
  const std::deque<Watched<T>>& all() const { return all_; }
  /// What has that name and stands in that part, layer and direction, by its step in time.
  std::vector<const Watched<T>*> of(std::string_view name, const Place& where = {}) const;
  /// Takes the gradients off the active tape: after backward(), before clear(). Throws std::logic_error at another time.
  void read_gradients();
  /// Forgets everything that was heard.
  void clear();

  // The rest is for models.

  /// A place, and the lengths of the examples of a batch that is not whole there.
  struct Here : Place {
    bool in_cell = false;  // a step of a cell runs
    std::span<const Index> lengths = {};
  };
  Here here = {};
  /// Whether it wants to hear values.
  bool hears() const { return options_.values; }
  /// Hears a value that is on the active tape, if it wants to.
  void hear(std::string_view name, Var<T> v) { hear(name, v, {v.index()}); }
  /// The same for the value of an expression that was made from these nodes.
  void hear(std::string_view name, Var<T> v, std::vector<std::uint32_t> nodes);

 private:
  static inline constinit thread_local Recorder* listening_ = nullptr;

  RecorderOptions options_;
  Recorder* previous_;
  std::deque<Watched<T>> all_;                        // at fixed addresses
  std::vector<std::pair<std::size_t, Var<T>>> kept_;  // whose gradients are not read yet, by their number in all_
};

/// For as long as it lives, what is watched on this thread stands in a certain layer, or step, …:
///
///     const At<T> at(&Place::layer, 1);
template <class T>
class At {
 public:
  template <class Member, class Owner>
  At(Member Owner::*what, const std::type_identity_t<Member>& value) : recorder_(Recorder<T>::listening()) {
    if (!recorder_) return;
    before_ = recorder_->here;
    recorder_->here.*what = value;
  }
  ~At() {
    if (recorder_) recorder_->here = *before_;
  }
  At(const At&) = delete;
  At& operator=(const At&) = delete;

 private:
  Recorder<T>* recorder_;
  std::optional<typename Recorder<T>::Here> before_;
};

namespace detail {
template <class T>
[[gnu::noinline]] void hear(Recorder<T>& recorder, const char* name, Var<T> v) {
  recorder.hear(name, v);
}
template <class T, class Op, class... Args>
[[gnu::noinline]] void hear(Recorder<T>& recorder, const char* name, const Expression<T, Op, Args...>& e) {
  if (!recorder.hears()) return;
  Var<T> leaves[Leaves<Expression<T, Op, Args...>>::value];
  collect(e, leaves);
  std::vector<std::uint32_t> nodes;
  for (const Var<T>& leaf : leaves) nodes.push_back(leaf.index());
  const Aside<T> aside;
  recorder.hear(name, record(e), std::move(nodes));
}
}  // namespace detail

/// The expression or value as it is; a recorder that listens hears it under that name.
template <detail::Operands A>
auto watch(const char* name, A&& x) {
  using T = detail::scalar_of_t<A>;
  static_assert(!detail::is_named_expression<A>(),
                "an expression held by auto would be computed again at each use: name it Var<T>");
  const auto operand = detail::operand<T>(x);
  if (Recorder<T>* const recorder = Recorder<T>::listening()) [[unlikely]]
    detail::hear(*recorder, name, operand);
  return operand;
}

extern template class Recorder<float>;
extern template class Recorder<double>;

}  // namespace carousel
