#include <carousel/lib/files/safetensors_header.hpp>

#include <algorithm>
#include <utility>
#include <vector>

#include <carousel/lib/utf8.hpp>
#include <nlohmann/json.hpp>

namespace carousel::safetensors {

namespace {

using nlohmann::json;

constexpr std::uint64_t max_whole = INT64_MAX;

struct Dtype {
  std::string_view name;
  Index bits;
};

// In the order of the format, which is that of alignment.
constexpr Dtype dtypes[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64},
};

const Dtype* find_dtype(std::string_view name) {
  const auto* found = std::find_if(std::begin(dtypes), std::end(dtypes), [&](const Dtype& dtype) { return dtype.name == name; });
  return found == std::end(dtypes) ? nullptr : found;
}

// The bits that a tensor takes; no value past 2^63 - 1, even if another extent is 0: strides have to be numbers, too.
std::optional<Index> bits_of(const Dtype& dtype, const Shape& shape) {
  Index bits = dtype.bits;
  bool empty = false;
  for (Index extent : shape) {
    if (extent < 0) return std::nullopt;
    if (extent == 0) empty = true;
    if (extent > 0 && __builtin_mul_overflow(bits, extent, &bits)) return std::nullopt;
  }
  return empty ? 0 : bits;
}

// Takes the header apart event by event, and refuses at the first that does not belong: nothing else is ever stored.
class HeaderReader final : public nlohmann::json_sax<json> {
 public:
  HeaderReader(const std::string& path, std::uint64_t header_size, std::uint64_t data_size)
      : path_(path), header_size_(header_size), data_size_(data_size) {}

  Header take() {
    check_layout();
    return std::move(header_);
  }

  bool null() override { refuse_value("null"); }
  bool boolean(bool value) override { refuse_value(value ? "true" : "false"); }
  // The parser takes the way of number_unsigned for any number without a sign.
  bool number_integer(number_integer_t) override { refuse_value("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { refuse_value("a fraction or a huge number"); }
  bool binary(binary_t&) override { refuse_value("binary"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::shape && place_ != Place::offsets) refuse_value("a number");
    if (value > max_whole) refuse_value("a fraction or a huge number");
    if (place_ == Place::shape) {
      if (entry_.shape.rank() == max_rank)
        refuse(tensor(), ": shape has more than ", max_rank, " axes: must have at most ", max_rank);
      entry_.shape.push_back(static_cast<Index>(value));
    } else {
      if (offsets_ < 2) (offsets_ == 0 ? entry_.begin : entry_.end) = value;
      if (++offsets_ > 2) refuse(tensor(), ": data_offsets has more than 2 numbers: must be [begin, end]");
    }
    return true;
  }

  bool string(string_t& value) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(word_, std::move(value));
    } else if (place_ == Place::entry && field_ == dtype_field) {
      entry_.dtype = std::move(value);
    } else {
      refuse_value("a string");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (place_ == Place::before) {
      place_ = Place::top;
    } else if (place_ == Place::top && name_ == metadata_name) {
      place_ = Place::metadata;
    } else if (place_ == Place::top) {
      place_ = Place::entry;
      entry_ = {};
      seen_ = 0;
    } else {
      refuse_value("an object");
    }
    return true;
  }

  bool key(string_t& key) override {
    if (place_ == Place::top) {
      name_ = std::move(key);
      if (name_ == metadata_name ? has_metadata_ : header_.tensors.contains(name_))
        refuse(tensor(), " stands twice: names must differ");
      if (name_ == metadata_name) has_metadata_ = true;
    } else if (place_ == Place::metadata) {
      word_ = std::move(key);
      if (header_.metadata.contains(word_)) refuse("__metadata__ ", in_quotes(word_), " stands twice: keys must differ");
    } else {
      field_ = key == "dtype" ? dtype_field : key == "shape" ? shape_field : key == "data_offsets" ? offsets_field : no_field;
      if (field_ == no_field) refuse(tensor(), ": field ", in_quotes(key), ": must be dtype, shape or data_offsets");
      if (seen_ & field_) refuse(tensor(), ": ", text(field_), " stands twice: fields must differ");
      seen_ |= field_;
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::entry) {
      for (Field field : {dtype_field, shape_field, offsets_field})
        if (!(seen_ & field)) refuse(tensor(), ": ", text(field), " is missing: must have dtype, shape and data_offsets");
      check_entry();
      header_.tensors.emplace(name_, std::move(entry_));
    }
    place_ = place_ == Place::top ? Place::after : Place::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (place_ != Place::entry || field_ == dtype_field) refuse_value("an array");
    place_ = field_ == shape_field ? Place::shape : Place::offsets;
    offsets_ = 0;
    return true;
  }

  bool end_array() override {
    if (place_ == Place::offsets && offsets_ < 2)
      refuse(tensor(), ": data_offsets has ", offsets_, offsets_ == 1 ? " number" : " numbers", ": must be [begin, end]");
    place_ = Place::entry;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception& error) override {
    constexpr int number_overflow = 406;
    if (error.id == number_overflow) refuse_value("a fraction or a huge number");
    not_json(std::min<std::uint64_t>(position == 0 ? 0 : position - 1, header_size_));
  }

  /// Throws: the header's byte `at` cannot stand in JSON.
  [[noreturn]] void not_json(std::uint64_t at) const {
    refuse("header is not JSON at byte ", 8 + at, ": must be one JSON object");
  }

 private:
  enum class Place { before, top, metadata, entry, shape, offsets, after };
  enum Field : unsigned { no_field = 0, dtype_field = 1, shape_field = 2, offsets_field = 4 };

  static const char* text(Field field) {
    return field == dtype_field ? "dtype" : field == shape_field ? "shape" : "data_offsets";
  }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    bad_file("read ", path_, ": ", parts...);
  }

