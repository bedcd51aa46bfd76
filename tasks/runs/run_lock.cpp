#include <carousel/tasks/runs/run_lock.hpp>

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

/// Whether somebody else holds what this descriptor would lock.
bool refused(int folder, int how) {
  return folder >= 0 && ::flock(folder, how | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace

RunLock::RunLock(const std::string& folder) : folder_(folder) {
  using namespace std::chrono_literals;
  // Who only asks, held(), has it for a moment; a training has it for longer.
  const auto patience = std::chrono::steady_clock::now() + 1s;
  bool taken = refused(folder_.descriptor(), LOCK_EX);
  for (; taken && std::chrono::steady_clock::now() < patience; taken = refused(folder_.descriptor(), LOCK_EX))
    std::this_thread::sleep_for(5ms);
  if (taken) bad_file("--out ", folder, ": another training runs there: must be another folder, or wait for its end");
}

bool RunLock::held(const std::string& folder) {
  const detail::Descriptor it(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return refused(it.get(), LOCK_SH);
}

}  // namespace carousel
