#include <carousel/lib/look/profile.hpp>

#include <algorithm>
#include <bit>
#include <utility>

namespace carousel {

void ProfileRow::add(const ProfileRow& other) {
  forward_seconds += other.forward_seconds;
  backward_seconds += other.backward_seconds;
  forward_bytes += other.forward_bytes;
  backward_bytes += other.backward_bytes;
  calls += other.calls;
}

namespace {

void add_row(std::vector<ProfileRow>& rows, const ProfileRow& row) {
  const auto same = std::find_if(rows.begin(), rows.end(), [&](const ProfileRow& r) { return r.name == row.name; });
  if (same == rows.end())
    rows.push_back(row);
  else
    same->add(row);
}

/// The numbers that a formula holds, bit by bit.
std::vector<std::uint64_t> numbers_in(const std::vector<detail::Symbol>& formula) {
  std::vector<std::uint64_t> numbers;
  for (const detail::Symbol& symbol : formula)
    if (!symbol.name && !symbol.is_operand) numbers.push_back(std::bit_cast<std::uint64_t>(symbol.number));
  return numbers;
}

}  // namespace

template <class T>
double Profile<T>::lap() {
  const Clock::time_point now = Clock::now();
  return std::chrono::duration<double>(now - std::exchange(last_, now)).count();
}

template <class T>
ProfileRow& Profile<T>::op_row(Tape<T>& tape, std::uint32_t index) {
  const detail::Operation<T>* const operation = tape.node(index).operation;
  const bool of_parameter = tape.node(index).parameter;
  const auto [at, is_new] = ops_.try_emplace({operation, of_parameter});
  Rows& rows = at->second;
  if (!is_new && !rows.have_numbers) return rows.by_numbers.begin()->second;
  const detail::Description made = tape.describe(index);
  const std::vector<std::uint64_t> numbers = numbers_in(made.formula);
  rows.have_numbers = !numbers.empty();
  const auto [row, is_other] = rows.by_numbers.try_emplace(numbers);
  if (is_other && !made.formula.empty())
    row->second.name = written(made.formula, [](std::size_t) { return "·"; });
  else if (is_other)
    row->second.name = of_parameter ? "gradients of weights" : operation ? operation->name : "data and views";
  last_ = Clock::now();  // asking may take longer than a small op
  return row->second;
}

template <class T>
void Profile<T>::close() {
  const double seconds = lap();
  Tape<T>& tape = Tape<T>::active();
  if (open_ >= tape.size()) return;  // forgotten already
  const detail::Node<T>& node = tape.node(open_);
  const double bytes = node.is_view() ? 0 : static_cast<double>(node.layout.size) * sizeof(T);
  for (ProfileRow* row : {&op_row(tape, open_), &layers_[keys_[open_]]}) {
    row->forward_seconds += seconds;
    row->forward_bytes += bytes;
    ++row->calls;
  }
}

template <class T>
void Profile<T>::recorded(Tape<T>&, std::uint32_t index) {
  const std::uint32_t first = open_ == detail::none || open_ > index ? index : open_ + 1;  // parameters have entered since
  if (open_ != detail::none) close();
  open_ = index;
  keys_.resize(std::max<std::size_t>(keys_.size(), index + 1));
  const auto& here = Recorder<T>::listening()->here;
  const LayerKey key{here.part, here.in_cell, here.in_cell && here.backward, here.in_cell ? here.layer : 0};
  std::fill(keys_.begin() + first, keys_.begin() + index + 1, key);
}

template <class T>
void Profile<T>::sent_back(Tape<T>& tape, std::uint32_t index) {
  const double seconds = lap();
  const detail::Node<T>& node = tape.node(index);
  const double bytes = node.is_view() ? 0 : static_cast<double>(node.layout.size) * sizeof(T);
  const LayerKey key = index < keys_.size() ? keys_[index] : LayerKey{};
  for (ProfileRow* row : {&op_row(tape, index), &layers_[key]}) {
    row->backward_seconds += seconds;
    row->backward_bytes += bytes;
  }
}

template <class T>
void Profile<T>::add_to(ProfileReport& report) const {
  for (const auto& [op, rows] : ops_)
    for (const auto& [numbers, row] : rows.by_numbers) add_row(report.ops, row);
  for (const auto& [key, row] : layers_) {
    const auto& [part, in_cell, backward, layer] = key;
    ProfileRow named = row;
    named.name = std::string(part);
    if (in_cell) named.name += join(part.empty() ? "" : ", ", "layer ", layer, backward ? " backwards in time" : "");
    if (named.name.empty()) named.name = "outside of layers";
    add_row(report.layers, named);
  }
}

void sort(ProfileReport& report) {
  for (std::vector<ProfileRow>* rows : {&report.ops, &report.layers})
    std::stable_sort(rows->begin(), rows->end(), [](const ProfileRow& a, const ProfileRow& b) {
      return a.forward_seconds + a.backward_seconds > b.forward_seconds + b.backward_seconds;
    });
}

template class Profile<float>;
template class Profile<double>;

}  // namespace carousel
