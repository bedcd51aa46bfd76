#pragma once
/// A SIMD register as a value: `Lane<float>` holds as many floats as a register of this machine, and arithmetic on it is one
/// instruction for all. It stands on the vector types that g++ and clang have for every processor.
///
/// A library could be this (xsimd was, until 0.2.0). But a register is what every statement of every user is compiled on, and
/// behind a library's choice of architectures each `+` was four templates: half of the time that a file took.

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace carousel::simd {

namespace detail {

#if defined(__AVX512F__)
#define CAROUSEL_LIBRARY_IS_FOR library_is_for_avx512
inline constexpr std::size_t register_bytes = 64;
#elif defined(__AVX__) && defined(__FMA__)
#define CAROUSEL_LIBRARY_IS_FOR library_is_for_avx_with_fma
inline constexpr std::size_t register_bytes = 32;
#elif defined(__AVX__)
#define CAROUSEL_LIBRARY_IS_FOR library_is_for_avx
inline constexpr std::size_t register_bytes = 32;
#else
#define CAROUSEL_LIBRARY_IS_FOR library_is_for_16_bytes
inline constexpr std::size_t register_bytes = 16;
#endif

/// The library defines this name for the registers that it was compiled for. A program that is compiled for others, whose
/// statements could not be mixed with those of the library, wants another name and does not link.
extern const char CAROUSEL_LIBRARY_IS_FOR;
[[gnu::used]] inline const char* const same_registers = &CAROUSEL_LIBRARY_IS_FOR;

template <class T, std::size_t Bytes>
struct VectorOf {
  typedef T type __attribute__((vector_size(Bytes)));
};

}  // namespace detail

/// Which elements of a register of T are meant: what a comparison of two registers gives.
template <class T>
struct LaneMask {
  using Bits =
      typename detail::VectorOf<std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>, detail::register_bytes>::type;
  Bits bits;  // all of an element, or none

  friend LaneMask operator&&(LaneMask a, LaneMask b) { return {a.bits & b.bits}; }
  friend LaneMask operator||(LaneMask a, LaneMask b) { return {a.bits | b.bits}; }
  friend LaneMask operator!(LaneMask a) { return {~a.bits}; }
};

/// A SIMD register full of T, a number of 4 or 8 bytes. Elementwise functions are written on it once, for every instruction set.
template <class T>
struct Lane {
  static constexpr std::size_t size = detail::register_bytes / sizeof(T);
  using Vector = typename detail::VectorOf<T, detail::register_bytes>::type;
  using Mask = LaneMask<T>;

  Vector data;

  Lane() = default;
  Lane(Vector v) : data(v) {}
  /// The same number in each element.
  Lane(T number) : data(number - Vector{}) {}

  friend Lane operator+(Lane a, Lane b) { return a.data + b.data; }
  friend Lane operator-(Lane a, Lane b) { return a.data - b.data; }
  friend Lane operator*(Lane a, Lane b) { return a.data * b.data; }
  friend Lane operator/(Lane a, Lane b) { return a.data / b.data; }
  friend Lane operator-(Lane a) { return -a.data; }
  Lane& operator+=(Lane b) { return *this = *this + b; }
  Lane& operator-=(Lane b) { return *this = *this - b; }
  Lane& operator*=(Lane b) { return *this = *this * b; }
  Lane& operator/=(Lane b) { return *this = *this / b; }

  friend Mask operator==(Lane a, Lane b) { return {a.data == b.data}; }
  friend Mask operator!=(Lane a, Lane b) { return {a.data != b.data}; }
  friend Mask operator<(Lane a, Lane b) { return {a.data < b.data}; }
  friend Mask operator<=(Lane a, Lane b) { return {a.data <= b.data}; }
  friend Mask operator>(Lane a, Lane b) { return {a.data > b.data}; }
  friend Mask operator>=(Lane a, Lane b) { return {a.data >= b.data}; }

  // Of the bits, of floating-point numbers too.
  friend Lane operator&(Lane a, Lane b) { return of_bits(bits(a) & bits(b)); }
  friend Lane operator|(Lane a, Lane b) { return of_bits(bits(a) | bits(b)); }
  friend Lane operator^(Lane a, Lane b) { return of_bits(bits(a) ^ bits(b)); }
  /// Of whole numbers.
  friend Lane operator<<(Lane a, int by) { return a.data << by; }
  friend Lane operator>>(Lane a, int by) { return a.data >> by; }

 private:
  using Bits = typename Mask::Bits;
  static Bits bits(Lane a) { return reinterpret_cast<Bits>(a.data); }
  static Lane of_bits(Bits b) { return reinterpret_cast<Vector>(b); }
};

/// The bits of a register, read as numbers of another type of the same size.
template <class To, class From>
Lane<To> bits_as(Lane<From> lane) {
  return reinterpret_cast<typename Lane<To>::Vector>(lane.data);
}

/// The elements of a that are meant, the others of b.
template <class T>
Lane<T> select(LaneMask<T> mask, Lane<T> a, Lane<T> b) {
  return mask.bits ? a.data : b.data;
}
/// Whether any element is meant.
template <class T>
bool any(LaneMask<T> mask) {
  bool found = false;
  for (std::size_t i = 0; i < Lane<T>::size; ++i) found |= mask.bits[i] != 0;
  return found;
}

// The function's result by this processor's instruction of that name, for floats or for doubles. Those of AVX-512 without a mask
// make g++ 12 warn of its own header.
#if defined(__AVX512F__)
#define CAROUSEL_X86(name, ...)                           \
  if constexpr (sizeof(T) == 4)                           \
    return _mm512_maskz_##name##_ps(0xffff, __VA_ARGS__); \
  else                                                    \
    return _mm512_maskz_##name##_pd(0xff, __VA_ARGS__)
#elif defined(__AVX__)
#define CAROUSEL_X86(name, ...)             \
  if constexpr (sizeof(T) == 4)             \
    return _mm256_##name##_ps(__VA_ARGS__); \
  else                                      \
    return _mm256_##name##_pd(__VA_ARGS__)
#elif defined(__x86_64__)
#define CAROUSEL_X86(name, ...)          \
  if constexpr (sizeof(T) == 4)          \
    return _mm_##name##_ps(__VA_ARGS__); \
  else                                   \
    return _mm_##name##_pd(__VA_ARGS__)
#endif

/// a where a < b, else b: of NaN and a number the second.
template <class T>
Lane<T> min(Lane<T> a, Lane<T> b) {
#ifdef CAROUSEL_X86
  CAROUSEL_X86(min, a.data, b.data);
#else
  return select(a < b, a, b);
#endif
}
/// a where a > b, else b: of NaN and a number the second.
template <class T>
Lane<T> max(Lane<T> a, Lane<T> b) {
#ifdef CAROUSEL_X86
  CAROUSEL_X86(max, a.data, b.data);
#else
  return select(a > b, a, b);
#endif
}

/// The bit of the sign, alone.
template <class T>
Lane<T> sign_bit(Lane<T> x) {
  return x & Lane<T>(T(-0.0));
}
/// |x|.
template <class T>
Lane<T> abs(Lane<T> x) {
  return x ^ sign_bit(x);
}
/// −1, 0 or 1; NaN of NaN.
template <class T>
Lane<T> sign(Lane<T> x) {
  const Lane<T> zero(T(0)), one = Lane<T>(T(1)) | sign_bit(x);
  return select(x == zero, zero, select(x == x, one, x));
}

/// The largest whole number that is not greater.
template <class T>
Lane<T> floor(Lane<T> x) {
  const Lane<T> whole(sizeof(T) == 4 ? T(0x1p23) : T(0x1p52)), size = abs(x);  // from here on all are
  const Lane<T> near = select(size < whole, ((size + whole) - whole) | sign_bit(x), x);
  return select(near > x, near - Lane<T>(T(1)), near);
}

/// √x, rounded once.
template <class T>
Lane<T> sqrt(Lane<T> x) {
#ifdef CAROUSEL_X86
  CAROUSEL_X86(sqrt, x.data);
#elif defined(__aarch64__)
  if constexpr (sizeof(T) == 4)
    return vsqrtq_f32(x.data);
  else
    return vsqrtq_f64(x.data);
#else
  for (std::size_t i = 0; i < Lane<T>::size; ++i) x.data[i] = static_cast<T>(__builtin_sqrt(x.data[i]));
  return x;
#endif
}

#undef CAROUSEL_X86

/// a * b + c, rounded once where the machine can.
template <class T>
Lane<T> fma(Lane<T> a, Lane<T> b, Lane<T> c) {
  [[maybe_unused]] constexpr bool single = sizeof(T) == 4;
#if defined(__AVX512F__)
  if constexpr (single)
    return _mm512_fmadd_ps(a.data, b.data, c.data);
  else
    return _mm512_fmadd_pd(a.data, b.data, c.data);
#elif defined(__FMA__)
  if constexpr (single)
    return _mm256_fmadd_ps(a.data, b.data, c.data);
  else
    return _mm256_fmadd_pd(a.data, b.data, c.data);
#elif defined(__aarch64__)
  if constexpr (single)
    return vfmaq_f32(c.data, a.data, b.data);
  else
    return vfmaq_f64(c.data, a.data, b.data);
#else
  return a * b + c;
#endif
}

namespace detail {

/// The upper half of a vector added to the lower one.
template <class V, std::size_t... I>
auto halved(V v, std::index_sequence<I...>) {
  return __builtin_shufflevector(v, v, I...) + __builtin_shufflevector(v, v, (I + sizeof...(I))...);
}

template <class T, class V>
T sum(V v) {
  if constexpr (sizeof(V) > 16)
    return sum<T>(halved(v, std::make_index_sequence<sizeof(V) / sizeof(T) / 2>()));
  else if constexpr (sizeof(T) == 4)
    return (v[0] + v[1]) + (v[2] + v[3]);
  else
    return v[0] + v[1];
}

}  // namespace detail

/// The sum of all elements: halves are added down to 16 bytes, then neighbours.
template <class T>
T sum(Lane<T> lane) {
  return detail::sum<T>(lane.data);
}

}  // namespace carousel::simd

namespace carousel {
// What can be called on one is found beside it: in a function of a user's, `abs(x)`.
using simd::Lane;
}  // namespace carousel
