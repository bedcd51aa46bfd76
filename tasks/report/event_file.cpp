#include <carousel/tasks/report/event_file.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <ctime>
#include <filesystem>
#include <limits>
#include <optional>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/metric.hpp>

namespace carousel {

namespace {

constexpr std::string_view name_begins = "events.out.tfevents.";

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) ? 0x82F63B78U : 0U);
    table[byte] = rest;
  }
  return table;
}();

std::string little_endian(std::uint64_t number, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
  return out;
}

/// A message in the wire format of protocol buffers (protobuf.dev/programming-guides/encoding): a field is its number and kind,
/// then its value.
class Message {
 public:
  Message& integer(unsigned field, std::uint64_t value) { return key(field, 0).varint(value); }
  Message& number(unsigned field, double value) {
    return key(field, 1).raw(little_endian(std::bit_cast<std::uint64_t>(value), 8));
  }
  Message& number(unsigned field, float value) {
    return key(field, 5).raw(little_endian(std::bit_cast<std::uint32_t>(value), 4));
  }
  Message& bytes(unsigned field, std::string_view value) { return key(field, 2).varint(value.size()).raw(value); }
  Message& message(unsigned field, const Message& value) { return bytes(field, value.text_); }
  Message& numbers(unsigned field, std::span<const double> values) {
    std::string packed;
    for (const double value : values) packed += little_endian(std::bit_cast<std::uint64_t>(value), 8);
    return bytes(field, packed);
  }
  const std::string& text() const { return text_; }

 private:
  Message& key(unsigned field, unsigned kind) { return varint(field << 3 | kind); }
  Message& varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(static_cast<unsigned char>(value | 0x80));
    text_ += static_cast<char>(value);
    return *this;
  }
  Message& raw(std::string_view value) {
    text_ += value;
    return *this;
  }

  std::string text_;
};

/// Event: 1 wall_time, 2 step, then one of 3 file_version, 5 summary, 7 session_log.
Message event_at(Index step) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  Message event;
  event.number(1, std::chrono::duration<double>(now).count());
  return event.integer(2, static_cast<std::uint64_t>(step));
}

/// Summary: 1 value. Its value: 1 tag, then one of 2 simple_value, 4 image, 5 histo, 8 tensor; 9 metadata.
std::string summary_event(Index step, const Message& value) {
  return event_at(step).message(5, Message().message(1, value)).text();
}

/// The number in the name of an event file of ours.
std::optional<long long> seconds_in(const std::string& name) {
  if (!name.starts_with(name_begins)) return std::nullopt;
  long long seconds = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, error] = std::from_chars(name.data() + name_begins.size(), end, seconds);
  if (error != std::errc() || stop == end || *stop != '.') return std::nullopt;
  return seconds;
}

std::vector<long long> seconds_in_folder(const std::string& folder) {
  std::vector<long long> all;
  std::error_code error;
  for (const auto& file : std::filesystem::directory_iterator(folder, error))
    if (const auto seconds = seconds_in(file.path().filename().string())) all.push_back(*seconds);
  return all;
}

/// The path of a file that comes after those that are there.
std::string new_name(const std::string& folder) {
  const std::vector<long long> there = seconds_in_folder(folder);
  long long seconds = std::time(nullptr);
  if (!there.empty()) seconds = std::max(seconds, *std::max_element(there.begin(), there.end()) + 1);
  return join(folder, "/", name_begins, seconds, ".carousel");
}

const std::vector<double>& histogram_limits() {
  static const std::vector<double> limits = [] {
    std::vector<double> positive, all;
    for (double limit = 1e-12; limit < 1e20; limit *= 1.1) positive.push_back(limit);
    positive.push_back(std::numeric_limits<double>::max());
    for (const double limit : positive) all.push_back(-limit);
    std::reverse(all.begin(), all.end());
    all.push_back(0);
    all.insert(all.end(), positive.begin(), positive.end());
    return all;
  }();
  return limits;
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  std::uint32_t sum = 0xFFFFFFFF;
  for (const char byte : bytes) sum = (sum >> 8) ^ crc_table[(sum ^ static_cast<unsigned char>(byte)) & 0xFF];
  return ~sum;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8U;
}

