#include <carousel/tasks/answers/input_lines.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

int open_input(const std::string& input) {
  if (input == "-") return -1;
  const int file = ::open(input.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) bad_file("read ", input, ": ", std::strerror(errno), ": must be a readable file");
  return file;
}

/// Adds to `buffer` what there is to read, as soon as there is something. False at the end, and when interrupted().
bool read_more(int file, const std::string& name, std::string& buffer) {
  char block[1 << 16];
  for (;;) {
    if (interrupted()) return false;
    const ssize_t count = ::read(file, block, sizeof block);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) bad_file("read ", name, ": ", std::strerror(errno), ": must be a readable file");
    buffer.append(block, static_cast<std::size_t>(count));
    return count > 0;
  }
}

}  // namespace

std::string name_of_input(const std::string& input) {
  return input == "-" ? "standard input" : input;
}

InputLines::InputLines(const std::string& input, std::string rule)
    : name_(name_of_input(input)),
      rule_(std::move(rule)),
      own_(open_input(input)),
      file_(own_.get() < 0 ? STDIN_FILENO : own_.get()) {}

bool InputLines::fill() {
  buffer_.erase(0, std::exchange(at_, 0));
  return read_more(file_, name_, buffer_);
}

bool InputLines::next() {
  constexpr std::size_t longest = std::size_t{1} << 24;
  std::size_t searched = at_, end;
  while ((end = buffer_.find('\n', searched)) == std::string::npos && !ended_) {
    searched = buffer_.size() - at_;
    if (searched > longest) break;
    ended_ = !fill();
  }
  if (interrupted()) return false;
  if (end == std::string::npos) end = buffer_.size();
  if (at_ == end && at_ == buffer_.size()) {
    if (number_ == 0) bad_file("read ", name_, ": is empty: ", rule_);
    return false;
  }
  ++number_;
  if (end - at_ > longest) bad_file(where(), ": has more than ", longest, " bytes: ", rule_);
  line_.assign(buffer_, at_, end - at_);
  if (number_ == 1) refuse_utf16(line_, name_);
  if (const std::size_t bad = first_not_utf8(line_); bad != std::string::npos)
    refuse_not_utf8(line_, bad, name_, number_, taken_ + bad);
  const std::size_t next = std::min(end + 1, buffer_.size());
  taken_ += next - at_;
  at_ = next;
  if (number_ == 1 && starts_with_mark(line_)) line_.erase(0, byte_order_mark.size());
  if (line_.ends_with('\r')) line_.pop_back();
  return true;
}

std::vector<double> InputLines::numbers() const {
  constexpr const char* between = " \t\r,;";
  std::vector<double> numbers;
  for (std::size_t from = 0, to = 0; (from = line_.find_first_not_of(between, to)) != std::string::npos;) {
    to = std::min(line_.find_first_of(between, from), line_.size());
    double number = 0;
    const auto [stop, error] = std::from_chars(line_.data() + from, line_.data() + to, number);
    if (error != std::errc() || stop != line_.data() + to || !std::isfinite(number))
      bad_file(where(), ": ", in_quotes(std::string_view(line_).substr(from, to - from)), ": must be a number");
    numbers.push_back(number);
  }
  return numbers;
}

void InputLines::refuse_blank() const {
  bad_file("read ", name_, ": has blank lines only: ", rule_);
}

std::string InputLines::where() const {
  return join("read ", name_, ": line ", number_);
}

std::string whole_input(const std::string& input, std::size_t most) {
  const detail::Descriptor own(open_input(input));
  std::string all;
  while (read_more(own.get() < 0 ? STDIN_FILENO : own.get(), name_of_input(input), all))
    if (all.size() > most) bad_file("read ", name_of_input(input), ": has more than ", most, " bytes: must be at most that");
  return interrupted() ? "" : all;
}

Csv csv_input(const std::string& input, const CsvOptions& options) {
  return input == "-" ? Csv::parse(whole_input(input), name_of_input(input), options) : Csv::read(input, options);
}

}  // namespace carousel
