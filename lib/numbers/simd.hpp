#pragma once
/// The one door to xsimd: SIMD registers for the engine's kernels, what its batches lack, and what its releases name differently.

#include <concepts>
#include <cstring>

#include <xsimd/xsimd.hpp>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A SIMD register full of T. Elementwise functions are written on it once, for every instruction set.
template <class T>
using Lane = xsimd::batch<T>;

namespace simd {

/// The number of elements in a register.
template <class T>
inline constexpr Index width = static_cast<Index>(Lane<T>::size);

/// The `width` elements from an address on, aligned or not.
template <class T>
Lane<T> load(const T* from) {
  return Lane<T>::load_unaligned(from);
}

/// Writes all lanes of a register.
template <class T>
void store(T* to, Lane<T> lane) {
  lane.store_unaligned(to);
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
  alignas(64) T padded[width<T>] = {};
  std::memcpy(padded, from, static_cast<std::size_t>(count) * sizeof(T));
  return Lane<T>::load_aligned(padded);
#endif
}

/// Writes the first `count` < width lanes and nothing past them.
template <class T>
void store_some(T* to, Lane<T> lane, Index count) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1), lane);
  else
    _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1U << count) - 1), lane);
#else
  alignas(64) T padded[width<T>];
  lane.store_aligned(padded);
  std::memcpy(to, padded, static_cast<std::size_t>(count) * sizeof(T));
#endif
}

/// The first `count` < width lanes of a, the others of b.
template <class T>
Lane<T> first_of(Lane<T> a, Index count, Lane<T> b) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4)
    return _mm512_mask_mov_ps(b, static_cast<__mmask16>((1U << count) - 1), a);
  else
    return _mm512_mask_mov_pd(b, static_cast<__mmask8>((1U << count) - 1), a);
#else
  alignas(64) T mixed[width<T>];
  b.store_aligned(mixed);
  store_some(mixed, a, count);
  return Lane<T>::load_aligned(mixed);
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

/// a * b + c, rounded once where the machine can.
template <class T>
Lane<T> fma(Lane<T> a, Lane<T> b, Lane<T> c) {
#ifdef __AVX512F__
  if constexpr (sizeof(T) == 4)
    return _mm512_fmadd_ps(a, b, c);
  else
    return _mm512_fmadd_pd(a, b, c);
#else
  return xsimd::fma(a, b, c);
#endif
}

/// The sum of all lanes.
template <class T>
T sum(Lane<T> lane) {
  if constexpr (requires { reduce_add(lane); })
    return reduce_add(lane);
  else
    return hadd(lane);  // its name in xsimd 8
}

/// The bits of a register, read as numbers of another type of the same size.
template <class To, class From>
Lane<To> bits_as(Lane<From> lane) {
  if constexpr (requires {
                  { xsimd::bitwise_cast<To>(lane) } -> std::same_as<Lane<To>>;
                })
    return xsimd::bitwise_cast<To>(lane);
  else
    return xsimd::bitwise_cast<Lane<To>>(lane);  // xsimd 8 is told the register
}

}  // namespace simd
}  // namespace carousel
