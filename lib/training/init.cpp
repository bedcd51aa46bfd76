#include <carousel/lib/training/init.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace carousel::init {

namespace {

void must_be_finite(const char* op, const char* what, double value) {
  if (!std::isfinite(value)) wrong_argument(op, ": ", what, " is ", value, ": must be finite");
}

struct Fans {
  double in, out;
};

Fans fans_of(const char* op, const Shape& shape) {
  if (shape.rank() == 2) return {static_cast<double>(shape[0]), static_cast<double>(shape[1])};
  if (shape.rank() != 4) wrong_argument(op, ": shape is ", shape, ": must be [in, out] or [out, in, height, width]");
  const auto window = static_cast<double>(shape[2] * shape[3]);
  return {static_cast<double>(shape[1]) * window, static_cast<double>(shape[0]) * window};
}

template <class T, class Draw>
Tensor<T> fill(const Shape& shape, const Draw& draw) {
  Tensor<T> out = empty<T>(shape);
  std::generate_n(out.data(), out.size(), [&] { return static_cast<T>(draw()); });
  return out;
}

// The recipe whose deviation is a function of the fans: uniform or normal.
template <class T, class Deviation>
Init<T> scaled(const char* op, bool normal, Deviation deviation) {
  return [=](const Shape& shape, Random& random) {
    const double d = deviation(fans_of(op, shape));
    if (normal) return fill<T>(shape, [&] { return random.normal(0, d); });
    const double limit = std::sqrt(3.0) * d;  // a uniform in ±a has the variance a²/3
    return fill<T>(shape, [&] { return random.uniform(-limit, limit); });
  };
}

template <class T>
Init<T> xavier(const char* op, bool normal, double gain) {
  must_be_finite(op, "gain", gain);
  return scaled<T>(op, normal, [=](Fans fans) { return gain * std::sqrt(2 / (fans.in + fans.out)); });
}

template <class T>
Init<T> he(const char* op, bool normal, double slope) {
  must_be_finite(op, "slope", slope);
  return scaled<T>(op, normal, [=](Fans fans) { return std::sqrt(2 / ((1 + slope * slope) * fans.in)); });
}

// Four sums side by side: fast, and in one order on every machine.
double dot(const double* a, const double* b, Index n) {
  double sums[4] = {};
  Index i = 0;
  for (; i + 4 <= n; i += 4)
    for (Index lane = 0; lane < 4; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  for (; i < n; ++i) sums[0] += a[i] * b[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Makes the rows of q: [count, length] orthonormal, count ≤ length, by Gram-Schmidt. Each row is cleared of the earlier ones
// twice, which makes it orthogonal to rounding (Giraud, Langou, Rozloznik 2005). Norms are positive, and so is the diagonal of R.
void orthonormalise(std::vector<double>& q, Index count, Index length) {
  for (Index row = 0; row < count; ++row) {
    double* x = q.data() + row * length;
    for (int pass = 0; pass < 2; ++pass)
      for (Index earlier = 0; earlier < row; ++earlier) {
        const double* y = q.data() + earlier * length;
        const double part = dot(x, y, length);
        for (Index i = 0; i < length; ++i) x[i] -= part * y[i];
      }
    const double norm = std::sqrt(dot(x, x, length));
    for (Index i = 0; i < length; ++i) x[i] /= norm;
  }
}

}  // namespace

template <class T>
Init<T> constant(double value) {
  return [=](const Shape& shape, Random&) { return full<T>(shape, static_cast<T>(value)); };
}

template <class T>
Init<T> uniform(double lo, double hi) {
  must_be_finite("uniform", "lo", lo);
  must_be_finite("uniform", "hi", hi);
  if (lo > hi) wrong_argument("uniform: lo is ", lo, ", hi is ", hi, ": lo must not exceed hi");
  return [=](const Shape& shape, Random& random) { return fill<T>(shape, [&] { return random.uniform(lo, hi); }); };
}

template <class T>
Init<T> normal(double mean, double deviation) {
  must_be_finite("normal", "mean", mean);
  must_be_finite("normal", "deviation", deviation);
  if (deviation < 0) wrong_argument("normal: deviation is ", deviation, ": must not be negative");
  return [=](const Shape& shape, Random& random) { return fill<T>(shape, [&] { return random.normal(mean, deviation); }); };
}

template <class T>
Init<T> xavier_uniform(double gain) {
  return xavier<T>("xavier_uniform", false, gain);
}

template <class T>
Init<T> xavier_normal(double gain) {
  return xavier<T>("xavier_normal", true, gain);
}

template <class T>
Init<T> he_uniform(double slope) {
  return he<T>("he_uniform", false, slope);
}

template <class T>
Init<T> he_normal(double slope) {
  return he<T>("he_normal", true, slope);
}

template <class T>
Init<T> orthogonal(double gain) {
  must_be_finite("orthogonal", "gain", gain);
  return [=](const Shape& shape, Random& random) {
    fans_of("orthogonal", shape);
    const Index rows = shape[0];
    const Index columns = rows == 0 ? 0 : shape.size() / rows;
    const Index count = std::min(rows, columns), length = std::max(rows, columns);
    std::vector<double> q(static_cast<std::size_t>(count * length));
    for (double& element : q) element = random.normal();
    orthonormalise(q, count, length);
    Tensor<T> out = empty<T>(shape);
    const Index by_row = rows > columns ? 1 : length, by_column = rows > columns ? length : 1;
    for (Index row = 0; row < rows; ++row)
      for (Index column = 0; column < columns; ++column)
        out.data()[row * columns + column] =
            static_cast<T>(gain * q[static_cast<std::size_t>(row * by_row + column * by_column)]);
    return out;
  };
}

template <class T>
Init<T> blocks(std::vector<Init<T>> recipes) {
  if (recipes.empty()) wrong_argument("blocks: 0 recipes: must be at least 1");
  return [recipes = std::move(recipes)](const Shape& shape, Random& random) {
    const auto count = static_cast<Index>(recipes.size());
    if (shape.rank() == 0 || shape.back() % count != 0)
      wrong_argument("blocks: shape is ", shape, ": last axis must be a multiple of ", count);
    Shape part = shape;
    const Index width = part[part.rank() - 1] /= count;
    Tensor<T> out = empty<T>(shape);
    for (Index block = 0; block < count; ++block) {
      const Tensor<T> drawn = recipes[static_cast<std::size_t>(block)](part, random);
      if (shape_of(drawn) != part) wrong_argument("blocks: recipe ", block, " gave ", shape_of(drawn), ": must give ", part);
      if (width == 0) continue;
      for (Index row = 0; row < part.size() / width; ++row)
        std::copy_n(drawn.data() + row * width, width, out.data() + (row * count + block) * width);
    }
    return out;
  };
}

template <class T>
Init<T> blocks(Index count, const Init<T>& recipe) {
  if (count < 1) wrong_argument("blocks: count is ", count, ": must be at least 1");
  return blocks<T>(std::vector<Init<T>>(static_cast<std::size_t>(count), recipe));
}

template <class T>
Init<T> forget_bias(Index hidden, double value, Init<T> rest) {
  return [=](const Shape& shape, Random& random) {
    if (shape.rank() == 0 || shape.back() != 4 * hidden)
      wrong_argument("forget_bias: shape is ", shape, ": last axis must be 4 times hidden = ", 4 * hidden);
    Tensor<T> out = rest(shape, random);
    if (shape_of(out) != shape) wrong_argument("forget_bias: rest gave ", shape_of(out), ": must give ", shape);
    if (hidden == 0) return out;
    for (Index row = 0; row < shape.size() / (4 * hidden); ++row)
      std::fill_n(out.data() + (4 * row + 1) * hidden, hidden, static_cast<T>(value));
    return out;
  };
}

#define CAROUSEL_INSTANTIATE(T)                      \
  template Init<T> constant<T>(double);              \
  template Init<T> uniform<T>(double, double);       \
  template Init<T> normal<T>(double, double);        \
  template Init<T> xavier_uniform<T>(double);        \
  template Init<T> xavier_normal<T>(double);         \
  template Init<T> he_uniform<T>(double);            \
  template Init<T> he_normal<T>(double);             \
  template Init<T> orthogonal<T>(double);            \
  template Init<T> blocks<T>(std::vector<Init<T>>);  \
  template Init<T> blocks<T>(Index, const Init<T>&); \
  template Init<T> forget_bias<T>(Index, double, Init<T>);
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel::init
