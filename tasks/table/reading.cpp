/// How a file becomes a table: which columns are read and how, what the labels are called, what is done about empty cells.

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/options.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/table/data.hpp>

namespace carousel {

namespace {

using Kind = TableColumn::Kind;
constexpr double no_number = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t most_words = 100, most_classes = 1000;

/// Whether a field of words holds none: nothing, NA, NaN, null. "none" and "-" may be words.
bool is_no_word(std::string_view field) {
  const std::string word = lowered(trimmed(field).substr(0, 5));
  return word.empty() || word == "na" || word == "n/a" || word == "#n/a" || word == "nan" || word == "null";
}

/// What is read of a file, and how.
class Reading {
 public:
  Reading(const Csv& csv, const TableColumns& how)
      : csv_(csv), how_(how), top_(join("read ", csv.name(), ": line ", csv.first_line())) {
    std::set<std::string> seen;
    for (const std::string& name : csv.header())
      if (!seen.insert(name).second) bad_file(top_, ": two columns are called ", in_quotes(name), ": their names must differ");
    if (!how.classes.empty()) classes_ = how.classes;
    label_ = place_of(how.label), name_ = place_of(how.name);
    if (!how.date.empty()) date_ = needed(how.date, "--date");
    if (!label_ && !how.may_lack_labels)
      bad_file(top_, ": no column is called ", how.label, ": --label must name one of ", list_words(csv.header()));
  }

  Table table() {
    choose_columns();
    learn_words();
    if (label_) learn_classes();
    Table table{
        .columns = {}, .names = {}, .xs = {}, .labels = {}, .remarks = csv_.remarks(), .classes = classes_, .read = columns_};
    for (const TableColumn& column : columns_)
      for (std::string& feature : column.features()) table.columns.push_back(std::move(feature));
    read_rows(table);
    say_what_was_done(table);
    return table;
  }

 private:
  std::optional<Index> place_of(const std::string& name) const {
    const auto found = std::find(csv_.header().begin(), csv_.header().end(), name);
    return found == csv_.header().end() ? std::nullopt : std::optional(found - csv_.header().begin());
  }
  Index needed(const std::string& name, const char* option) const {
    const auto place = place_of(name);
    if (!place) bad_file(top_, ": no column is called ", name, ": ", option, " must name one of ", list_words(csv_.header()));
    return *place;
  }
  static std::string_view field(const CsvReader& row, Index place) { return row.fields()[static_cast<std::size_t>(place)]; }

  void choose_columns() {
    std::set<Index> ignored;
    for (const std::string& name : how_.ignore) ignored.insert(needed(name, "--ignore"));
    columns_ = how_.inputs;
    if (columns_.empty())
      for (Index k = 0; k < csv_.columns(); ++k)
        if (label_ != k && name_ != k && date_ != k && !ignored.contains(k))
          columns_.push_back(
              {.kind = csv_.holds_words(k) ? Kind::text : Kind::number, .name = csv_.header()[static_cast<std::size_t>(k)]});
    if (columns_.empty()) bad_file(top_, ": no column besides names and labels: there must be at least one to read");
    std::vector<std::string> names;
    for (const TableColumn& column : columns_) names.push_back(column.name);
    for (const TableColumn& column : columns_) {
      const auto place = place_of(column.name);
      if (!place) bad_file(top_, ": no column is called ", column.name, ": the model reads ", list_words(names));
      places_.push_back(*place);
      if (column.kind == Kind::number)
        csv_.check_numbers(*place, csv_.holds_numbers(*place) ? "" : "; or leave the column out by --ignore",
                           how_.missing != "error");
    }
  }

