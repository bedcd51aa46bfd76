/// carousel's benchmarks: `./tests/run --bench [NAME…] [--json FILE]`.

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <stdexcept>

#include "rows.hpp"

namespace {

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

constexpr struct {
  const char* name;
  void (*run)(bench::Session&);
} rows[] = {{"train-lstm", &bench::train_lstm},
            {"train-cells", &bench::train_cells},
            {"inference", &bench::inference},
            {"tape", &bench::tape},
            {"tasks", &bench::tasks},
            {"growth", &bench::growth},
            {"elementwise", &bench::elementwise}};

/// The machine and the software, printed and as an object for the results.
nlohmann::ordered_json describe(bench::Session& session) {
  nlohmann::ordered_json machine{
      {"processor", processor()}, {"processors", sysconf(_SC_NPROCESSORS_ONLN)}, {"load", load()}, {"compiler", __VERSION__}};
  std::printf("%s, %ld processors, load %.2f, compiler %s\n", processor().c_str(), sysconf(_SC_NPROCESSORS_ONLN), load(),
              __VERSION__);
  for (const auto& [implementation, key] : {std::pair{"carousel", "blas"}, {"onednn", "onednn"}, {"libtorch", "libtorch"}})
    if (bench::Peer* const peer = session.peers.find(implementation, 1)) {
      const std::string about = peer->ask("about");
      machine[key] = about;
      std::printf("%s: %s\n", key, about.c_str());
    }
  bench::Comparison peak(session, "", "", {});
  peak.add_peak();
  peak.run(0.5);
  machine["gemm_peak_gflops"] = peak.peak_gflops();
  std::printf("peak of a float product on one core: %.0f GF/s\n\n", peak.peak_gflops());
  return machine;
}

int run(const std::vector<std::string>& names, const std::string& json_path) {
  std::ofstream file;
  const auto check_file = [&] {
    if (!file) throw std::runtime_error("write " + json_path + ": failed");
  };
  if (!json_path.empty()) {
    file.open(json_path);
    check_file();  // before minutes of work
  }
  bench::Session session;
  nlohmann::ordered_json machine = describe(session);
  for (const auto& row : rows)
    if (names.empty() || std::find(names.begin(), names.end(), row.name) != names.end()) row.run(session);
  machine["load_at_end"] = load();
  std::printf("load at the end %.2f, of which the benchmark itself is 1 to 2\n", load());
  if (!json_path.empty()) {
    session.results.push_back({{"machine", machine}});
    file << session.results.dump(1) << '\n';
    file.close();
    check_file();
  }
  return session.agreed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> names;
  std::string json_path;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--json") == 0) {
      if (++i == argc) {
        std::fprintf(stderr, "bench: --json: nothing follows: must be a file\n");
        return 2;
      }
      json_path = argv[i];
      continue;
    }
    names.push_back(argv[i]);
    if (std::none_of(std::begin(rows), std::end(rows), [&](const auto& row) { return names.back() == row.name; })) {
      std::fprintf(stderr, "bench: %s: there is no such row: must be one of", argv[i]);
      for (const auto& row : rows) std::fprintf(stderr, " %s", row.name);
      std::fprintf(stderr, "\n");
      return 2;
    }
  }
  try {
    return run(names, json_path);
  } catch (const std::exception& fault) {
    std::fprintf(stderr, "bench: %s\n", fault.what());
    return 2;
  }
}
