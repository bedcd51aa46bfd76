#pragma once
/// The tape: reverse-mode differentiation over an array of nodes.
///
/// Every op that makes a value appends one node: where the value lies, its shape, and how to send a gradient back to what it was
/// made from. Nodes are appended in the order of computation, so that each comes after its operands, and the whole of
/// backpropagation is one loop over the array from the loss down to the first node:
///
///     Tape<float> tape;                        // from here on, ops of this thread record here
///     Var<float> x = tape.variable(data);      // node 0: a leaf
///     Var<float> y = x * x;                    // node 1: remembers that it came from node 0, twice
///     backward(mean(y));                       // node 2 seeds its gradient with 1, node 1 gets ∂/∂y, node 0 gets ∂/∂x
///     tape.gradient(x);
///     tape.clear();                            // the memory is used again by the next step
///
/// A node's gradient has no memory until something arrives. The first arrival is assigned, later ones are added, so that nothing
/// is filled with zeros first, except where only a part arrives.
///
/// A view (a gate of a split, a time slice, a reshape) is a node whose value lies inside another's; its gradient lies inside the
/// other's gradient, at the same place. Where views divide a node into parts without gap or overlap they are its members, each
/// knows by itself whether a gradient has arrived, and parts that none reached are zeroed just before the whole is used.
///
/// A product x·W, with W a weight, sends nothing to W at once: it leaves a note (x, ∂/∂(x·W)) with W. The notes are added up when
/// the loop reaches W, which lies below all its uses; notes that lie side by side in memory, as the steps of a sequence do,
/// become one large matrix product.
///
/// A Var is a small handle: the index of its node and the serial that this got from its tape. clear() and rewind() forget nodes
/// and renew the serial, so that a handle whose node was forgotten throws, though another node has its index; it never reads
/// freed memory. A parameter that entered lives at least until clear().

#include <concepts>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <carousel/lib/numbers/arena.hpp>
#include <carousel/lib/numbers/strided.hpp>
#include <carousel/lib/numbers/tensor.hpp>
#include <carousel/lib/tape/activation.hpp>
#include <carousel/lib/tape/describe.hpp>
#include <carousel/lib/tape/loop.hpp>
#include <carousel/lib/tape/node.hpp>

namespace carousel {

template <class T>
class Parameter;
template <class T>
class Param;

namespace detail {
template <class T>
class ParameterStore;
/// A number that no tape has had: unique in the process, never 0.
std::uint64_t next_serial();
struct AnyExpression;
template <class E, class T>
concept ExpressionOf = std::derived_from<E, AnyExpression> && std::is_same_v<typename E::Scalar, T>;
}  // namespace detail

/// A handle to a value on the tape that is active on this thread.
template <class T>
class Var {
 public:
  /// No value; any use throws std::logic_error.
  Var() = default;
  Var(std::uint32_t index, std::uint64_t serial) : serial_(serial), index_(index) {}
  /// Computes an expression: one node, one pass over memory. (Defined in expression.hpp.)
  template <class E>
  requires detail::ExpressionOf<std::remove_cvref_t<E>, T> Var(E&& expression);
  /// The parameter as a value on the active tape, where it enters once.
  Var(const Param<T>& parameter);

  std::uint32_t index() const { return index_; }
  std::uint64_t serial() const { return serial_; }
  Shape shape() const;
  /// A copy of the value.
  Tensor<T> value() const;
  /// The single element of a value of size 1; throws std::invalid_argument for another size.
  T item() const;

 private:
  std::uint64_t serial_ = 0;
  std::uint32_t index_ = 0;
};

/// What backward() does with the gradients of parameters.
enum class Gradients {
  replace,  ///< the parameters' gradients are those of this pass
  add,      ///< this pass is added to them: gradient accumulation
  keep,     ///< they stay on the tape, for add_to_parameters(): several tapes at once
};

/// An array of nodes and the memory of their values. Constructing one makes it the active tape of this thread for T; destroying
/// it, here or on another thread, makes the one before active again. Handles of one tape used while another is active throw.
template <class T>
class Tape {
 public:
  using Node = detail::Node<T>;

  Tape();
  /// A tape that is not active: an Activation makes it so where and when it is to be used.
  struct Idle {};
  explicit Tape(Idle);
  ~Tape();
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  /// The active tape of this thread; throws std::logic_error if there is none.
  static Tape& active() {
    Tape* const tape = detail::Thread<T>::here().active;
    if (!tape) no_active_tape();
    return *tape;
  }

  /// Forgets all nodes and keeps their memory for the next step. Handles made so far become stale. Throws std::logic_error inside
  /// a scan.
  void clear();

  /// A leaf that holds a copy of the data and receives a gradient.
  Var<T> variable(const Tensor<T>& data);
  /// A leaf that holds a copy of the data and receives none.
  Var<T> constant(const Tensor<T>& data);
  /// A leaf without gradient, of that shape, for the caller to fill through `data()`.
  Var<T> constant(const Shape& shape);
  /// The elements of a packed value, row by row; valid until clear(). Throws std::invalid_argument for a view with gaps.
  T* data(Var<T> v);