  /// Finds columns of dates, and the words of the others that hold no numbers.
  void learn_words() {
    std::vector<std::set<std::string>> words(columns_.size());
    std::vector<DateColumn> dates(columns_.size(), DateColumn(how_.order));
    DateColumn date(how_.order);
    csv_.for_each_row([&](const CsvReader& row) {
      if (date_) date.add(field(row, *date_), row.line());
      for (std::size_t k = 0; k < columns_.size(); ++k) {
        if (columns_[k].kind == Kind::number) continue;
        dates[k].add(field(row, places_[k]), row.line());
        if (!is_no_word(field(row, places_[k])) && words[k].size() <= most_words)
          words[k].emplace(trimmed(field(row, places_[k])));
      }
    });
    if (date_) order_ = order_of(*date_, date);
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      TableColumn& column = columns_[k];
      orders_.push_back(how_.order);
      if (column.kind == Kind::number) continue;
      if (column.kind == Kind::date || (how_.inputs.empty() && dates[k].holds_dates())) {
        column.kind = Kind::date;
        orders_.back() = order_of(places_[k], dates[k]);
      } else if (how_.inputs.empty()) {
        const auto rows = static_cast<std::size_t>(csv_.rows());
        if (words[k].size() > most_words || (rows >= 20 && words[k].size() > rows / 2))
          bad_file("read ", csv_.name(), ": ", csv_.column_name(places_[k]), " has ",
                   words[k].size() > most_words ? join("more than ", most_words) : join(words[k].size()), " different words in ",
                   rows, " rows: leave it out by --ignore ", column.name, ", or by --name, if it names the rows");
        column.words.assign(words[k].begin(), words[k].end());
      }
    }
  }

  DateOrder order_of(Index place, const DateColumn& known) const {
    if (!known.holds_dates())
      bad_file("read ", csv_.name(), ": ", csv_.column_name(place), " holds no dates such as 2024-04-03 or 2024-04-03 12:30");
    known.refuse_ambiguous(csv_.name(), csv_.column_name(place), ", or leave the column out by --ignore");
    return known.order();
  }

  /// The names of the labels: 0 and 1, numbers in their order, or words in theirs.
  void learn_classes() {
    std::map<std::string, Index> counts;
    bool binary = true, numbers = true;
    csv_.for_each_row([&](const CsvReader& row) {
      if (is_no_word(field(row, *label_))) return;
      const std::optional<double> value = csv_.value(*label_, row);
      binary = binary && value && (*value == 0 || *value == 1);
      numbers = numbers && value;
      if (counts.size() <= most_classes) ++counts[std::string(trimmed(field(row, *label_)))];
    });
    binary_ = binary && (how_.classes.empty() || how_.classes == std::vector<std::string>{"0", "1"});
    classes_ = how_.classes;
    if (binary_) classes_ = {"0", "1"};
    if (!classes_.empty()) return;
    const auto rows = static_cast<std::size_t>(csv_.rows());
    if (counts.size() > most_classes || (rows >= 20 && counts.size() > rows / 2))
      bad_file("read ", csv_.name(), ": ", csv_.column_name(*label_), " has ",
               counts.size() > most_classes ? join("more than ", most_classes) : join(counts.size()), " different labels in ",
               rows, " rows: --label must name a column of classes; for numbers there is carousel train series");
    for (const auto& one : counts) classes_.push_back(one.first);
    if (numbers)
      std::stable_sort(classes_.begin(), classes_.end(),
                       [](const std::string& a, const std::string& b) { return number_of(a) < number_of(b); });
    if (classes_.size() == 1) classes_.insert(classes_.begin(), classes_.front() == "0" ? "1" : "0");  // one that no row has
  }
  static double number_of(const std::string& text) {
    for (std::size_t k = 0; k < all_writings.size(); ++k)
      if (const auto value = number_in(text, k)) return *value;
    return 0;
  }

  Index class_of(const CsvReader& row) const {
    const auto found = std::find(classes_.begin(), classes_.end(), trimmed(field(row, *label_)));
    if (found != classes_.end()) return found - classes_.begin();
    if (const std::optional<double> y = csv_.value(*label_, row); binary_ && (y == 0 || y == 1)) return y == 1 ? 1 : 0;
    csv_.refuse(*label_, row, "one of the labels that the model knows, " + list_words(classes_));
  }

