#pragma once
/// What the steps of a training spend their time and memory on.

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <carousel/lib/look/watch.hpp>

namespace carousel {

/// The share of an op or a layer. Bytes are those of the values that it made, and of their gradients.
struct ProfileRow {
  std::string name;
  double forward_seconds = 0, backward_seconds = 0;
  double forward_bytes = 0, backward_bytes = 0;
  Index calls = 0;

  void add(const ProfileRow& other);
};

/// The sums over all steps; with several threads those of all of them. Both lists add up to the same time.
struct ProfileReport {
  Index steps = 0;
  std::vector<ProfileRow> ops = {}, layers = {};  // each the row that took longest first
};

/// Looks on while steps are computed on one tape, and adds up what each op and each layer takes.
template <class T>
class Profile final : private detail::Observer<T> {
 public:
  /// Runs f, which fills the active tape.
  template <class F>
  auto forward(const F& f) {
    const Looking looking(*this);
    const auto result = f();
    close();
    return result;
  }
  /// Runs f, which sends gradients back on the active tape.
  template <class F>
  void backward(const F& f) {
    const Looking looking(*this);
    f();
  }

  /// Adds what it has seen to the rows of a report.
  void add_to(ProfileReport& report) const;

 private:
  using Clock = std::chrono::steady_clock;
  using LayerKey = std::tuple<std::string_view, bool, bool, Index>;  // part, in a cell, direction, layer

  struct Looking {
    explicit Looking(Profile& p) : tape(Tape<T>::active()), recorder({.values = false}) {
      tape.observer = &p;
      p.open_ = detail::none;
      p.last_ = Clock::now();
    }
    ~Looking() { tape.observer = nullptr; }
    Looking(const Looking&) = delete;
    Looking& operator=(const Looking&) = delete;
    Tape<T>& tape;
    Recorder<T> recorder;
  };

  void recorded(Tape<T>& tape, std::uint32_t index) override;
  void sent_back(Tape<T>& tape, std::uint32_t index) override;
  void close();
  ProfileRow& op_row(Tape<T>& tape, std::uint32_t index);
  double lap();

  /// Statements of one type are one formula but for the numbers in it: x·2 and x·3 have a row each.
  struct Rows {
    bool have_numbers = false;
    std::map<std::vector<std::uint64_t>, ProfileRow> by_numbers;
  };

  std::map<std::pair<const detail::Operation<T>*, bool>, Rows> ops_;  // true: of a parameter
  std::map<LayerKey, ProfileRow> layers_;
  std::vector<LayerKey> keys_;  // of the nodes
  Clock::time_point last_;
  std::uint32_t open_ = detail::none;  // the node whose op computes now
};

/// Puts the rows that took longest first.
void sort(ProfileReport& report);

extern template class Profile<float>;
extern template class Profile<double>;

}  // namespace carousel
