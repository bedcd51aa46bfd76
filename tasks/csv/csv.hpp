#pragma once
/// Tables of comma-separated values (RFC 4180) as people have them: with or without a header, separated by comma, semicolon or
/// tab, with quotes, with line ends of any system, with decimal points or commas. A file is read twice, block by block: to learn
/// what it is, and for its numbers. So it need not fit into memory, and nothing is decided by a part of it.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/csv/reader.hpp>
#include <carousel/tasks/csv/writing.hpp>

namespace carousel {

/// Whether the first record names the columns.
enum class CsvHeader { yes, no, automatic };

/// How a table is read.
struct CsvOptions {
  CsvHeader header = CsvHeader::automatic;
  std::string decimal = "auto", thousands = "auto";  ///< see writings_of()
  bool skip_empty_lines = false;                     ///< else those are refused, but at the end
  bool missing_option = false;                       ///< there is an option --missing, which errors about empty cells name
  /// Is told how much is read: of how many bytes, some of them twice.
  std::function<void(std::uint64_t done, std::uint64_t all)> progress = {};
};

/// The lines that rows begin at, of which most follow on each other.
class RowLines {
 public:
  /// Where the next row begins.
  void add(Index line);
  /// And where one before all others does.
  void add_first(Index line);
  Index rows() const { return rows_; }
  /// Of a row, counted from 0.
  Index operator[](Index row) const;

 private:
  std::vector<std::pair<Index, Index>> jumps_;  // {row, line} where it is not that of the row before and 1
  Index rows_ = 0;
};

/// A table of which every record has as many fields as the first.
class Csv {
 public:
  /// Reads what a file is, not yet its numbers. With `automatic` the first record is the header if no field of it is a number and
  /// one is a word, above all a word over a column of numbers. Empty lines at the end do not count.
  ///
  /// Throws std::runtime_error, with file, line and column, for a file that cannot be read, is not UTF-8, has no records, for
  /// quotes that are wrong, for a record with another number of fields than the first, and for a first record that has a word and
  /// a number, each over a column of numbers.
  static Csv read(const std::string& path, const CsvOptions& options = {});
  /// As read(), from a text.
  static Csv parse(std::string text, const std::string& name, const CsvOptions& options = {});

  const std::string& name() const { return source_.name; }              ///< of the file, for errors
  const std::vector<std::string>& header() const { return header_; }    ///< empty: there is none
  const std::vector<std::string>& remarks() const { return remarks_; }  ///< what users should know of how it was read
  Index columns() const { return static_cast<Index>(columns_.size()); }
  Index rows() const { return lines_.rows(); }
  const RowLines& lines() const { return lines_; }
  /// Of the first record, be it the header.
  Index first_line() const { return first_line_; }
  /// `column 2 ("load")`: for errors.
  std::string column_name(Index column) const;
  /// The column of that name, or else of that number, counted from 1. Throws std::invalid_argument, with `option`, if there is
  /// none or several have the name.
  Index column(const std::string& option, const std::string& name) const;

  /// Whether at least half of what stands in a column are numbers, and there is one. Nothing, NA, NaN and the like do not count.
  bool holds_numbers(Index column) const;
  /// Whether a column holds words instead, and not only nothing, NA and the like.
  bool holds_words(Index column) const { return !holds_numbers(column) && columns_[static_cast<std::size_t>(column)].words > 0; }
  /// What comes nearest to a number in columns that hold none, with its place and how it would be one; for the end of an error.
  std::string nearest_to_number() const;

  /// Columns as numbers, in the order given. How numbers are written is decided once for the file, from all its fields.
  ///
  /// Throws std::runtime_error, with file, line, column and field, for a field that is no finite number, with `remedy` behind
  /// that; for a field that may be two numbers, as 1.000 is 1 or 1000 where no other field says which; and for a column with a
  /// mark before its decimals that is not that of the rest of the file.
  std::vector<std::vector<double>> numbers(std::span<const Index> columns, const std::string& remedy = "") const;
  std::vector<double> numbers(Index column) const { return std::move(numbers(std::span(&column, 1)).front()); }

  /// As numbers(), but with NaN for what is_hole() says is none.
  std::vector<std::vector<double>> numbers_with_holes(std::span<const Index> columns, const std::string& remedy = "") const;
  /// How many fields of a column is_hole() holds for.
  Index holes(Index column) const { return columns_[static_cast<std::size_t>(column)].holes; }

  /// Goes through the rows: f(reader), in the order of the file.
  template <class F>
  void for_each_row(F f) const {
    CsvReader reader = first_row();
    for (Index row = 0; row < rows(); ++row) {
      next_row(reader);
      f(reader);
    }
  }
  /// Throws as numbers() does if a column cannot be told; holes are no reason where they may be.
  void check_numbers(Index column, const std::string& remedy = "", bool may_have_holes = false) const;
  /// A field of a column that was checked. Throws if it is too large.
  double number(Index column, const CsvReader& row, const std::string& remedy = "") const;
  /// The same of any column: none if it is no finite number.
  std::optional<double> value(Index column, const CsvReader& row) const;
  /// Throws std::runtime_error about a field: `read PATH: line 2, column 3 ("x"): "a": must be …`.
  [[noreturn]] void refuse(Index column, const CsvReader& row, const std::string& rule) const;

 private:
  /// A field and where it stands.
  struct Seen {
    Index line = 0, column = 0;  // line 0: there is none
    std::string field = {};
    Writings writings = 0;
    std::string text() const;
  };
  /// What is known of all fields of a column.
  struct Column {
    Index numbers = 0, words = 0, holes = 0, whole = 0;  // `whole`: numbers without a mark
    Writings writings = any_writing;                     // in which all of them are numbers
    std::vector<Seen> narrowed = {};                     // the fields that made these fewer
    Seen bad = {}, word = {}, candidate = {};            // the first that is no number; that is no hole either; and has a digit
    Seen point = {}, comma = {}, blank = {};  // the first with such a mark that may stand before decimals, or between thousands
  };

  explicit Csv(CsvSource source, const CsvOptions& options);
  void learn();
  void add_record(const CsvReader& reader);
  void add_field(Index column, Index line, std::string_view field);
  bool begins_with_header(const std::vector<std::string>& first) const;
  void decide();
  [[noreturn]] void refuse_hole(const Seen& seen, const std::string& remedy) const;
  [[noreturn]] void refuse_field(Index column, Index line, std::string_view field, const std::string& rule) const;
  [[noreturn]] void refuse_two_readings(const Seen& seen, char mark) const;
  CsvReader first_row() const;
  void next_row(CsvReader& reader) const;
  bool is_known(const Seen& seen, char mark) const;

  CsvSource source_;
  CsvOptions options_;
  Writings allowed_;
  std::vector<std::string> header_, remarks_;
  std::vector<Column> columns_;
  char separator_ = ',';
  Index first_line_ = 0;  // `first_line_`: of the first record, be it the header
  RowLines lines_;
  Writings left_ = any_writing;     // the writings that the file may have
  std::size_t writing_ = 0;         // that in which its numbers are read
  std::string contradiction_ = {};  // why there is none
};

/// A field for a file of comma-separated values: in quotes where it must be.
std::string csv_field(const std::string& text);

}  // namespace carousel
