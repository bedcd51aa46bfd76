#pragma once
/// Convolution and pooling of images.

#include <carousel/lib/tape/expression.hpp>

namespace carousel {

/// Where the kernel of a convolution is placed.
struct Conv2dOptions {
  Index stride = 1;   ///< between neighbouring places of the kernel, in both directions
  Index padding = 0;  ///< zeros around the image, on every side
};

/// Cross-correlation of images with kernels, as every framework calls convolution:
///   y[n, o, i, j] = b[o] + Σ_{c, p, q} w[o, c, p, q] x[n, c, stride i + p − padding, stride j + q − padding]
///   x: [batch, in, height, width]
///   w: [out, in, kernel height, kernel width]
///   b: [out]
///   result: [batch, out, (height + 2 padding − kernel height) / stride + 1, the same of the widths], rounded down
/// LeCun et al. 1989, "Backpropagation Applied to Handwritten Zip Code Recognition". Throws std::invalid_argument for shapes that
/// do not fit, a kernel larger than the padded image, and a stride or padding that cannot be.
Var<float> conv2d(Var<float> x, Var<float> w, Var<float> b, const Conv2dOptions& options = {});
Var<double> conv2d(Var<double> x, Var<double> w, Var<double> b, const Conv2dOptions& options = {});

/// The windows of max_pool2d.
struct MaxPool2dOptions {
  Index size = 2;    ///< height of a window, and its width
  Index stride = 0;  ///< between neighbouring windows, in both directions; 0: the size, and the width
  Index width = 0;   ///< of a window, where it is not the size
};

/// The largest number of each window. The gradient goes to the first one in the window that is as large; a NaN counts as the
/// largest of all.
///   x: [batch, channels, height, width]
///   result: [batch, channels, (height − size) / stride + 1, the same of the widths], rounded down
/// Throws std::invalid_argument for an x of other rank, a window larger than the image, and a size, stride or width that cannot
/// be.
Var<float> max_pool2d(Var<float> x, const MaxPool2dOptions& options = {});
Var<double> max_pool2d(Var<double> x, const MaxPool2dOptions& options = {});

}  // namespace carousel