  void refuse_empty(Index place, const CsvReader& row) const {
    bad_file("read ", csv_.name(), ": line ", row.line(), ", ", csv_.column_name(place),
             ": the cell is empty: give --missing fill or --missing skip, or fill it");
  }

  /// Writes what is read of a row; false: it has an empty cell, and is to be left out.
  bool read_row(const CsvReader& row, double* to) {
    bool whole = true;
    for (std::size_t k = 0; k < columns_.size(); ++k) {
      const TableColumn& column = columns_[k];
      const std::string_view text = field(row, places_[k]);
      const bool hole = column.kind == Kind::text ? is_no_word(text) : is_hole(text);
      if (hole) {
        if (how_.missing == "error") refuse_empty(places_[k], row);
        whole = whole && how_.missing != "skip";
        ++filled_[column.name];
      }
      if (column.kind == Kind::number) {
        constexpr double largest = 1e37;  // floats hold it
        *to++ = hole ? no_number : csv_.number(places_[k], row);
        if (std::abs(to[-1]) > largest) csv_.refuse(places_[k], row, "within ±1e37");
      } else if (column.kind == Kind::text) {
        const auto found = std::find(column.words.begin(), column.words.end(), trimmed(text));
        if (!hole && found == column.words.end() && unknown_[column.name].second++ == 0)
          unknown_[column.name].first = std::string(trimmed(text));
        for (auto word = column.words.begin(); word != column.words.end(); ++word)
          *to++ = found == column.words.end() ? no_number : word == found;
      } else {
        const std::optional<Moment> moment = hole ? std::nullopt : read_moment(text, orders_[k]);
        if (!hole && !moment) csv_.refuse(places_[k], row, "a date such as 2024-04-03 or 2024-04-03 12:30");
        *to++ = moment ? moment->seconds : no_number;
        std::fill_n(to, 6, no_number);
        if (moment) Calendar{.hour = true, .weekday = true, .month = true}.write(moment->seconds, moment->offset.value_or(0), to);
        to += 6;
      }
    }
    if (label_ && !how_.may_lack_labels && is_no_word(field(row, *label_))) {
      if (how_.missing != "skip")
        bad_file("read ", csv_.name(), ": line ", row.line(), ", ", csv_.column_name(*label_),
                 ": there is no label: write one, or give --missing skip, which leaves out such rows");
      whole = false;
    }
    return whole;
  }

  void read_rows(Table& table) {
    const Index width = std::ssize(table.columns);
    Tensor<double> xs = empty<double>({csv_.rows(), width});
    std::vector<double> moments;
    bool gap = false;
    Index kept = 0, begins = 0;
    csv_.for_each_row([&](const CsvReader& row) {
      const std::optional<Moment> moment = date_ ? read_moment(field(row, *date_), order_) : std::nullopt;
      if (date_ && !moment && how_.missing != "skip") refuse_empty(*date_, row);
      if (!read_row(row, xs.data() + kept * width) || (date_ && !moment)) {
        gap = true, ++skipped_;
        return;
      }
      if (label_ && is_no_word(field(row, *label_))) label_.reset();  // where labels may lack, they do
      if (label_) table.labels.push_back(class_of(row));
      if (name_) table.names.emplace_back(field(row, *name_));
      if (gap) begins = kept;
      gap = false;
      table.begins.push_back(begins);
      table.lines.push_back(row.line());
      if (moment) moments.push_back(moment->seconds);
      ++kept;
    });
    if (!label_) table.labels.clear();
    if (kept == 0) bad_file("read ", csv_.name(), ": every row has an empty cell: leave columns out by --ignore");
    table.xs = empty<double>({kept, width});
    std::copy_n(xs.data(), kept * width, table.xs.data());
    if (begins == 0) table.begins.clear();
    if (date_) sort_by(moments, table);
  }

