#pragma once
/// SIMD registers for the engine's kernels: xsimd's batches, and the three things that they lack in Debian 12's version.

#include <cstring>

#include <xsimd/xsimd.hpp>

#include <carousel/lib/tensor.hpp>

namespace carousel {

/// A SIMD register full of T. Elementwise functions are written on it once, for every instruction set.
template <class T>
using Lane = xsimd::batch<T>;

namespace simd {

template <class T>
inline constexpr Index width = static_cast<Index>(Lane<T>::size);

template <class T>
Lane<T> load(const T* from) {
  return Lane<T>::load_unaligned(from);
}

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
  return xsimd::hadd(lane);
}

}  // namespace simd
}  // namespace carousel
