#pragma once
/// Between memory and registers: whole ones, the first elements of one, and rows that end within one.

#include <cstring>

#include <carousel/lib/numbers/lane.hpp>
#include <carousel/lib/numbers/shape.hpp>

namespace carousel::simd {

/// The number of elements in a register.
template <class T>
inline constexpr Index width = static_cast<Index>(Lane<T>::size);

/// The `width` elements from an address on, aligned or not.
template <class T>
Lane<T> load(const T* from) {
  Lane<T> lane;
  std::memcpy(&lane.data, from, sizeof lane.data);
  return lane;
}

/// Writes all lanes of a register.
template <class T>
void store(T* to, Lane<T> lane) {
  std::memcpy(to, &lane.data, sizeof lane.data);
}

/// The first `count` < width elements; the other lanes are 0. Reads nothing past them.
template <class T>
Lane<T> load_some(const T* from, Index count) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4)
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1), from);
  else
    return _mm512_maskz_loadu_pd(static_cast<__mmask8>((1U << count) - 1), from);
#else
  Lane<T> lane(T(0));
  std::memcpy(&lane.data, from, static_cast<std::size_t>(count) * sizeof(T));
  return lane;
#endif
}

/// Writes the first `count` < width lanes and nothing past them.
template <class T>
void store_some(T* to, Lane<T> lane, Index count) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), lane.data);
  else
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), lane.data);
#else
  std::memcpy(to, &lane.data, static_cast<std::size_t>(count) * sizeof(T));
#endif
}

/// The first `count` elements from an address on, at most a register full.
template <class T>
Lane<T> load_first(const T* from, Index count) {
  return count < width<T> ? load_some(from, count) : load(from);
}
/// Writes the first `count` lanes, at most all.
template <class T>
void store_first(T* to, Lane<T> lane, Index count) {
  count < width<T> ? store_some(to, lane, count) : store(to, lane);
}

/// The first `count` < width lanes of a, the others of b.
template <class T>
Lane<T> first_of(Lane<T> a, Index count, Lane<T> b) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4)
    return _mm512_mask_mov_ps(b.data, static_cast<__mmask16>((1U << count) - 1), a.data);
  else
    return _mm512_mask_mov_pd(b.data, static_cast<__mmask8>((1U << count) - 1), a.data);
#else
  std::memcpy(&b.data, &a.data, static_cast<std::size_t>(count) * sizeof(T));
  return b;
#endif
}

/// Which lanes of a register count: all of them, or the first few.
struct Whole {};
/// The first `count` lanes of a register.
struct Part {
  Index count;
};

/// Loads the lanes that count; the others are 0.
template <class T>
Lane<T> load(const T* from, Whole) {
  return load(from);
}
template <class T>
Lane<T> load(const T* from, Part part) {
  return load_some(from, part.count);
}
/// Writes the lanes that count and nothing past them.
template <class T>
void store(T* to, Lane<T> lane, Whole) {
  store(to, lane);
}
template <class T>
void store(T* to, Lane<T> lane, Part part) {
  store_some(to, lane, part.count);
}
/// The lanes that count; `other` in those that do not.
template <class T>
Lane<T> only(Lane<T> lane, Whole, T) {
  return lane;
}
template <class T>
Lane<T> only(Lane<T> lane, Part part, T other) {
  return first_of(lane, part.count, Lane<T>(other));
}

/// Calls f(place of the first lane, Whole or Part) for each register full of a row of n elements.
template <class T, class F>
void for_each_lane(Index n, F f) {
  Index i = 0;
  for (; i + width<T> <= n; i += width<T>) f(i, Whole());
  if (i < n) f(i, Part{n - i});
}

/// The sum of many registers, lane by lane: some are added up at a time, and what they make with the rounding error of each
/// addition carried to the next. Kahan 1965, "Further remarks on reducing truncation errors".
template <class T>
class LongSum {
 public:
  void add(Lane<T> x) {
    part_ += x;
    if (++terms_ % 64 == 0) carry();
  }
  Lane<T> total() {
    carry();
    return sum_;
  }

 private:
  void carry() {
    const Lane<T> part = part_ - lost_, sum = sum_ + part;
    lost_ = (sum - sum_) - part;
    sum_ = sum;
    part_ = Lane<T>(T(0));
  }

  Lane<T> part_{T(0)}, sum_{T(0)}, lost_{T(0)};
  unsigned terms_ = 0;
};

}  // namespace carousel::simd