  /// Copies the elements of a value, row by row, to memory for all of them.
  void copy_elements(Var<T> v, T* to);
  /// Copies a value into a tensor, whose memory is used again if the shape is the same.
  void copy_value(Var<T> v, Tensor<T>& to);
  /// The gradient of a leaf, or of a value passed to keep_gradient, after backward(); zeros if none arrived. Throws
  /// std::logic_error for a parameter whose gradient is no longer that of this backward() alone.
  Tensor<T> gradient(Var<T> v);
  /// Asks backward() to keep the gradient of an inner value.
  void keep_gradient(Var<T> v);
  /// Sends ∂loss/∂· to all leaves and parameters. Throws std::invalid_argument unless the loss holds one number, and
  /// std::logic_error if the tape was consumed already or a parameter has changed since it entered the tape.
  void backward(Var<T> loss, Gradients gradients = Gradients::replace);
  /// Adds the gradients that backward(…, Gradients::keep) left on this tape to those of the parameters.
  void add_to_parameters();
  /// Forgets the gradients on this tape, so that backward() can run again while somebody looks on.
  void forget_gradients();

  /// Number of nodes recorded since the last clear().
  std::size_t size() const { return nodes_.size(); }
  /// Bytes held for values and gradients.
  std::size_t bytes() const { return arena_.capacity() + gradients_.capacity(); }
  /// False within a NoGrad: ops compute, and leave no way back.
  bool recording() const { return recording_; }
  /// True: expressions are recorded as one node per operation, as a reference for the fused form.
  bool composed = false;
  /// Who looks on, or null.
  detail::Observer<T>* observer = nullptr;

  /// A line for each node: its number, shape, op or formula, operands, parameter, what it is a view of.
  std::string text() const;
  /// The line of one node, without its number.
  std::string text(std::uint32_t index) const;
  /// Prints text() to stderr: `call tape.print()` in a debugger.
  void print() const;
  /// What a node was made from, as far as that is known: ops without gradient keep nothing.
  detail::Description describe(std::uint32_t index) const;

  // The rest is for ops.

  /// The node behind a handle; throws std::logic_error if the handle is stale or of another tape.
  Node& node(Var<T> v) {
    if (v.index() >= nodes_.size() || nodes_[v.index()].serial != v.serial()) stale(v);
    return nodes_[v.index()];
  }
  Node& node(std::uint32_t index) { return nodes_[index]; }
  Var<T> enter(Parameter<T>& parameter);
  Var<T> handle(std::uint32_t index) const { return {index, nodes_[index].serial}; }

  /// A layout for nodes that are recorded from now on.
  const detail::Layout& layout(const Shape& shape) { return *new (arena_.take(sizeof(detail::Layout))) detail::Layout(shape); }
  const detail::Layout& layout(const Shape& shape, const detail::Strides& strides) {
    return *new (arena_.take(sizeof(detail::Layout))) detail::Layout(shape, strides);
  }
  /// Appends a node with undefined, packed elements.
  Var<T> record(const Shape& shape, bool needs_gradient) { return record(layout(shape), needs_gradient); }
  /// The same, with the packed layout of an older node.
  Var<T> record(const detail::Layout& layout, bool needs_gradient);
  /// Appends a view of a part of `of`, `offset` elements from its start. A member promises that it and its sisters divide `of`.
  Var<T> view(Var<T> of, const detail::Layout& layout, Index offset, bool member);
  /// Says how the latest node sends its gradient back; the closure is copied into the tape.
  template <class Closure>
  void set_backward(Var<T> v, const detail::Operation<T>& operation, const Closure& closure) {
    static_assert(std::is_trivially_destructible_v<Closure>);
    Node& node = nodes_[v.index()];
    node.operation = &operation;
    if (node.needs_gradient) node.closure = new (arena_.take(sizeof(Closure))) Closure(closure);
  }
  /// The same with a closure that lies in the tape's memory already.
  void set_backward_in_place(Var<T> v, const detail::Operation<T>& operation, const void* closure) {
    nodes_[v.index()].operation = &operation;
    nodes_[v.index()].closure = closure;
  }
  /// True if any of the operands wants a gradient and the tape records.
  template <class... Vars>
  bool needs_gradient(const Vars&... vars) {
    return recording_ && (... || node(vars).needs_gradient);
  }
  /// Scratch memory until clear(), or a rewind.
  detail::Arena& arena() { return arena_; }

