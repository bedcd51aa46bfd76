#pragma once
/// First values of parameters: functions from a shape and a generator to a tensor.
///
/// Weights are [fan_in, fan_out], as in `x @ w`; those of a convolution are [out, in, height, width]. Numbers are drawn in
/// double, row by row, and rounded to T: float and double models start from the same numbers.

#include <functional>
#include <vector>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/numbers/tensor.hpp>

namespace carousel {

/// A recipe for the first value of a parameter.
template <class T>
using Init = std::function<Tensor<T>(const Shape&, Random&)>;

namespace init {

/// Every element `value`.
template <class T>
Init<T> constant(double value);

/// Uniform in [lo, hi), up to rounding to T; throws std::invalid_argument when lo exceeds hi or either is not finite.
template <class T>
Init<T> uniform(double lo, double hi);

/// Normal of that mean and standard deviation; throws std::invalid_argument when the deviation is negative or either is not
/// finite.
template <class T>
Init<T> normal(double mean, double deviation);

/// Keeps the variance of signals and gradients through a linear layer: uniform in ±gain·sqrt(6 / (fan_in + fan_out)).
/// For a convolution fan_in = in·height·width, fan_out = out·height·width; other ranks than 2 and 4 throw std::invalid_argument.
/// Glorot & Bengio 2010, "Understanding the difficulty of training deep feedforward neural networks", eq. (16).
template <class T>
Init<T> xavier_uniform(double gain = 1);

/// The same variance from a normal of deviation gain·sqrt(2 / (fan_in + fan_out)). Glorot & Bengio 2010, eq. (12).
template <class T>
Init<T> xavier_normal(double gain = 1);

/// Keeps the variance of signals through a layer of rectifiers: normal of deviation sqrt(2 / ((1 + slope²) fan_in)), where slope
/// is that of a leaky rectifier below 0. Ranks as xavier_uniform. He, Zhang, Ren, Sun 2015, "Delving Deep into Rectifiers",
/// arXiv:1502.01852, eq. (10) and (15).
template <class T>
Init<T> he_normal(double slope = 0);

/// The same variance from a uniform in ±sqrt(6 / ((1 + slope²) fan_in)).
template <class T>
Init<T> he_uniform(double slope = 0);

/// A random matrix with wᵀw = gain²·1, or wwᵀ = gain²·1 if it is wider than high: it changes no length, so that signals neither
/// vanish nor grow over many steps. A convolution counts as [out, in·height·width]; other ranks than 2 and 4 throw
/// std::invalid_argument. Saxe, McClelland, Ganguli 2013, arXiv:1312.6120, section 3; every such matrix is equally likely, as R
/// of the QR factors has a positive diagonal (Mezzadri 2007, arXiv:math-ph/0609050).
template <class T>
Init<T> orthogonal(double gain = 1);

/// One recipe per block of columns: the last axis is cut into as many equal blocks as there are recipes, and each block is drawn
/// as a tensor of its own. Throws std::invalid_argument when the last axis does not divide.
template <class T>
Init<T> blocks(std::vector<Init<T>> recipes);

/// `count` blocks of columns by the same recipe: `blocks<T>(4, orthogonal<T>())` starts each gate's [H, H] block of a [H, 4H]
/// weight with an orthogonal matrix. Throws std::invalid_argument unless count ≥ 1.
template <class T>
Init<T> blocks(Index count, const Init<T>& recipe);

/// The bias of an LSTM that remembers from the start: the forget gate's block of b: [4·hidden] (gates i, f, g, o) is `value`, the
/// rest comes from `rest`. Throws std::invalid_argument when the last axis is not 4·hidden.
/// Gers, Schmidhuber, Cummins 2000, "Learning to Forget", section 4; value 1: Jozefowicz, Zaremba, Sutskever 2015, section 4.
template <class T>
Init<T> forget_bias(Index hidden, double value = 1, Init<T> rest = constant<T>(0));

}  // namespace init
}  // namespace carousel
