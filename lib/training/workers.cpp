#include <carousel/lib/training/workers.hpp>

#include <chrono>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <carousel/lib/numbers/gemm.hpp>

namespace carousel {

namespace {

using Clock = std::chrono::steady_clock;

/// Longer than what a training does between two rounds, so that threads sleep only when it is over. Waking one takes tens of
/// microseconds, and the scheduler may put it on the waker's own core and leave it there for milliseconds.
constexpr auto longest_watch = std::chrono::milliseconds(2);

/// Returns when `value` is no longer `old`. Watches for a while, with the core left to any other thread that wants it; then
/// sleeps.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) {
  constexpr int looks = 64;  // between offers of the core
  const auto changed = [&] { return value.load(std::memory_order_acquire) != old; };
  const Clock::time_point end = Clock::now() + longest_watch;
  do {
    for (int i = 0; i < looks; ++i) {
      if (changed()) return;
#if defined(__x86_64__)
      _mm_pause();
#endif
    }
    std::this_thread::yield();
  } while (Clock::now() < end);
  while (!changed()) value.wait(old);
}

}  // namespace

Workers::Workers(int threads) {
  blas_name();  // a build that needs OpenBLAS loads it while there is one thread: that sets a variable of the environment
  if (threads < 1) wrong_argument("workers: ", threads, " threads: must be at least 1");
  errors_.resize(static_cast<std::size_t>(threads));
  try {
    for (std::size_t i = 1; i < errors_.size(); ++i) threads_.emplace_back([this, i] { work(i); });
  } catch (...) {
    stop();
    throw;
  }
}

Workers::~Workers() {
  stop();
}

void Workers::stop() {
  call_ = nullptr;
  ++round_;
  round_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Workers::work(std::size_t thread) {
  for (std::uint32_t round = 0;; ++round) {
    wait_for_change(round_, round);
    if (!call_) return;
    do_share(thread);
    if (--left_ == 0) left_.notify_one();
  }
}

void Workers::do_share(std::size_t thread) {
  Index i = static_cast<Index>(thread);
  try {
    for (; i < count_; i += static_cast<Index>(errors_.size())) call_(task_, i);
  } catch (...) {
    errors_[thread] = {i, std::current_exception()};
  }
}

void Workers::run(Index count, void* task, Call call) {
  count_ = count, task_ = task, call_ = call;
  for (Error& error : errors_) error.what = nullptr;
  left_ = static_cast<std::uint32_t>(threads_.size());
  if (!threads_.empty()) {
    ++round_;
    round_.notify_all();
  }
  do_share(0);
  for (std::uint32_t left = left_; left != 0; left = left_) wait_for_change(left_, left);
  const Error* first = nullptr;
  for (const Error& error : errors_)
    if (error.what && (!first || error.at < first->at)) first = &error;
  if (first) std::rethrow_exception(first->what);
}

}  // namespace carousel
