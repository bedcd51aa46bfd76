#pragma once
/// A few threads that wait for work, so that no step of a training starts one.

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// Runs tasks 0 … count − 1 on a fixed number of threads, of which the caller's is one.
class Workers {
 public:
  /// Starts threads − 1; throws std::invalid_argument unless there is to be at least one.
  explicit Workers(int threads);
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();

  int threads() const { return static_cast<int>(errors_.size()); }

  /// Calls task(i) for every i, the same i on the same thread each time, and returns when all are done. What they throw is thrown
  /// here: that of the lowest i.
  template <class Task>
  void run(Index count, Task& task) {
    run(count, &task, [](void* t, Index i) { (*static_cast<Task*>(t))(i); });
  }

 private:
  using Call = void (*)(void* task, Index i);
  struct Error {
    Index at;
    std::exception_ptr what;
  };
  void run(Index count, void* task, Call call);
  void work(std::size_t thread);
  void do_share(std::size_t thread);
  void stop();

  Index count_ = 0;
  void* task_ = nullptr;
  Call call_ = nullptr;  // null: no more work, ever
  std::atomic<std::uint32_t> round_{0}, left_{0};
  std::vector<Error> errors_;  // of each thread in this round
  std::vector<std::thread> threads_;
};

}  // namespace carousel
