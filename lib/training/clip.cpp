#include <carousel/lib/training/clip.hpp>

#include <cmath>

#include <carousel/lib/error.hpp>
#include <carousel/lib/numbers/simd.hpp>

namespace carousel {

namespace {

/// Replaces every element of the gradients that step() will use, a register at a time.
template <class T, class F>
void change_gradients(Registry<T>& registry, const F& f) {
  for (Parameter<T>& parameter : registry)
    if (parameter.has_gradient && !parameter.frozen) {
      T* g = parameter.gradient.data();
      const auto size = static_cast<Index>(parameter.gradient.size());
      Index j = 0;
      for (; j + simd::width<T> <= size; j += simd::width<T>) simd::store(g + j, f(simd::load(g + j)));
      if (j < size) simd::store_some(g + j, f(simd::load_some(g + j, size - j)), size - j);
    }
}

}  // namespace

template <class T>
double gradient_norm(const Registry<T>& registry) {
  constexpr Index at_once = 16;  // sums side by side, the same number on every machine
  double sums[at_once] = {};
  for (const Parameter<T>& parameter : registry) {
    if (!parameter.has_gradient || parameter.frozen) continue;
    const T* g = parameter.gradient.data();
    const auto size = static_cast<Index>(parameter.gradient.size());
    Index j = 0;
    for (; j + at_once <= size; j += at_once)
      for (Index k = 0; k < at_once; ++k) sums[k] += static_cast<double>(g[j + k]) * static_cast<double>(g[j + k]);
    for (Index k = 0; j + k < size; ++k) sums[k] += static_cast<double>(g[j + k]) * static_cast<double>(g[j + k]);
  }
  double sum = 0;
  for (double part : sums) sum += part;
  return std::sqrt(sum);
}

template <class T>
double clip_by_norm(Registry<T>& registry, double max_norm) {
  if (!(max_norm > 0)) wrong_argument("clip_by_norm: max_norm is ", max_norm, ": must be above 0");
  const double norm = gradient_norm(registry);
  if (std::isfinite(norm) && norm > max_norm) {
    const Lane<T> scale(static_cast<T>(max_norm / norm));
    change_gradients(registry, [=](Lane<T> g) { return g * scale; });
  }
  return norm;
}

template <class T>
void clip_by_value(Registry<T>& registry, double limit) {
  if (!(limit > 0)) wrong_argument("clip_by_value: limit is ", limit, ": must be above 0");
  const Lane<T> high(static_cast<T>(limit)), low(static_cast<T>(-limit));
  change_gradients(registry, [=](Lane<T> g) { return simd::select(g > high, high, simd::select(g < low, low, g)); });
}

#define CAROUSEL_INSTANTIATE(T)                          \
  template double gradient_norm<T>(const Registry<T>&);  \
  template double clip_by_norm<T>(Registry<T>&, double); \
  template void clip_by_value<T>(Registry<T>&, double);
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel
