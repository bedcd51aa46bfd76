#pragma once
/// A descriptor of the system that is closed when it goes.

#include <utility>

namespace carousel::detail {

/// A file descriptor that is closed when it goes.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor();
  int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }
  void reset(int number) { number_ = number; }

 private:
  int number_;
};

}  // namespace carousel::detail
