#include <carousel/tasks/nets/numpy_start.hpp>

namespace carousel {

NumpyRandom start_with_equal_gates(Registry<double>& registry, const std::string& path, std::uint32_t seed) {
  Parameter<double>&wx = registry.at(path + "/wx"), &wh = registry.at(path + "/wh"), &b = registry.at(path + "/b");
  const Index in = wx.shape()[0], hidden = wh.shape()[0], columns = 4 * hidden;
  double *const to_wx = wx.change().data(), *const to_wh = wh.change().data(), *const to_b = b.change().data();
  NumpyRandom weights(seed), biases(seed);
  for (Index unit = 0; unit < hidden; ++unit) {
    for (Index k = 0; k < in + hidden; ++k) {
      const double value = weights.uniform(-0.1, 0.1);
      double* const to = k < in ? to_wx + k * columns : to_wh + (k - in) * columns;
      for (Index gate = 0; gate < 4; ++gate) to[gate * hidden + unit] = value;
    }
    const double value = biases.uniform(-0.1, 0.1);
    for (Index gate = 0; gate < 4; ++gate) to_b[gate * hidden + unit] = value;
  }
  return biases;
}

}  // namespace carousel
