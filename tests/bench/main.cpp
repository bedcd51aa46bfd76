/// carousel's benchmarks: `./tests/run --bench [NAME…] [--json FILE]`.

#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include <carousel/lib/gemm.hpp>

#include "bench.hpp"

namespace {

using bench::Contestant;
using bench::Size;

nlohmann::json results = nlohmann::json::array();

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

double load() {
  double average = 0;
  return getloadavg(&average, 1) == 1 ? average : NAN;
}

/// The best of our products at a size where packing costs nothing: what a training step is measured against.
double peak_gflops() {
  const int m = 96, n = 512, k = 256;
  std::vector<float> a(m * k, 0.5F), b(k * n, 0.5F), c(m * n), packed(static_cast<std::size_t>(carousel::packed_size<float>(k, n)));
  carousel::pack<float>(false, k, n, b.data(), n, packed.data());
  std::vector<Contestant> gemm{{"gemm", [&] { carousel::gemm_packed<float>(false, m, n, k, a.data(), k, packed.data(), c.data(), n); }}};
  bench::measure(gemm, 0.5);
  return 2.0 * m * n * k / gemm[0].milliseconds / 1e6;
}

/// A training step of an LSTM against oneDNN's LSTM primitive, one thread.
void train_lstm() {
  std::printf("train-lstm: one training step of an LSTM, loss on all steps, gradients of weights, bias and input; one thread\n");
  std::printf("%-20s %12s %12s %8s\n", "T,B,I,H", "carousel ms", "oneDNN ms", "ratio");
  double product = 1;
  int count = 0;
  for (const Size& size : bench::sizes) {
    std::vector<Contestant> contestants{{"carousel", bench::carousel_lstm(size)}};
    if (auto peer = bench::onednn_lstm(size)) contestants.push_back({"onednn", peer});
    bench::measure(contestants);
    for (const Contestant& contestant : contestants)
      results.push_back({{"row", "train-lstm"}, {"cell", "lstm"}, {"T", size.steps}, {"B", size.batch}, {"I", size.in}, {"H", size.hidden},
                         {"threads", 1}, {"implementation", contestant.name}, {"ms", contestant.milliseconds}});
    char name[64];
    std::snprintf(name, sizeof name, "%d,%d,%d,%d", size.steps, size.batch, size.in, size.hidden);
    std::printf("%-20s %12.3f", name, contestants[0].milliseconds);
    if (contestants.size() > 1) {
      const double ratio = contestants[0].milliseconds / contestants[1].milliseconds;
      std::printf(" %12.3f %8.2f", contestants[1].milliseconds, ratio);
      if (size.batch > 1) product *= ratio, ++count;
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  if (count > 0) std::printf("geometric mean of the ratios beyond batch 1: %.2f\n", std::pow(product, 1.0 / count));
  std::printf("%s\n\n", bench::onednn_description().c_str());
}

constexpr struct {
  const char* name;
  void (*run)();
} rows[] = {{"train-lstm", &train_lstm}};

}  // namespace

int main(int argc, char** argv) {
  if (!std::getenv("OMP_NUM_THREADS")) {  // must stand before the first library reads it
    setenv("OMP_NUM_THREADS", "1", 1);
    setenv("OPENBLAS_NUM_THREADS", "1", 1);
    execv("/proc/self/exe", argv);
  }
  std::vector<std::string> names;
  std::string json_path;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json_path = argv[++i];
      continue;
    }
    names.push_back(argv[i]);
    if (std::none_of(std::begin(rows), std::end(rows), [&](const auto& row) { return names.back() == row.name; })) {
      std::fprintf(stderr, "bench: %s: there is no such row; there are:", argv[i]);
      for (const auto& row : rows) std::fprintf(stderr, " %s", row.name);
      std::fprintf(stderr, "\n");
      return 2;
    }
  }

  const double peak = peak_gflops();
  std::printf("%s, %ld processors, load %.2f, compiler %s, %s\nmeasured peak of a float product on one core: %.0f GF/s\n\n", processor().c_str(),
              sysconf(_SC_NPROCESSORS_ONLN), load(), __VERSION__, carousel::blas_name(), peak);
  for (const auto& row : rows)
    if (names.empty() || std::find(names.begin(), names.end(), row.name) != names.end()) row.run();

  if (!json_path.empty()) {
    results.push_back({{"machine",
                        {{"processor", processor()},
                         {"processors", sysconf(_SC_NPROCESSORS_ONLN)},
                         {"compiler", __VERSION__},
                         {"blas", carousel::blas_name()},
                         {"onednn", bench::onednn_description()},
                         {"load", load()},
                         {"gemm_peak_gflops", peak}}}});
    std::ofstream file(json_path);
    file << results.dump(1) << '\n';
    file.close();
    if (!file) {
      std::fprintf(stderr, "bench: write %s: failed\n", json_path.c_str());
      return 2;
    }
  }
}
