#pragma once
/// Sums of many terms with few rounding errors.

#include <algorithm>
#include <utility>

#include <carousel/lib/numbers/arena.hpp>
#include <carousel/lib/numbers/shape.hpp>

namespace carousel::detail {

/// The sum of many arrays of one size, element by element. A few at a time are added up in T, as fast as T is; what they make is
/// added in double. Summed in float alone, 10⁵ terms are off by 10⁻⁵ of their sum, and beyond 2²⁴ equal ones it stands still.
template <class T>
class WideSums {
 public:
  static constexpr Index at_once = 64;

  /// Of no array yet: all zeros. The memory is the scratch's.
  WideSums(Scratch& scratch, Index size) : size_(size), part_(scratch.take<T>(size)), whole_(scratch.take<double>(size)) {
    std::fill_n(part_, size_, T(0));
  }

  /// Where the next arrays are to be added, element by element.
  T* part() { return part_; }
  /// Says that so many arrays were added to part() since the last call: at most at_once of them.
  void added(Index count = 1) {
    if ((in_part_ += count) >= at_once) widen();
  }
  /// The sums, in place of part().
  const T* finish() {
    if (!is_wide_) return part_;
    widen();
    std::transform(whole_, whole_ + size_, part_, [](double sum) { return static_cast<T>(sum); });
    return part_;
  }

 private:
  void widen() {
    if (!std::exchange(is_wide_, true)) std::fill_n(whole_, size_, 0.0);
    for (Index i = 0; i < size_; ++i) whole_[i] += static_cast<double>(part_[i]);
    std::fill_n(part_, size_, T(0));
    in_part_ = 0;
  }

  Index size_, in_part_ = 0;
  bool is_wide_ = false;
  T* part_;
  double* whole_;
};

/// Adds arrays to the places that their ids name, in the order of the arrays. Where few name the same place, `add(id, i)` is to
/// add array i there; where many do, `add_to(sums, i)` to `sums`, of `size` elements, and at last `give(id, sums)` these to the
/// place.
template <class T, class Add, class AddTo, class Give>
void add_by_id(Scratch& scratch, const Index* ids, Index count, Index places, Index size, Add add, AddTo add_to, Give give) {
  if (count <= WideSums<T>::at_once) {
    for (Index i = 0; i < count; ++i) add(ids[i], i);
    return;
  }
  // For each place, its arrays as a list.
  Index *const first = scratch.take<Index>(places), *const next = scratch.take<Index>(count);
  std::fill_n(first, places, Index{-1});
  for (Index i = count; i-- > 0;) next[i] = std::exchange(first[ids[i]], i);
  for (Index id = 0; id < places; ++id) {
    Index named = 0;
    for (Index i = first[id]; i >= 0; i = next[i]) ++named;
    if (named <= WideSums<T>::at_once) {
      for (Index i = first[id]; i >= 0; i = next[i]) add(id, i);
      continue;
    }
    Scratch inner(scratch);
    WideSums<T> sums(inner, size);
    for (Index i = first[id]; i >= 0; i = next[i], sums.added()) add_to(sums.part(), i);
    give(id, sums.finish());
  }
}

}  // namespace carousel::detail
