#include <carousel/tasks/csv/reader.hpp>

#include <algorithm>
#include <cstring>

#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/csv/writing.hpp>

namespace carousel {

namespace {

constexpr std::size_t block = 1 << 18;

/// The separator that the first line has most of, outside of quotes; a comma if none.
char commonest_separator(std::string_view text) {
  constexpr std::string_view all = ",;\t";
  Index counts[all.size()] = {};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') break;
    if (const std::size_t which = all.find(c); which != std::string_view::npos) ++counts[which];
  }
  return all[static_cast<std::size_t>(std::max_element(std::begin(counts), std::end(counts)) - counts)];
}

/// The bytes of a first line `sep=;` with its end; 0: it is another one.
std::size_t separator_line(std::string_view text) {
  if (!(text.starts_with("sep=") || text.starts_with("SEP=")) || text.size() < 6 || text[4] == '"') return 0;
  if (text[5] == '\n') return 6;
  return text[5] == '\r' ? text.size() > 6 && text[6] == '\n' ? 7 : 6 : 0;
}

bool is_ascii(std::string_view text) {
  std::uint64_t high = 0, eight;
  std::size_t at = 0;
  for (; at + sizeof eight <= text.size(); at += sizeof eight) {
    std::memcpy(&eight, text.data() + at, sizeof eight);
    high |= eight;
  }
  for (; at < text.size(); ++at) high |= static_cast<unsigned char>(text[at]);
  return (high & 0x8080808080808080U) == 0;
}

}  // namespace

void CsvSource::read(std::uint64_t offset, std::span<char> bytes) const {
  if (file)
    file->read(offset, std::as_writable_bytes(bytes));
  else
    text.copy(bytes.data(), bytes.size(), offset);
}

CsvReader::CsvReader(const CsvSource& source, std::function<void(std::uint64_t)> progress)
    : source_(source), progress_(std::move(progress)) {
  fill();
  refuse_utf16({buffer_.data(), filled_}, source_.name);
  if (starts_with_mark({buffer_.data(), filled_})) at_ = byte_order_mark.size();
  const std::string_view text(buffer_.data() + at_, filled_ - at_);
  if (const std::size_t taken = separator_line(text)) {
    separator_ = text[4];
    at_ += taken;
    ++line_;
  } else {
    separator_ = commonest_separator(text);
  }
  for (const char c : {separator_, '\n', '\r'}) ends_field_[static_cast<unsigned char>(c)] = true;
}

/// Reads on; false: there is no more.
bool CsvReader::fill() {
  const std::uint64_t left = source_.size() - offset_;
  if (left == 0) return false;
  const std::size_t kept = filled_ - at_;
  if (at_ > 0) std::memmove(buffer_.data(), buffer_.data() + at_, kept);
  at_ = 0, filled_ = kept;
  const auto more = static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(block, kept)));
  if (buffer_.size() < kept + more) buffer_.resize(kept + more);
  source_.read(offset_, {buffer_.data() + kept, more});
  filled_ += more, offset_ += more;
  if (progress_) progress_(more);
  return true;
}

bool CsvReader::next() {
  for (;;) {
    if (at_ == filled_ && offset_ == source_.size()) return false;
    const std::size_t from = at_;
    if (take()) {
      check_utf8(from);
      return true;
    }
    fill();
  }
}

/// Takes a record off what is in the buffer; false, and nothing is taken: it goes on, or may go on, beyond that.
bool CsvReader::take() {
  const bool whole = offset_ == source_.size();
  const char *at = buffer_.data() + at_, *const end = buffer_.data() + filled_;
  Index line = line_;
  fields_.clear();
  unquoted_.clear();
  for (;;) {
    const char* const from = at;
    while (at != end && *at == ' ') ++at;
    if (at != end && *at == '"') {
      const char *const open = ++at, *close = nullptr;
      bool doubled = false;
      while (close == nullptr) {
        const auto* const quote = static_cast<const char*>(std::memchr(at, '"', static_cast<std::size_t>(end - at)));
        if (!whole && (quote == nullptr || quote + 1 == end)) return false;
        if (quote == nullptr)
          bad_file("read ", source_.name, ": line ", line, ", column ", fields_.size() + 1,
                   ": a quote begins and does not end: must be closed");
        at = quote + 1;
        if (at != end && *at == '"')
          doubled = true, ++at;
        else
          close = quote;
      }
      std::string_view field(open, static_cast<std::size_t>(close - open));
      line += std::count(field.begin(), field.end(), '\n');
      if (doubled) {
        std::string& single = unquoted_.emplace_back();
        for (std::size_t i = 0; i < field.size(); ++i) {
          single += field[i];
          if (field[i] == '"') ++i;
        }
        field = single;
      }
      fields_.push_back(field);
      while (at != end && *at == ' ') ++at;
      if (at != end && *at != separator_ && *at != '\n' && *at != '\r')
        bad_file("read ", source_.name, ": line ", line, ", column ", fields_.size(), ": text after the closing quote: must be ",
                 separator_ == '\t' ? "a tab" : std::string(1, separator_), " or the end of the line");
    } else {
      at = from;
      while (at != end && !ends_field_[static_cast<unsigned char>(*at)]) ++at;
      fields_.emplace_back(from, static_cast<std::size_t>(at - from));
    }
    if (at == end) {
      if (!whole) return false;
      break;
    }
    if (*at == separator_) {
      ++at;
      continue;
    }
    const bool returned = *at == '\r';
    if (returned && at + 1 == end && !whole) return false;
    ++at, ++line;
    if (returned && at != end && *at == '\n') ++at;
    break;
  }
  begins_ = line_;
  line_ = line;
  at_ = static_cast<std::size_t>(at - buffer_.data());
  return true;
}

void CsvReader::check_utf8(std::size_t from) const {
  const std::string_view record(buffer_.data() + from, at_ - from);
  if (is_ascii(record)) return;
  if (const std::size_t bad = first_not_utf8(record); bad != std::string_view::npos)
    refuse_not_utf8(record, bad, source_.name,
                    begins_ + std::count(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(bad), '\n'),
                    offset_ - filled_ + from + bad);
}

bool CsvReader::blank() const {
  return fields_.size() == 1 && trimmed(fields_.front()).empty();
}

}  // namespace carousel
