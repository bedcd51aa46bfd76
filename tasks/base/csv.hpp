#pragma once
/// Tables of comma-separated values (RFC 4180) as people have them: with or without a header, separated by comma, semicolon or
/// tab, with quotes, with line ends of any system.

#include <span>
#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A record of a file: its fields without quotes.
struct CsvRecord {
  Index line;  ///< in the file, from 1, where it begins
  std::vector<std::string> fields;
};

/// Whether the first record names the columns.
enum class CsvHeader { yes, no, automatic };

/// A table of which every record has as many fields as the first.
struct Csv {
  std::string name;                 ///< of the file, for errors
  std::vector<std::string> header;  ///< empty: there is none
  std::vector<CsvRecord> records;
  bool decimal_comma = false;  ///< fields are separated by semicolons: 3,5 is a number

  /// Reads a file. The separator is the one of comma, semicolon and tab that the first line has most of; with
  /// semicolons numbers may have decimal commas. With `automatic` the
  /// first record is the header unless one of its fields is a number. Empty lines at the end do not count. Throws
  /// std::runtime_error, with file, line and column, for a file that can not be read, is not UTF-8, has no records, for quotes
  /// that are wrong, and for a record with another number of fields than the first.
  static Csv read(const std::string& path, CsvHeader header = CsvHeader::automatic);
  /// As read(), from a text.
  static Csv parse(std::string_view text, const std::string& name, CsvHeader header = CsvHeader::automatic);

  Index columns() const { return static_cast<Index>(records.front().fields.size()); }
  /// `column 2 (load)`: for errors.
  std::string column_name(Index column) const;
  /// The column of that name, or else of that number, counted from 1. Throws std::invalid_argument, with `option`, if there is
  /// none or several have the name.
  Index column(const std::string& option, const std::string& name) const;
  /// Whether the field in the first record is a number.
  bool begins_with_number(Index column) const;
  /// A column as numbers. Throws std::runtime_error, with file, line and column, for a field that is empty or no finite number.
  std::vector<double> numbers(Index column) const;
};

/// A field for a file of comma-separated values: in quotes where it must be.
std::string csv_field(const std::string& text);

}  // namespace carousel
