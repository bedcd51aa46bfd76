#include <carousel/ops/conv.hpp>

#include <algorithm>
#include <numeric>

#include <carousel/lib/gemm.hpp>
#include <carousel/ops/shape.hpp>

namespace carousel {

namespace {

/// The places of a window in images, where they are and what they see.
struct Windows {
  Index channels, height, width;  // of an image
  Index window_height, window_width, stride, padding;
  Index rows, columns;  // of places

  Index image() const { return channels * height * width; }
  Index places() const { return rows * columns; }
  Index seen() const { return channels * window_height * window_width; }

  /// The places j along a row, of those `columns`, at which the column `q` of the window lies within the image: [from, to).
  std::pair<Index, Index> inside(Index q) const {
    const Index shift = q - padding;  // column of the image at place 0
    const Index from = shift >= 0 ? 0 : (-shift + stride - 1) / stride;
    const Index to = shift >= width ? 0 : (width - 1 - shift) / stride + 1;
    return {std::min(from, columns), std::clamp(to, std::min(from, columns), columns)};
  }

  /// Calls f(row of the matrix, row of places, the places [from, to) within the image, where the first of them lies in the image)
  /// for each row of places; from = to where none does.
  template <class F>
  void for_each_row(F f) const {
    Index seen_row = 0;
    for (Index c = 0; c < channels; ++c)
      for (Index p = 0; p < window_height; ++p)
        for (Index q = 0; q < window_width; ++q, ++seen_row) {
          const auto [from, to] = inside(q);
          for (Index i = 0; i < rows; ++i) {
            const Index y = i * stride + p - padding;
            if (y < 0 || y >= height)
              f(seen_row, i, Index{0}, Index{0}, Index{0});
            else
              f(seen_row, i, from, to, (c * height + y) * width + from * stride + q - padding);
          }
        }
  }
};

/// What each place sees of an image, one column per place, zeros in the padding: [seen, places].
template <class T>
void gather(const Windows& windows, const T* image, T* out) {
  windows.for_each_row([&](Index seen, Index i, Index from, Index to, Index at) {
    T* row = out + seen * windows.places() + i * windows.columns;
    std::fill_n(row, from, T(0));
    if (windows.stride == 1)
      std::copy_n(image + at, to - from, row + from);
    else
      for (Index j = from; j < to; ++j, at += windows.stride) row[j] = image[at];
    std::fill_n(row + to, windows.columns - to, T(0));
  });
}

/// Adds what each place sees back to the image.
template <class T>
void scatter(const Windows& windows, const T* seen_by_place, T* image) {
  windows.for_each_row([&](Index seen, Index i, Index from, Index to, Index at) {
    const T* row = seen_by_place + seen * windows.places() + i * windows.columns;
    for (Index j = from; j < to; ++j, at += windows.stride) image[at] += row[j];
  });
}

struct Convolution {
  std::uint32_t x, w, b;
  Index batch, out;
  Windows windows;
};

template <class T>
void conv2d_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& [x_node, w_node, b_node, batch, out, windows] = *static_cast<const Convolution*>(closure);
  // All are completed first, so that everything is added, even where one is a part of another.
  T *dx = nullptr, *dw = nullptr, *db = nullptr;
  if (tape.node(x_node).needs_gradient) tape.complete(x_node), dx = tape.gradient_buffer(x_node);
  if (tape.node(w_node).needs_gradient) tape.complete(w_node), dw = tape.gradient_buffer(w_node);
  if (tape.node(b_node).needs_gradient) tape.complete(b_node), db = tape.gradient_buffer(b_node);
  const T* dy = tape.gradient_buffer(self);
  const T *x = tape.node(x_node).value, *w = tape.node(w_node).value;
  const Index places = windows.places(), seen = windows.seen();
  const detail::Arena::Mark mark = tape.arena().mark();
  T* const columns = tape.arena().template take<T>(seen * places);
  for (Index n = 0; n < batch; ++n, x += windows.image(), dy += out * places) {
    if (dw) {
      gather(windows, x, columns);
      gemm<T>({.transpose_b = true, .accumulate = true}, out, seen, places, dy, places, columns, places, dw, seen);
    }
    if (dx) {
      gemm<T>({.transpose_a = true}, seen, places, out, w, seen, dy, places, columns, places);
      scatter(windows, static_cast<const T*>(columns), dx + n * windows.image());
    }
    if (db)
      for (Index o = 0; o < out; ++o) db[o] += std::accumulate(dy + o * places, dy + (o + 1) * places, T(0));
  }
  tape.arena().rewind(mark);
}

template <class T>
constexpr detail::Operation<T> conv2d_operation{"conv2d", &conv2d_backward<T>};

template <class T>
Var<T> conv2d_of(Var<T> x, Var<T> w, Var<T> b, const Conv2dOptions& options) {
  Tape<T>& tape = Tape<T>::active();
  x = packed(x), w = packed(w), b = packed(b);
  const Shape sx = tape.node(x).shape, sw = tape.node(w).shape, sb = tape.node(b).shape;
  if (sx.rank() != 4) wrong_argument("conv2d: x is ", sx, ": must be [batch, in, height, width]");
  if (sw.rank() != 4) wrong_argument("conv2d: w is ", sw, ": must be [out, in, height, width]");
  if (sx[1] != sw[1]) wrong_argument("conv2d: x is ", sx, ", w is ", sw, ": must have the same number of channels in");
  if (!(sb == Shape{sw[0]})) wrong_argument("conv2d: w is ", sw, ", b is ", sb, ": must be [", sw[0], "]");
  const auto [stride, padding] = options;
  if (stride < 1) wrong_argument("conv2d: stride is ", stride, ": must be at least 1");
  if (padding < 0) wrong_argument("conv2d: padding is ", padding, ": must not be negative");
  for (const int axis : {2, 3})
    if (sw[axis] < 1 || sw[axis] > sx[axis] + 2 * padding)
      wrong_argument("conv2d: x is ", sx, ", w is ", sw, ", padding is ", padding,
                     ": the kernel must not be empty or larger than the padded image");

  const Windows windows{sx[1],
                        sx[2],
                        sx[3],
                        sw[2],
                        sw[3],
                        stride,
                        padding,
                        (sx[2] + 2 * padding - sw[2]) / stride + 1,
                        (sx[3] + 2 * padding - sw[3]) / stride + 1};
  const Index batch = sx[0], out = sw[0], places = windows.places(), seen = windows.seen();
  const Var<T> result = tape.record({batch, out, windows.rows, windows.columns}, tape.needs_gradient(x, w, b));
  const T *from = tape.node(x).value, *kernels = tape.node(w).value, *bias = tape.node(b).value;
  T* to = tape.node(result).value;
  const detail::Arena::Mark mark = tape.arena().mark();
  T* const columns = tape.arena().template take<T>(seen * places);
  for (Index n = 0; n < batch; ++n, from += windows.image(), to += out * places) {
    gather(windows, from, columns);
    for (Index o = 0; o < out; ++o) std::fill_n(to + o * places, places, bias[o]);
    gemm<T>({.accumulate = true}, out, places, seen, kernels, seen, columns, places, to, places);
  }
  tape.arena().rewind(mark);
  tape.set_backward(result, conv2d_operation<T>, Convolution{x.index(), w.index(), b.index(), batch, out, windows});
  return result;
}

struct MaxPool {
  std::uint32_t x;
  Index count;
  const Index* largest;  // of each window: where in x
};

template <class T>
void max_pool2d_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& pool = *static_cast<const MaxPool*>(closure);
  tape.complete(pool.x);
  const T* dy = tape.gradient_buffer(self);
  T* const dx = tape.gradient_buffer(pool.x);
  for (Index i = 0; i < pool.count; ++i) dx[pool.largest[i]] += dy[i];
}

