/// carousel in the benchmark.

#include <carousel/lib/numbers/gemm.hpp>

#include "jobs.hpp"

int main(int argc, char** argv) {
  const int threads = bench::threads(argc, argv);
  bench::Jobs jobs;
  bench::add_training(jobs, threads);
  bench::add_inference(jobs);
  bench::add_tape(jobs);
  bench::add_tasks(jobs, threads);
  bench::add_statements(jobs);
  bench::add_handwritten(jobs);
  return bench::serve(carousel::blas_name(), jobs);
}
