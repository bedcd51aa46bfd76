#include <carousel/tasks/eeg/series.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

constexpr std::string_view data_end = "_data.csv", events_end = "_events.csv";

/// A CSV file that is read field by field, from its header on.
class CsvReader {
 public:
  explicit CsvReader(const std::string& path) : path_(path) {
    const InputFile file(path);
    text_.resize(file.size());
    file.read(0, std::as_writable_bytes(std::span(text_)));
    if (text_.starts_with("\xef\xbb\xbf")) from_ = 3;  // the mark that some programs begin UTF-8 with
    if (!next_line()) bad_file("read ", path_, ": is empty: must begin with a header");
    while (more()) header_.emplace_back(field());
  }

  const std::vector<std::string>& header() const { return header_; }

  /// Goes to the next line; false at the end.
  bool next_line() {
    if (text_.size() == from_) return false;
    ++line_, column_ = 0;
    begin_ = at_ = text_.data() + from_;
    const void* const found = std::memchr(begin_, '\n', text_.size() - from_);
    end_ = found == nullptr ? text_.data() + text_.size() : static_cast<const char*>(found);
    from_ = static_cast<std::size_t>(end_ - text_.data()) + (found == nullptr ? 0 : 1);
    if (end_ > begin_ && end_[-1] == '\r') --end_;
    return true;
  }
  /// Whether the line goes on.
  bool more() const { return at_ != nullptr; }
  /// The next field of the line. Throws if there is none.
  std::string_view field() {
    if (at_ == nullptr) wrong_count();
    const char* const begin = at_;
    while (at_ != end_ && *at_ != ',') ++at_;
    const std::string_view field(begin, static_cast<std::size_t>(at_ - begin));
    at_ = at_ == end_ ? nullptr : at_ + 1;
    ++column_;
    return field;
  }
  /// Throws unless the line has as many fields as the header.
  void end_line() const {
    if (at_ != nullptr) wrong_count();
  }
  /// Throws std::runtime_error about the field that was read last.
  [[noreturn]] void fail(std::string_view field, const std::string& rule) const {
    const std::string name = line_ == 1 ? "" : " (" + header_[column_ - 1] + ")";
    bad_file("read ", path_, ": line ", line_, ", column ", column_, name, ": ", in_quotes(field), ": must be ", rule);
  }

 private:
  [[noreturn]] void wrong_count() const {
    const auto columns = std::count(begin_, end_, ',') + 1;
    bad_file("read ", path_, ": line ", line_, ": has ", columns, columns == 1 ? " column" : " columns", ": must have ",
             header_.size(), ", as the header");
  }

  const std::string path_;
  std::string text_;
  std::vector<std::string> header_;
  std::size_t from_ = 0, line_ = 0, column_ = 0;  // where the next line begins; which line and field it is, from 1
  const char *begin_ = nullptr, *end_ = nullptr;  // of the line
  const char* at_ = nullptr;                      // the next field; none: the line is over
};

/// Reads what stands before the first comma of each row: NAME_0, NAME_1, …
class Ids {
 public:
  explicit Ids(const std::string& name) : id_(name + "_"), prefix_(id_.size()) {}

  void read(CsvReader& csv) {
    const std::string_view field = csv.field();
    char digits[24];
    char* const end = std::to_chars(digits, std::end(digits), row_++).ptr;
    id_.resize(prefix_);
    id_.append(static_cast<const char*>(digits), static_cast<const char*>(end));
    if (field != id_) csv.fail(field, id_);
  }
  Index rows() const { return row_; }

 private:
  std::string id_;
  std::size_t prefix_;
  Index row_ = 0;
};

float read_number(CsvReader& csv) {
  const std::string_view field = csv.field();
  const char *const begin = field.data(), *const end = begin + field.size();
  float value = 0;
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error != std::errc() || stop != end || !std::isfinite(value)) csv.fail(field, "a number");
  return value;
}

bool read_bit(CsvReader& csv) {
  const std::string_view field = csv.field();
  if (field != "0" && field != "1") csv.fail(field, "0 or 1");
  return field == "1";
}

/// Throws unless the header is "id" and then these names.
void check_events_header(CsvReader& csv, const std::string& path) {
  std::vector<std::string> names = {"id"};
  names.insert(names.end(), eeg_events.begin(), eeg_events.end());
  if (csv.header() != names)
    bad_file("read ", path, ": line 1: ", in_quotes(fmt::format("{}", fmt::join(csv.header(), ","))), ": must be ",
             events_header());
}

std::vector<std::string> channels_of(const CsvReader& csv, const std::string& path) {
  const std::vector<std::string>& header = csv.header();
  if (header[0] != "id") bad_file("read ", path, ": line 1, column 1: ", in_quotes(header[0]), ": must be id");
  if (header.size() == 1) bad_file("read ", path, ": line 1: names no channel: must name at least one after id");
  for (auto name = header.begin() + 1; name != header.end(); ++name)
    if (name->empty() || !is_utf8(*name) || std::find(header.begin(), name, *name) != name)
      bad_file("read ", path, ": line 1, column ", name - header.begin() + 1, ": ", in_quotes(*name),
               ": must be the name of another channel");
  return {header.begin() + 1, header.end()};
}