template <class T>
constexpr detail::Operation<T> max_pool2d_operation{"max_pool2d", &max_pool2d_backward<T>};

template <class T>
Var<T> max_pool2d_of(Var<T> x, const MaxPool2dOptions& options) {
  Tape<T>& tape = Tape<T>::active();
  x = packed(x);
  const Shape sx = tape.node(x).shape;
  const Index size = options.size, stride = options.stride == 0 ? size : options.stride;
  if (sx.rank() != 4) wrong_argument("max_pool2d: x is ", sx, ": must be [batch, channels, height, width]");
  if (stride < 1) wrong_argument("max_pool2d: stride is ", stride, ": must be at least 1");
  if (size < 1 || size > sx[2] || size > sx[3])
    wrong_argument("max_pool2d: x is ", sx, ", size is ", size, ": must be at least 1 and at most the image's");

  const Index height = sx[2], width = sx[3], rows = (height - size) / stride + 1, columns = (width - size) / stride + 1;
  const Var<T> result = tape.record({sx[0], sx[1], rows, columns}, tape.needs_gradient(x));
  const Index count = sx[0] * sx[1] * rows * columns;
  auto* const largest = tape.arena().template take<Index>(count);
  const T* from = tape.node(x).value;
  T* const to = tape.node(result).value;
  Index out = 0;
  for (Index plane = 0; plane < sx[0] * sx[1]; ++plane)
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j, ++out) {
        const Index corner = (plane * height + i * stride) * width + j * stride;
        Index best = corner;
        for (Index p = 0; p < size; ++p)
          for (Index q = 0; q < size; ++q) {
            const Index at = corner + p * width + q;
            if (from[at] > from[best] || (from[at] != from[at] && from[best] == from[best])) best = at;
          }
        largest[out] = best;
        to[out] = from[best];
      }
  tape.set_backward(result, max_pool2d_operation<T>, MaxPool{x.index(), count, largest});
  return result;
}

}  // namespace

Var<float> conv2d(Var<float> x, Var<float> w, Var<float> b, const Conv2dOptions& options) {
  return conv2d_of(x, w, b, options);
}
Var<double> conv2d(Var<double> x, Var<double> w, Var<double> b, const Conv2dOptions& options) {
  return conv2d_of(x, w, b, options);
}
Var<float> max_pool2d(Var<float> x, const MaxPool2dOptions& options) {
  return max_pool2d_of(x, options);
}
Var<double> max_pool2d(Var<double> x, const MaxPool2dOptions& options) {
  return max_pool2d_of(x, options);
}

}  // namespace carousel
