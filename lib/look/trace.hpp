#pragma once
/// Where a number that is not finite came from.
///
///     Trace<float> trace;
///     const Var<float> loss = trace.follow([&] { return loss_of(batch); });
///     if (!std::isfinite(loss.item())) std::cerr << trace.find(loss);
///
///     forward, layer 1, step 7: exp(%412) is inf at [3, 17] of [16, 64]
///       %412 is 91.25 at [3, 17]: [16, 64] affine of %398, net/wx, %405, net/wh, net/b

#include <string>
#include <vector>

#include <carousel/lib/look/watch.hpp>

namespace carousel {

/// Knows the place of every node of a tape, and finds the first that is not finite.
template <class T>
class Trace final : private detail::Observer<T> {
 public:
  /// Runs f, which fills the active tape, and looks on.
  template <class F>
  auto follow(const F& f) {
    const Following following(*this);
    return f();
  }

  /// Some lines about the first value on the active tape that is NaN or infinite, in the order of computing; if all values are
  /// finite, about the first such gradient, for which the loss is sent back once more, apart from the parameters. An infinity
  /// that a formula holds, as masks do, and what is made of it, does not count; a NaN that was put in, as behind the end of a
  /// shorter example, only if nothing else is found. Nothing if there is none.
  std::string find(Var<T> loss);

  /// Where in a model a node was recorded.
  struct Where {
    Place place = {};
    bool in_cell = false;  ///< by a cell; else its layer says nothing
  };
  Where place(std::uint32_t node) const { return node < places_.size() ? places_[node] : Where{}; }

 private:
  struct Following {
    explicit Following(Trace& t) : trace(t), tape(Tape<T>::active()), before(tape.observer), recorder({.values = false}) {
      tape.observer = &trace;
    }
    ~Following() { tape.observer = before; }
    Following(const Following&) = delete;
    Following& operator=(const Following&) = delete;
    Trace& trace;
    Tape<T>& tape;
    detail::Observer<T>* before;
    Recorder<T> recorder;
  };

  void recorded(Tape<T>& tape, std::uint32_t index) override;
  void sent_back(Tape<T>& tape, std::uint32_t index) override;
  std::string in_place(std::uint32_t index) const;
  std::string find_value(Tape<T>& tape) const;
  std::string find_put_in(Tape<T>& tape) const;
  std::string about_operands(Tape<T>& tape, std::uint32_t index, Index element) const;

  std::vector<Where> places_;  // of the nodes
  std::string found_;          // in backward
};

extern template class Trace<float>;
extern template class Trace<double>;

}  // namespace carousel
