#include <carousel/ops/conv.hpp>

#include <algorithm>
#include <numeric>

#include <carousel/lib/numbers/gemm.hpp>
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
  // Both are completed first, so that everything is added, even where one is a part of the other.
  T *dx = nullptr, *dw = nullptr;
  if (tape.node(x_node).needs_gradient) tape.complete(x_node), dx = tape.gradient_buffer(x_node);
  if (tape.node(w_node).needs_gradient) tape.complete(w_node), dw = tape.gradient_buffer(w_node);
  const T* dy = tape.gradient_buffer(self);
  const T *x = tape.node(x_node).value, *w = tape.node(w_node).value;
  const Index places = windows.places(), seen = windows.seen();
  detail::Scratch scratch(tape.arena());
  T* const columns = scratch.take<T>(seen * places);
  auto* const db = scratch.take<double>(out);
  std::fill_n(db, out, 0.0);
  for (Index n = 0; n < batch; ++n, x += windows.image(), dy += out * places) {
    if (dw) {
      gather(windows, x, columns);
      gemm<T>({.transpose_b = true, .accumulate = true}, out, seen, places, dy, places, columns, places, dw, seen);
    }
    if (dx) {
      gemm<T>({.transpose_a = true}, seen, places, out, w, seen, dy, places, columns, places);
      scatter(windows, static_cast<const T*>(columns), dx + n * windows.image());
    }
    for (Index o = 0; o < out; ++o) db[o] = std::accumulate(dy + o * places, dy + (o + 1) * places, db[o]);
  }
  if (!tape.node(b_node).needs_gradient) return;
  T* const sums = scratch.take<T>(out);
  std::transform(db, db + out, sums, [](double sum) { return static_cast<T>(sum); });
  detail::add_to_gradient(tape, b_node, static_cast<const T*>(sums));
}

template <class T>
constexpr detail::Operation<T> conv2d_operation{"conv2d", &conv2d_backward<T>,
                                                &detail::described<&Convolution::x, &Convolution::w, &Convolution::b>};

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
  {
    detail::Scratch scratch(tape.arena());
    T* const columns = scratch.take<T>(seen * places);
    for (Index n = 0; n < batch; ++n, from += windows.image(), to += out * places) {
      gather(windows, from, columns);
      for (Index o = 0; o < out; ++o) std::fill_n(to + o * places, places, bias[o]);
      gemm<T>({.accumulate = true}, out, places, seen, kernels, seen, columns, places, to, places);
    }
  }
  tape.set_backward(result, conv2d_operation<T>, Convolution{x.index(), w.index(), b.index(), batch, out, windows});
  return result;
}

struct MaxPool {
  std::uint32_t x;
  Index planes, height, width;  // of x: its images, channel by channel
  Index size, size_across, stride, stride_across;
  Index rows, columns;           // of windows
  const std::uint32_t* largest;  // [planes, rows, columns]: which place of the window, row by row

  /// Whether each pixel lies in one window, apart from what is left at the right and at the bottom.
  bool divides() const { return stride == size && stride_across == size_across; }
};

/// Whether a number is larger than the largest so far: NaN is larger than any, and the first one stays.
template <class T>
bool exceeds(T value, T best) {
  return !(value <= best) & (best == best);
}

/// The largest of each window of a row of windows, and which place of the window it is.
template <class T>
void max_of_row(const MaxPool& pool, const T* x, T* largest, std::uint32_t* where) {
  for (Index j = 0; j < pool.columns; ++j, x += pool.stride_across) {
    largest[j] = *x, where[j] = 0;
    for (Index p = 0; p < pool.size; ++p)
      for (Index q = 0; q < pool.size_across; ++q)
        if (const T value = x[p * pool.width + q]; exceeds(value, largest[j]))
          largest[j] = value, where[j] = static_cast<std::uint32_t>(p * pool.size_across + q);
  }
}

// Windows of a width that the compiler knows, side by side, are taken in blocks of a length that it knows too: it makes vector
// instructions of them (g++ 12 not of 16 or less, which it unrolls). What is left at the end of a row is copied to a block of its
// own. The first pooling of 16 images of [16, 32, 120] takes 2.2 ms forward and backward, one number at a time 6.5 to 6.8.
constexpr Index pool_block = 32;

/// The same, of windows `Width` wide and as far apart.
template <Index Width, class T>
void max_of_blocks(const MaxPool& pool, const T* x, T* largest, std::uint32_t* where) {
  for (Index from = 0; from < pool.columns; from += pool_block, x += pool_block * Width) {
    const Index count = std::min(pool_block, pool.columns - from);
    T best[pool_block], rest[pool_block * Width];
    std::uint32_t place[pool_block];
    for (Index p = 0; p < pool.size; ++p) {
      const T* row = x + p * pool.width;
      if (count < pool_block) {
        std::fill(std::copy_n(row, count * Width, rest), rest + pool_block * Width, T(0));
        row = rest;
      }
      if (p == 0)
        for (Index j = 0; j < pool_block; ++j) best[j] = row[j * Width], place[j] = 0;
      for (Index q = 0; q < Width; ++q)
        for (Index j = 0; j < pool_block; ++j) {
          const bool take = exceeds(row[j * Width + q], best[j]);
          best[j] = take ? row[j * Width + q] : best[j];
          place[j] = take ? static_cast<std::uint32_t>(p * Width + q) : place[j];
        }
    }
    std::copy_n(best, count, largest + from);
    std::copy_n(place, count, where + from);
  }
}

