#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "bench.hpp"

int main() {
  setenv("OMP_NUM_THREADS", "1", 1);
  setenv("OPENBLAS_NUM_THREADS", "1", 1);
  std::printf("%-22s %12s %12s %8s\n", "train-lstm T,B,I,H", "carousel ms", "oneDNN ms", "ratio");
  double product = 1;
  int count = 0;
  for (const bench::Size& size : bench::sizes) {
    std::vector<bench::Contestant> contestants{{"carousel", bench::carousel_lstm(size)}};
    if (auto peer = bench::onednn_lstm(size)) contestants.push_back({"onednn", peer});
    bench::measure(contestants);
    char name[64];
    std::snprintf(name, sizeof name, "%d,%d,%d,%d", size.steps, size.batch, size.in, size.hidden);
    if (contestants.size() < 2) {
      std::printf("%-22s %12.3f\n", name, contestants[0].milliseconds);
      continue;
    }
    const double ratio = contestants[0].milliseconds / contestants[1].milliseconds;
    if (size.batch > 1) product *= ratio, ++count;
    std::printf("%-22s %12.3f %12.3f %8.2f\n", name, contestants[0].milliseconds, contestants[1].milliseconds, ratio);
  }
  if (count) std::printf("geometric mean beyond batch 1: %.2f\n", std::pow(product, 1.0 / count));
  std::printf("%s\n", bench::onednn_description().c_str());
}