  /// Sorts the rows by date, and finds holes between them.
  void sort_by(const std::vector<double>& moments, Table& table) const {
    std::vector<Index> order(moments.size());
    std::iota(order.begin(), order.end(), 0);
    const auto moment = [&](Index row) { return moments[static_cast<std::size_t>(row)]; };
    const auto earlier = [&](Index a, Index b) { return moment(a) < moment(b); };
    if (!std::is_sorted(order.begin(), order.end(), earlier)) {
      std::stable_sort(order.begin(), order.end(), earlier);
      table = table.chosen(order);
      table.begins.clear();
      table.remarks.push_back(
          join("the rows of ", last_name(csv_.name()), " were not in the order of ", how_.date, ": they are sorted by it"));
    }
    std::vector<double> sorted;
    for (const Index row : order) sorted.push_back(moment(row));
    const TimeStep step = find_step(sorted);
    std::vector<Index> begins = {0};
    Index gaps = 0, first = 0;
    for (std::size_t row = 1; row < sorted.size(); ++row) {
      const bool gap = !follows(step, sorted[row - 1], sorted[row]),
                 hole = gap || (!table.begins.empty() && table.begins[row] == static_cast<Index>(row));
      if (gap && gaps++ == 0) first = static_cast<Index>(row);
      begins.push_back(hole ? static_cast<Index>(row) : begins.back());
    }
    if (begins.back() > 0) table.begins = std::move(begins);
    if (gaps > 0)
      table.remarks.push_back(join(gaps, gaps == 1 ? " gap in " : " gaps in ", how_.date, ", whose steps are of ", step.name(),
                                   ": the first after ", moment_text(sorted[static_cast<std::size_t>(first - 1)], Moment{}),
                                   "; no window runs across ", gaps == 1 ? "it" : "them"));
  }

  void say_what_was_done(Table& table) const {
    const auto all_of = [](const std::map<std::string, Index>& counts) {
      std::string text;
      for (const auto& [name, count] : counts) text += join(text.empty() ? "" : ", ", count, " of ", name);
      return text;
    };
    if (how_.missing == "fill" && !filled_.empty())
      table.remarks.push_back(join("--missing fill: empty cells count as the mean of the rows to train on: ", all_of(filled_)));
    if (skipped_ > 0)
      table.remarks.push_back(join("--missing skip: ", skipped_, " of ", csv_.rows(), " rows with empty cells ",
                                   skipped_ == 1 ? "is" : "are", " left out"));
    for (const auto& [name, seen] : unknown_)
      table.remarks.push_back(join(name, ": ", seen.second, seen.second == 1 ? " row has a word" : " rows have words",
                                   " that the training did not have (the first is ", in_quotes(seen.first),
                                   "): it counts as none of the known ones"));
  }

  const Csv& csv_;
  const TableColumns& how_;
  const std::string top_;
  std::optional<Index> label_, name_, date_;
  DateOrder order_ = DateOrder::automatic;  // of date_
  std::vector<TableColumn> columns_;
  std::vector<Index> places_;
  std::vector<DateOrder> orders_;
  std::vector<std::string> classes_ = {"0", "1"};
  bool binary_ = true;
  std::map<std::string, Index> filled_;
  std::map<std::string, std::pair<std::string, Index>> unknown_;  // the first of them, how many
  Index skipped_ = 0;
};

}  // namespace

Table read_table(const std::string& path, const TableColumns& columns, CsvOptions options) {
  options.header = CsvHeader::yes;
  options.skip_empty_lines = true;
  options.missing_option = true;
  return read_table(Csv::read(path, options), columns);
}

Table read_table(const Csv& csv, const TableColumns& columns) {
  return Reading(csv, columns).table();
}

}  // namespace carousel
