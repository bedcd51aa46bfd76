#include <carousel/tasks/eeg/series.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

constexpr std::string_view data_end = "_data.csv", events_end = "_events.csv";

/// Checks the first field of each row: NAME_0, NAME_1, …
class Ids {
 public:
  explicit Ids(const std::string& name) : id_(name + "_"), prefix_(id_.size()) {}

  void check(const Csv& csv, const CsvReader& row) {
    char digits[24];
    char* const end = std::to_chars(digits, std::end(digits), row_++).ptr;
    id_.resize(prefix_);
    id_.append(static_cast<const char*>(digits), static_cast<const char*>(end));
    if (row.fields()[0] != id_) csv.refuse(0, row, id_);
  }

 private:
  std::string id_;
  std::size_t prefix_;
  Index row_ = 0;
};

bool bit_of(const Csv& csv, const CsvReader& row, Index column) {
  const std::string_view field = row.fields()[static_cast<std::size_t>(column)];
  if (field != "0" && field != "1") csv.refuse(column, row, "0 or 1");
  return field == "1";
}

/// Throws unless the header is "id" and then these names.
void check_events_header(const Csv& csv) {
  std::vector<std::string> names = {"id"};
  names.insert(names.end(), eeg_events.begin(), eeg_events.end());
  if (csv.header() != names)
    bad_file("read ", csv.name(), ": line ", csv.first_line(), ": ", in_quotes(fmt::format("{}", fmt::join(csv.header(), ","))),
             ": must be ", events_header());
}

std::vector<std::string> channels_of(const Csv& csv) {
  const std::vector<std::string>& header = csv.header();
  const std::string where = join("read ", csv.name(), ": line ", csv.first_line());
  if (header[0] != "id") bad_file(where, ", column 1: ", in_quotes(header[0]), ": must be id");
  if (header.size() == 1) bad_file(where, ": names no channel: must name at least one after id");
  for (auto name = header.begin() + 1; name != header.end(); ++name)
    if (name->empty() || std::find(header.begin(), name, *name) != name)
      bad_file(where, ", column ", name - header.begin() + 1, ": ", in_quotes(*name), ": must be the name of another channel");
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

/// Reads the channels and signals of a table, and tells of each row.
template <class ForRow>
void take_signals(const Csv& data, EegSeries& series, ForRow for_row) {
  series.channels = channels_of(data);
  for (Index column = 1; column < data.columns(); ++column) data.check_numbers(column);
  series.signals.reserve(static_cast<std::size_t>(data.rows()) * series.channels.size());
  data.for_each_row([&](const CsvReader& row) {
    for_row(row);
    for (Index column = 1; column < data.columns(); ++column) {
      constexpr double largest = 1e37;  // floats hold it
      series.signals.push_back(data.number(column, row));
      if (std::abs(series.signals.back()) > largest) data.refuse(column, row, "within ±1e37");
    }
  });
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

EegSeries read_series(const std::string& folder, const std::string& name, CsvOptions options) {
  options.header = CsvHeader::yes;
  const Csv data = Csv::read(path_of(folder, name, data_end), options);
  EegSeries series{.name = name};
  take_signals(data, series, [&, ids = Ids(name)](const CsvReader& row) mutable { ids.check(data, row); });

  const Csv events = Csv::read(path_of(folder, name, events_end), options);
  check_events_header(events);
  if (events.rows() != data.rows())
    bad_file("read ", events.name(), ": has ", events.rows(), " rows: must have ", data.rows(), ", as ", name, data_end);
  series.events.reserve(static_cast<std::size_t>(events.rows()));
  events.for_each_row([&, ids = Ids(name)](const CsvReader& row) mutable {
    ids.check(events, row);
    unsigned marked = 0;
    for (std::size_t k = 0; k < eeg_events.size(); ++k)
      marked |= static_cast<unsigned>(bit_of(events, row, static_cast<Index>(k) + 1)) << k;
    series.events.push_back(static_cast<std::uint8_t>(marked));
  });
  return series;
}

std::vector<std::string> list_signals(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator file(folder, error), end; !error && file != end; file.increment(error))
    if (std::string name = file->path().filename(); name.size() > data_end.size() && name.ends_with(data_end))
      names.push_back(name.substr(0, name.size() - data_end.size()));
  if (error) bad_file("read ", folder, ": ", error.message(), ": must be a folder of *_data.csv");
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) { return order_of(a) < order_of(b); });
  for (std::string& name : names) name = path_of(folder, name, data_end);
  return names;
}

EegSeries read_signals(const Csv& table, std::vector<std::string>& ids) {
  EegSeries series{.name = table.name()};
  take_signals(table, series, [&](const CsvReader& row) { ids.emplace_back(row.fields()[0]); });
  series.events.resize(ids.size());
  return series;
}

void write_series(const EegSeries& series, const std::string& folder) {
  std::string data = fmt::format("id,{}\n", fmt::join(series.channels, ",")), events = events_header() + "\n";
  const std::size_t channels = series.channels.size();
  for (std::size_t r = 0; r < series.events.size(); ++r) {
    fmt::format_to(std::back_inserter(data), "{}_{}", series.name, r);
    for (const double value : std::span(series.signals).subspan(r * channels, channels))
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