template <class T>
Histogram Histogram::of(std::span<const T> values) {
  const std::vector<double>& limits = histogram_limits();
  std::vector<double> counts(limits.size());
  Histogram all;
  for (const T value : values) {
    const auto number = static_cast<double>(value);
    if (!std::isfinite(number)) continue;
    all.min = all.count > 0 ? std::min(all.min, number) : number;
    all.max = all.count > 0 ? std::max(all.max, number) : number;
    ++all.count;
    all.sum += number;
    all.sum_of_squares += number * number;
    const auto above = std::upper_bound(limits.begin(), limits.end(), number);
    ++counts[std::min(static_cast<std::size_t>(above - limits.begin()), limits.size() - 1)];
  }
  for (std::size_t i = 0; i < limits.size(); ++i) {
    if (counts[i] == 0 && i + 1 < limits.size() && counts[i + 1] == 0) continue;  // the next says it for both
    all.limit.push_back(limits[i]);
    all.bucket.push_back(counts[i]);
  }
  return all;
}

template Histogram Histogram::of(std::span<const float>);
template Histogram Histogram::of(std::span<const double>);

EventFile::EventFile(const std::string& folder, Index steps_done) : file_(new_name(folder), true) {
  record(event_at(0).bytes(3, "brain.Event:2").text());
  constexpr std::uint64_t start = 1;
  record(event_at(steps_done + 1).message(7, Message().integer(1, start)).text());
}

void EventFile::scalars(Index step, std::span<const Metric> numbers) {
  Message summary;
  for (const Metric& number : numbers)
    summary.message(1, Message().bytes(1, number.name).number(2, static_cast<float>(number.value)));
  record(event_at(step).message(5, summary).text());
}

void EventFile::histogram(Index step, std::string_view name, const Histogram& all) {
  Message proto;  // HistogramProto: 1 min, 2 max, 3 num, 4 sum, 5 sum_squares, 6 bucket_limit, 7 bucket
  proto.number(1, all.min).number(2, all.max).number(3, all.count).number(4, all.sum).number(5, all.sum_of_squares);
  proto.numbers(6, all.limit).numbers(7, all.bucket);
  record(summary_event(step, Message().bytes(1, name).message(5, proto)));
}

template <class Image>
void EventFile::add_image(Index step, std::string_view name, const Image& image, std::uint64_t channels,
                          std::string_view description) {
  const std::vector<std::byte> png = png_of(image);
  Message proto;  // Image: 1 height, 2 width, 3 colorspace, 4 encoded_image_string
  proto.integer(1, static_cast<std::uint64_t>(image.height)).integer(2, static_cast<std::uint64_t>(image.width));
  proto.integer(3, channels).bytes(4, {reinterpret_cast<const char*>(png.data()), png.size()});
  const Message metadata = Message().bytes(3, description);  // SummaryMetadata: 3 summary_description
  record(summary_event(step, Message().bytes(1, name).message(4, proto).message(9, metadata)));
}

void EventFile::image(Index step, std::string_view name, const GreyImage& image, std::string_view description) {
  add_image(step, name, image, 1, description);
}

void EventFile::image(Index step, std::string_view name, const ColourImage& image, std::string_view description) {
  add_image(step, name, image, 3, description);
}

void EventFile::text(Index step, std::string_view name, std::string_view markdown) {
  constexpr std::uint64_t strings = 7, tensors = 2;  // DataType DT_STRING, DataClass DATA_CLASS_TENSOR
  Message tensor;                                    // TensorProto: 1 dtype, 2 tensor_shape { 2 dim { 1 size } }, 8 string_val
  tensor.integer(1, strings).message(2, Message().message(2, Message().integer(1, 1))).bytes(8, markdown);
  Message metadata;  // SummaryMetadata: 1 plugin_data { 1 plugin_name }, 4 data_class
  metadata.message(1, Message().bytes(1, "text")).integer(4, tensors);
  record(summary_event(step, Message().bytes(1, name).message(8, tensor).message(9, metadata)));
}

void EventFile::record(const std::string& event) {
  const std::string length = little_endian(event.size(), 8);
  const std::string whole = length + little_endian(masked_crc32c(length), 4) + event + little_endian(masked_crc32c(event), 4);
  file_.add(std::as_bytes(std::span(whole)));  // a record that is cut would be the last that TensorBoard reads of the file
}

bool has_event_files(const std::string& folder) {
  return !seconds_in_folder(folder).empty();
}

std::string as_code_block(std::string_view text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

}  // namespace carousel