/// Sends the gradient of a row of windows to the pixels of row p of them, which lie in no other window.
template <bool Add, class T>
void send_to_row(const MaxPool& pool, Index p, const T* dy, const std::uint32_t* where, T* dx) {
  const Index width = pool.size_across;
  for (Index j = 0; j < pool.columns; ++j)
    for (Index q = 0; q < width; ++q, ++dx) {
      const T d = where[j] == static_cast<std::uint32_t>(p * width + q) ? dy[j] : T(0);
      *dx = Add ? *dx + d : d;
    }
  if (!Add) std::fill_n(dx, pool.width - pool.columns * width, T(0));
}

/// The same, of windows `Width` wide.
template <Index Width, bool Add, class T>
void send_to_blocks(const MaxPool& pool, Index p, const T* dy, const std::uint32_t* where, T* dx) {
  for (Index from = 0; from < pool.columns; from += pool_block) {
    const Index count = std::min(pool_block, pool.columns - from);
    T d[pool_block] = {}, sent[pool_block * Width];
    std::uint32_t place[pool_block] = {};
    std::copy_n(dy + from, count, d);
    std::copy_n(where + from, count, place);
    for (Index j = 0; j < pool_block; ++j)
#pragma GCC unroll 2
      for (Index q = 0; q < Width; ++q) sent[j * Width + q] = place[j] == static_cast<std::uint32_t>(p * Width + q) ? d[j] : T(0);
    if constexpr (Add)
      for (Index j = 0; j < count * Width; ++j) dx[j] += sent[j];
    else
      std::copy_n(sent, count * Width, dx);
    dx += count * Width;
  }
  if (!Add) std::fill_n(dx, pool.width - pool.columns * Width, T(0));
}

template <bool Add, class T>
void send_to_divided(const MaxPool& pool, const T* dy, T* dx) {
  const std::uint32_t* where = pool.largest;
  const auto send = pool.size_across == 2   ? &send_to_blocks<2, Add, T>
                    : pool.size_across == 1 ? &send_to_blocks<1, Add, T>
                                            : &send_to_row<Add, T>;
  for (Index plane = 0; plane < pool.planes; ++plane) {
    for (Index i = 0; i < pool.rows; ++i, dy += pool.columns, where += pool.columns)
      for (Index p = 0; p < pool.size; ++p, dx += pool.width) send(pool, p, dy, where, dx);
    const Index left = (pool.height - pool.rows * pool.size) * pool.width;
    if (!Add) std::fill_n(dx, left, T(0));
    dx += left;
  }
}

template <class T>
void max_pool2d_backward(Tape<T>& tape, std::uint32_t self, const void* closure) {
  const auto& pool = *static_cast<const MaxPool*>(closure);
  if (pool.divides()) {
    const bool add = tape.claim(pool.x);
    (add ? &send_to_divided<true, T> : &send_to_divided<false, T>)(pool, tape.gradient_buffer(self),
                                                                   tape.gradient_buffer(pool.x));
    return;
  }
  tape.complete(pool.x);
  const T* dy = tape.gradient_buffer(self);
  const std::uint32_t* where = pool.largest;
  T* dx = tape.gradient_buffer(pool.x);
  for (Index plane = 0; plane < pool.planes; ++plane, dx += pool.height * pool.width)
    for (Index i = 0; i < pool.rows; ++i)
      for (Index j = 0; j < pool.columns; ++j, ++where) {
        const Index p = *where / pool.size_across, q = *where % pool.size_across;
        dx[(i * pool.stride + p) * pool.width + j * pool.stride_across + q] += *dy++;
      }
}

template <class T>
constexpr detail::Operation<T> max_pool2d_operation{"max_pool2d", &max_pool2d_backward<T>, &detail::described<&MaxPool::x>};

template <class T>
Var<T> max_pool2d_of(Var<T> x, const MaxPool2dOptions& options) {
  Tape<T>& tape = Tape<T>::active();
  x = packed(x);
  const Shape sx = tape.node(x).shape;
  const auto or_else = [](Index given, Index otherwise) { return given == 0 ? otherwise : given; };
  const Index size = options.size, across = or_else(options.width, size);
  const Index stride = or_else(options.stride, size), stride_across = or_else(options.stride, across);
  if (sx.rank() != 4) wrong_argument("max_pool2d: x is ", sx, ": must be [batch, channels, height, width]");
  if (stride < 1) wrong_argument("max_pool2d: stride is ", stride, ": must be at least 1");
  if (size < 1 || size > sx[2] || (options.width == 0 && size > sx[3]))
    wrong_argument("max_pool2d: x is ", sx, ", size is ", size, ": must be at least 1 and at most the image's");
  if (across < 1 || across > sx[3])
    wrong_argument("max_pool2d: x is ", sx, ", width is ", across, ": must be at least 1 and at most the image's");

  MaxPool pool{x.index(),
               sx[0] * sx[1],
               sx[2],
               sx[3],
               size,
               across,
               stride,
               stride_across,
               (sx[2] - size) / stride + 1,
               (sx[3] - across) / stride_across + 1,
               nullptr};
  const Var<T> result = tape.record({sx[0], sx[1], pool.rows, pool.columns}, tape.needs_gradient(x));
  auto* where = tape.arena().template take<std::uint32_t>(pool.planes * pool.rows * pool.columns);
  pool.largest = where;
  const Index known = stride_across == across ? across : 0;
  const auto max = known == 2 ? &max_of_blocks<2, T> : known == 1 ? &max_of_blocks<1, T> : &max_of_row<T>;
  const T* const from = tape.node(x).value;
  T* to = tape.node(result).value;
  for (Index plane = 0; plane < pool.planes; ++plane)
    for (Index i = 0; i < pool.rows; ++i, to += pool.columns, where += pool.columns)
      max(pool, from + (plane * pool.height + i * stride) * pool.width, to, where);
  tape.set_backward(result, max_pool2d_operation<T>, pool);
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
