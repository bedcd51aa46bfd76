#pragma once
/// Records of comma-separated values (RFC 4180), one after the other, of files that need not fit into memory.

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/files/file.hpp>
#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// A file, or a text in its place.
struct CsvSource {
  std::string name;                            ///< for errors
  std::shared_ptr<const InputFile> file = {};  ///< none: it is `text`
  std::string text = {};

  std::uint64_t size() const { return file ? file->size() : text.size(); }
  void read(std::uint64_t offset, std::span<char> bytes) const;
};

/// Goes through the records of a source.
///
///     CsvReader reader(source);
///     while (reader.next()) use(reader.line(), reader.fields());
///
/// The separator is what a first line `sep=;` says, as Excel writes it, which is no record; else the one of comma, semicolon and
/// tab that the first line has most of. A byte order mark is passed over.
class CsvReader {
 public:
  /// The source must outlive it. `progress` is told of bytes that were read, block by block.
  explicit CsvReader(const CsvSource& source, std::function<void(std::uint64_t)> progress = {});

  char separator() const { return separator_; }
  /// Goes to the next record; false at the end. Throws std::runtime_error, with file, line and column, for quotes that are wrong,
  /// and for what is not UTF-8.
  bool next();
  /// Where the record begins in the file, from 1.
  Index line() const { return begins_; }
  /// Its fields, without quotes; they last until the next one.
  const std::vector<std::string_view>& fields() const { return fields_; }
  /// Whether there is no record but an empty line.
  bool blank() const;

 private:
  bool fill();
  bool take();
  void check_utf8(std::size_t from) const;

  const CsvSource& source_;
  std::function<void(std::uint64_t)> progress_;
  std::uint64_t offset_ = 0;  // in the source, up to where it is in the buffer
  std::string buffer_;        // from `at_` on it is not taken yet
  std::size_t at_ = 0, filled_ = 0;
  char separator_ = ',';
  std::array<bool, 256> ends_field_ = {};  // the separator and line ends
  Index line_ = 1, begins_ = 1;            // of what comes next; of the record
  std::vector<std::string_view> fields_;
  std::deque<std::string> unquoted_;  // fields that are not as they stand in the buffer
};

}  // namespace carousel