  /// Whether a gradient has arrived at every element of the node.
  bool touched(std::uint32_t index) const;
  /// Where gradients of the node go; its elements are undefined while the node is untouched.
  T* gradient_buffer(std::uint32_t index) {
    T* const grad = nodes_[index].grad;
    return grad ? grad : make_gradient_buffer(index);
  }
  /// Whether a gradient has arrived at any element of the node.
  bool reached(std::uint32_t index) const;
  /// Announces a gradient for every element of the node: true if it must be added to the buffer, false if it must be assigned.
  bool claim(std::uint32_t index) {
    Node& node = nodes_[index];
    if (node.is_view() || node.members != detail::none) return claim_part(index);
    gradient_buffer(index);
    return std::exchange(node.touched, true);
  }
  /// Zeroes what no gradient has reached, so that all may be added to.
  void complete(std::uint32_t index);
  /// Lends memory as the gradient of an untouched node, which becomes touched.
  void lend_gradient(std::uint32_t index, T* memory);
  /// Leaves a note: ∂L/∂(node) += aᵀ dz, to be added when backward reaches the node. If a is null, it is a column of
  /// ones: the node is one row.
  void defer_product(std::uint32_t index, const T* a, Index lda, const T* dz, Index ldz, Index rows);
  /// The value of a 2-D node (with unit stride along its rows), or its transpose, packed for gemm_packed; made once.
  const T* packing(std::uint32_t index, bool transposed);

  /// The loop that runs now, if any.
  detail::Loop<T>* loop() const { return loop_; }
  /// Starts a loop over the first axis of `input` within the one that runs; end_loop() goes back to that.
  detail::Loop<T>& begin_loop(Index steps, std::uint32_t input);
  void end_loop();
  /// As record(), but the node belongs to all steps of the loop that runs.
  Var<T> record_outside_loop(const Shape& shape, bool needs_gradient);
  /// A node whose value lies at `value`, memory of this tape that no other node with a gradient uses.
  Var<T> record_at(T* value, const detail::Layout& layout, bool needs_gradient);
  /// Forgets the nodes from `count` on and memory from `mark` on, and what older nodes know of them: for loops that keep no
  /// history.
  void rewind(std::size_t count, detail::Arena::Mark mark);

 private:
  friend class NoGrad<T>;
  friend class Aside<T>;
  friend class detail::Forgetting<T>;
  friend struct detail::ActiveEntry<T>;
  [[noreturn]] static void no_active_tape();
  [[noreturn]] void stale(Var<T> v) const;
  T* take_gradient(Index size);
  T* make_gradient_buffer(std::uint32_t index);
  void hold(Parameter<T>& parameter);
  void forget(std::size_t count);
  bool claim_part(std::uint32_t index);
  bool any_member_reached(const Node& node) const;
  void check_parameters() const;
  void release_gradient(Node& node);
  void add_products(std::uint32_t index);
  void zero(const Node& node);
  template <class After>
  void sweep(std::uint32_t last, bool keep, After after);

  std::vector<Node> nodes_;
  detail::Arena arena_, gradients_;
  std::uint64_t serial_;            // of the nodes that are recorded now
  std::uint64_t gradients_of_ = 0;  // marks registries whose gradients are of this tape alone; 0: they are on the tape
  bool recording_ = true, consumed_ = false;
  detail::ActiveEntry<T> own_;                 // where its constructor made it active
  detail::ActiveEntry<T>* entries_ = nullptr;  // where it is active
  NoGrad<T>* no_grads_ = nullptr;              // that live
  std::size_t uncleared_ = 0;                  // scopes that rely on its nodes
  detail::Loop<T>* loop_ = nullptr;
  std::deque<detail::Loop<T>> loops_;  // one for each depth of nesting that has occurred
  std::size_t loop_depth_ = 0;
  std::vector<std::uint32_t> parameter_nodes_;  // by the parameter's id: the node that was its last
  struct Packing {
    std::uint32_t node;
    bool transposed;
    detail::Arena::Mark before;  // where its memory begins
  };
  std::vector<Packing> packings_;                                 // in the order of their making
  std::vector<std::uint32_t> entered_;                            // the nodes of parameters
  std::vector<std::shared_ptr<detail::ParameterStore<T>>> held_;  // where these live
  struct FreeGradients {
    Index size;
    std::vector<T*> blocks;
  };
  std::vector<FreeGradients> free_gradients_;
};

/// Sends ∂loss/∂· through the active tape; see Tape::backward.
inline void backward(Var<float> loss, Gradients gradients = Gradients::replace) {
  Tape<float>::active().backward(loss, gradients);
}
inline void backward(Var<double> loss, Gradients gradients = Gradients::replace) {
  Tape<double>::active().backward(loss, gradients);
}

/// The same value without a way back: gradients stop here.
Var<float> detach(Var<float> v);
Var<double> detach(Var<double> v);

extern template class Var<float>;
extern template class Var<double>;
extern template struct detail::ActiveEntry<float>;
extern template struct detail::ActiveEntry<double>;
extern template class NoGrad<float>;
extern template class NoGrad<double>;
extern template class Tape<float>;
extern template class Tape<double>;

}  // namespace carousel