/// Of one of the two files of a series.
std::string path_of(const std::string& folder, const std::string& name, std::string_view ending) {
  return (std::filesystem::path(folder) / name).string() + std::string(ending);
}

void write_new(const std::string& path, const std::string& text) {
  if (std::filesystem::exists(path)) bad_file("write ", path, ": is there already: must not be, or be elsewhere");
  write_text(path, text);
}

/// What series are sorted by: the subject, then the number behind it; digits count as a number.
std::tuple<std::size_t, std::string, std::size_t, std::string> order_of(const std::string& name) {
  const std::string subject = subject_of(name), rest = name.substr(subject.size());
  // Of two words with as many letters before their digits, the longer number is the larger one.
  return {subject.size(), subject, rest.size(), rest};
}

}  // namespace

std::string subject_of(const std::string& series) {
  const std::size_t at = series.rfind("_series");
  return at == std::string::npos ? "" : series.substr(0, at);
}

std::vector<std::string> list_series(const std::string& folder, const std::string& subject) {
  std::error_code error;
  std::vector<std::string> data, events;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end; file.increment(error)) {
    const std::string name = file->path().filename();
    for (const auto& [ending, names] : {std::pair{data_end, &data}, std::pair{events_end, &events}})
      if (name.size() > ending.size() && name.ends_with(ending)) {
        const std::string series = name.substr(0, name.size() - ending.size());
        if (subject.empty() || subject_of(series) == subject) names->push_back(series);
      }
  }
  if (error) bad_file("read ", folder, ": ", error.message(), ": must be a folder of *_data.csv and *_events.csv");
  for (std::vector<std::string>* names : {&data, &events})
    std::sort(names->begin(), names->end(), [](const std::string& a, const std::string& b) { return order_of(a) < order_of(b); });
  for (const std::string& name : data)
    if (std::find(events.begin(), events.end(), name) == events.end())
      bad_file("read ", path_of(folder, name, data_end), ": there is no ", name, events_end, " beside it: must be a pair");
  for (const std::string& name : events)
    if (std::find(data.begin(), data.end(), name) == data.end())
      bad_file("read ", path_of(folder, name, events_end), ": there is no ", name, data_end, " beside it: must be a pair");
  return data;
}

EegSeries read_series(const std::string& folder, const std::string& name) {
  const std::string data_path = path_of(folder, name, data_end), events_path = path_of(folder, name, events_end);
  EegSeries series{.name = name};
  CsvReader data(data_path);
  series.channels = channels_of(data, data_path);
  Ids ids(name);
  while (data.next_line()) {
    ids.read(data);
    for (std::size_t k = 0; k < series.channels.size(); ++k) series.signals.push_back(read_number(data));
    data.end_line();
  }
  if (ids.rows() == 0) bad_file("read ", data_path, ": has no row: must have at least one below its header");

  CsvReader events(events_path);
  check_events_header(events, events_path);
  Ids same(name);
  series.events.reserve(static_cast<std::size_t>(ids.rows()));
  while (events.next_line()) {
    same.read(events);
    unsigned marked = 0;
    for (std::size_t k = 0; k < eeg_events.size(); ++k) marked |= static_cast<unsigned>(read_bit(events)) << k;
    events.end_line();
    series.events.push_back(static_cast<std::uint8_t>(marked));
  }
  if (same.rows() != ids.rows())
    bad_file("read ", events_path, ": has ", same.rows(), " rows: must have ", ids.rows(), ", as ", name, data_end);
  return series;
}

void write_series(const EegSeries& series, const std::string& folder) {
  std::string data = fmt::format("id,{}\n", fmt::join(series.channels, ",")), events = events_header() + "\n";
  const std::size_t channels = series.channels.size();
  for (std::size_t r = 0; r < series.events.size(); ++r) {
    fmt::format_to(std::back_inserter(data), "{}_{}", series.name, r);
    for (const float value : std::span(series.signals).subspan(r * channels, channels))
      fmt::format_to(std::back_inserter(data), ",{}", value);
    fmt::format_to(std::back_inserter(events), "{}_{}", series.name, r);
    for (std::size_t k = 0; k < eeg_events.size(); ++k)
      fmt::format_to(std::back_inserter(events), ",{}", series.events[r] >> k & 1);
    data += '\n', events += '\n';
  }
  write_new(path_of(folder, series.name, data_end), data);
  write_new(path_of(folder, series.name, events_end), events);
}

std::string events_header() {
  return fmt::format("id,{}", fmt::join(eeg_events, ","));
}

}  // namespace carousel
