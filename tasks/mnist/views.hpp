#pragma once
/// What there is to see of a net that reads digits.

#include <carousel/tasks/mnist/model.hpp>
#include <carousel/tasks/nets/inside.hpp>

namespace carousel {

/// Adds how the images from `first` to `last` − 1 are confused, and those that are taken for others.
template <class T>
void add_mnist_views(Views& views, const MnistModel<T>& model, const DigitImages& images, Index first, Index last);

/// One image, see SampleFunction.
template <class T>
Sample<T> mnist_sample(const MnistModel<T>& model, const MnistOptions& options, const DigitImages& images, Index number,
                       const std::string& cell);

#define CAROUSEL_EXTERN(T)                                                                                     \
  extern template void add_mnist_views(Views&, const MnistModel<T>&, const DigitImages&, Index, Index);        \
  extern template Sample<T> mnist_sample(const MnistModel<T>&, const MnistOptions&, const DigitImages&, Index, \
                                         const std::string&);
CAROUSEL_EXTERN(float)
CAROUSEL_EXTERN(double)
#undef CAROUSEL_EXTERN

}  // namespace carousel
