#include <carousel/lib/training/workers.hpp>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

using namespace carousel;

TEST_CASE("every task runs once in every round, on the same thread each time") {
  for (int threads : {1, 2, 3}) {
    Workers workers(threads);
    CHECK(workers.threads() == threads);
    std::vector<int> runs(7, 0);
    std::vector<std::thread::id> where(7);
    auto task = [&](Index i) {
      const auto at = static_cast<std::size_t>(i);
      if (runs[at]++ == 0) where[at] = std::this_thread::get_id();
      if (where[at] != std::this_thread::get_id()) throw std::logic_error("another thread");
    };
    for (int round = 0; round < 100; ++round) workers.run(7, task);
    for (int count : runs) CHECK(count == 100);
    CHECK(where[0] == std::this_thread::get_id());
    CHECK((threads == 1 || where[1] != where[0]));
    workers.run(0, task);
    workers.run(1, task);
    CHECK(runs[0] == 101);
    CHECK(runs[1] == 100);
  }
}

TEST_CASE("the caller gets the error of the first task that failed, and may go on") {
  Workers workers(2);
  auto task = [](Index i) {
    if (i == 3 || i == 4) throw std::runtime_error("task " + std::to_string(i));
  };
  CHECK_THROWS_WITH_AS(workers.run(6, task), "task 3", std::runtime_error);
  std::atomic<int> done{0};
  auto good = [&](Index) { ++done; };
  workers.run(6, good);
  CHECK(done == 6);
}

TEST_CASE("there must be a thread") {
  CHECK_THROWS_WITH_AS(Workers(0), "workers: 0 threads: must be at least 1", std::invalid_argument);
}
