#include <carousel/tasks/nets/numpy_start.hpp>

namespace carousel {

NumpyRandom start_with_equal_gates(Registry<double>& registry, const std::string& path, std::uint32_t seed) {
  Parameter<double>&wx = registry.at(path + "/wx"), &wh = registry.at(path + "/wh"), &b = registry.at(path + "/b");
  const Index in = wx.shape()[0], hidden = wh.shape()[0], columns = 4 * hidden;
  NumpyRandom weights(seed), biases(seed);
  for (Index unit = 0; unit < hidden; ++unit) {
    for (Index k = 0; k < in + hidden; ++k) {
      const double value = weights.uniform(-0.1, 0.1);
      double* const to = k < in ? wx.value.data() + k * columns : wh.value.data() + (k - in) * columns;
      for (Index gate = 0; gate < 4; ++gate) to[gate * hidden + unit] = value;
    }
    const double value = biases.uniform(-0.1, 0.1);
    for (Index gate = 0; gate < 4; ++gate) b.value.data()[gate * hidden + unit] = value;
  }
  for (Parameter<double>* parameter : {&wx, &wh, &b}) ++parameter->version;
  return biases;
}

}  // namespace carousel