  std::string tensor() const { return name_ == metadata_name ? name_ : "tensor " + in_quotes(name_); }

  [[noreturn]] void refuse_value(const char* given) const {
    constexpr const char* whole = " whole numbers from 0 to 2^63 - 1";
    switch (place_) {
      case Place::top:
        refuse(tensor(), " is ", given, ": must be an object", name_ == metadata_name ? " of strings" : "");
      case Place::metadata:
        refuse("__metadata__ ", in_quotes(word_), " is ", given, ": must be a string");
      case Place::entry:
        if (field_ == dtype_field) refuse(tensor(), ": dtype is ", given, ": must be a string");
        refuse(tensor(), ": ", text(field_), " is ", given, ": must be an array of", whole);
      case Place::shape:
      case Place::offsets:
        refuse(tensor(), ": ", text(field_), " holds ", given, ": must hold", whole);
      case Place::before:
      case Place::after:
        break;
    }
    refuse("header is ", given, ": must be an object");
  }

  void check_entry() const {
    if (entry_.begin > entry_.end)
      refuse(tensor(), ": data_offsets [", entry_.begin, ", ", entry_.end, "]: begin must not exceed end");
    if (entry_.end > data_size_)
      refuse(tensor(), ": data_offsets [", entry_.begin, ", ", entry_.end, "] in ", data_size_,
             " bytes of data: must lie inside");
    if (const auto fault = fault_of(entry_.dtype, entry_.shape, entry_.end - entry_.begin)) refuse(tensor(), ": ", *fault);
  }

  // The tensors must fill the data from the first byte to the last, without overlap: no byte is read twice, none is hidden.
  void check_layout() const {
    using Named = std::pair<const std::string, Entry>;
    std::vector<const Named*> places;
    for (const Named& place : header_.tensors) places.push_back(&place);
    std::sort(places.begin(), places.end(), [](const Named* a, const Named* b) {
      return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
    });
    std::uint64_t end = 0;
    const std::string* last = nullptr;
    for (const Named* place : places) {
      const Entry& entry = place->second;
      const std::string name = "tensor " + in_quotes(place->first);
      if (entry.begin < end)
        refuse(name, " begins at byte ", entry.begin, " of the data, before the end of tensor ", in_quotes(*last), " at ", end,
               ": tensors must not overlap");
      if (entry.begin > end)
        refuse(name, " begins at byte ", entry.begin, " of the data: must begin at ", end, ", without a gap");
      end = entry.end;
      last = &place->first;
    }
    if (end != data_size_) refuse("data has ", data_size_, " bytes, its tensors have ", end, ": none may be left over");
  }

  const std::string& path_;
  const std::uint64_t header_size_, data_size_;
  Header header_;
  Place place_ = Place::before;
  std::string name_;  // of the tensor
  std::string word_;  // of the metadata
  Entry entry_;
  Field field_ = no_field;
  unsigned seen_ = 0;  // fields of the tensor so far
  int offsets_ = 0;    // numbers in data_offsets so far
  bool has_metadata_ = false;
};

}  // namespace

std::optional<int> rank_of(std::string_view dtype) {
  const Dtype* found = find_dtype(dtype);
  return found ? std::optional(static_cast<int>(found - dtypes)) : std::nullopt;
}

std::optional<std::string> fault_of(const std::string& dtype_name, const Shape& shape, std::uint64_t bytes) {
  const Dtype* dtype = find_dtype(dtype_name);
  if (!dtype) {
    std::string known;
    for (const Dtype& each : dtypes) known += join(known.empty() ? "" : " ", each.name);
    return join("dtype is ", in_quotes(dtype_name), ": must be one of ", known);
  }
  const std::optional<Index> bits = bits_of(*dtype, shape);
  if (!bits) return join(dtype_name, " ", shape, " is too large: must have less than 2^63 bits");
  if (*bits % 8 != 0) return join(dtype_name, " ", shape, " takes ", *bits, " bits: must be whole bytes");
  if (static_cast<std::uint64_t>(*bits / 8) != bytes)
    return join(dtype_name, " ", shape, " in ", bytes, " bytes: must be ", *bits / 8);
  return std::nullopt;
}

Header parse_header(std::string_view text, std::uint64_t data_size, const std::string& path) {
  if (const std::size_t at = first_not_utf8(text); at != std::string_view::npos)
    bad_file("read ", path, ": header is not UTF-8 at byte ", 8 + at, ": must be UTF-8");
  HeaderReader reader(path, text.size(), data_size);
  // Two things that the JSON parser forgives: a byte order mark, and whatever follows a zero byte.
  if (text.starts_with("\xef\xbb\xbf")) reader.not_json(0);
  if (const std::size_t zero = text.find('\0'); zero != std::string_view::npos) reader.not_json(zero);
  json::sax_parse(text, &reader);
  return reader.take();
}

}  // namespace carousel::safetensors
