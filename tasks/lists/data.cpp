#include <carousel/tasks/lists/data.hpp>

#include <algorithm>
#include <charconv>
#include <numeric>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

List solution(ListTask task, List list) {
  switch (task) {
    case ListTask::copy:
      break;
    case ListTask::reverse:
      std::reverse(list.begin(), list.end());
      break;
    case ListTask::sort:
      std::sort(list.begin(), list.end());
      break;
    case ListTask::sort_as_strings:
      std::sort(list.begin(), list.end(), [](Index a, Index b) { return std::to_string(a) < std::to_string(b); });
      break;
  }
  return list;
}

List draw_list(Random& random, Index length, Index range) {
  if (length < 1 || length > range)
    wrong_argument("lists: ", length, " distinct numbers of 0 to ", range - 1, ": must be 1 to ", range, " of them");
  List numbers(static_cast<std::size_t>(range));
  std::iota(numbers.begin(), numbers.end(), Index{0});
  for (Index i = 0; i < length; ++i)
    std::swap(numbers[static_cast<std::size_t>(i)], numbers[static_cast<std::size_t>(i + random.below(range - i))]);
  numbers.resize(static_cast<std::size_t>(length));
  return numbers;
}

ListData::ListData(const Random& random, Index length, Index range)
    : random_(random.split("training")), length_(length), range_(range) {
  constexpr std::size_t validation = 500, test = 2000;
  // As many to train on as are held out, at least; more than a double can count are enough.
  double different = 1;
  for (Index i = 0; i < length; ++i) different *= static_cast<double>(range - i);
  if (length >= 1 && length <= range && different < 2.0 * (validation + test))
    wrong_argument("lists: there are ", different, " of ", length, " distinct numbers of 0 to ", range - 1, ": must be at least ",
                   2 * (validation + test), ", half of them to train on");
  Random source = random.split("held out");
  const auto draw = [&](std::size_t count, std::vector<List>& to) {
    while (to.size() < count)
      if (List list = draw_list(source, length, range); held_out_.insert(list).second) to.push_back(std::move(list));
  };
  draw(validation, validation_);
  draw(test, test_);
}

List ListData::training(Index n) const {
  Random source = random_.split(static_cast<std::uint64_t>(n));
  for (;;)
    if (List list = draw_list(source, length_, range_); !held_out_.contains(list)) return list;
}

List parse_list(const std::string& line, Index range, const std::string& where) {
  constexpr const char* between = " \t\r,";
  List list;
  for (std::size_t from = 0; (from = line.find_first_not_of(between, from)) != std::string::npos;) {
    const std::size_t to = std::min(line.find_first_of(between, from), line.size());
    Index number = -1;
    const auto [stop, error] = std::from_chars(line.data() + from, line.data() + to, number);
    if (error != std::errc() || stop != line.data() + to || number < 0 || number >= range)
      bad_file(where, ": ", in_quotes(line.substr(from, to - from)), ": must be a whole number of 0 to ", range - 1);
    list.push_back(number);
    from = to;
  }
  if (std::ssize(list) > longest_list)
    bad_file(where, ": has ", list.size(), " numbers: must be at most ", longest_list, ", as memory grows with their square");
  return list;
}

std::vector<List> read_lists(const std::string& path, Index range) {
  std::vector<List> lists;
  for_each_line(read_file(path), [&](std::string_view line, Index number) {
    List list = parse_list(std::string(line), range, join("read ", path, ": line ", number));
    if (!list.empty()) lists.push_back(std::move(list));
  });
  if (lists.empty()) bad_file("read ", path, ": holds no list: must have one a line");
  return lists;
}

std::string words(std::span<const Index> list) {
  std::string text;
  for (const Index number : list) text += (text.empty() ? "" : " ") + std::to_string(number);
  return text;
}

std::vector<Index> side_by_side(std::span<const List> lists) {
  const std::size_t length = lists.empty() ? 0 : lists[0].size();
  std::vector<Index> all;
  all.reserve(length * lists.size());
  for (std::size_t t = 0; t < length; ++t)
    for (const List& list : lists) all.push_back(list[t]);
  return all;
}

}  // namespace carousel
