#include <carousel/lib/files/safetensors.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>
#include <utility>

#include <carousel/lib/files/file.hpp>
#include <carousel/lib/files/file_kind.hpp>
#include <carousel/lib/files/safetensors_header.hpp>
#include <carousel/lib/utf8.hpp>
#include <nlohmann/json.hpp>

namespace carousel {

static_assert(std::endian::native == std::endian::little, "the bytes of a file are taken as they are");

namespace {

using nlohmann::json;
using namespace safetensors;

// Throws where the first bytes say that a file is of another kind. Behind the length of a header there is a "{".
template <class Fetch>
void refuse_other_kinds(std::uint64_t size, const std::string& path, const Fetch& fetch) {
  std::string first(static_cast<std::size_t>(std::min<std::uint64_t>(size, telling_bytes)), '\0');
  fetch(0, std::as_writable_bytes(std::span(first)));
  std::uint64_t header_size = 0;
  if (first.size() > 8) std::memcpy(&header_size, first.data(), 8);
  if (first.size() > 8 && first[8] == '{' && header_size <= std::min<std::uint64_t>(max_header, size - 8)) return;
  if (const std::optional<FileKind> kind = kind_of(first))
    bad_file("read ", path, ": ", kind->name, ": must be safetensors; ", kind->help);
}

// Reads a file of that size; `fetch(offset, bytes)` fills the bytes from there, or throws.
template <class Fetch>
Safetensors load(std::uint64_t size, const std::string& path, const Fetch& fetch) {
  refuse_other_kinds(size, path, fetch);
  if (size < 8) bad_file("read ", path, ": file of ", size, " bytes: must have at least 8");
  std::uint64_t header_size = 0;
  fetch(0, std::as_writable_bytes(std::span(&header_size, 1)));
  if (header_size > max_header) bad_file("read ", path, ": header of ", header_size, " bytes: must have at most ", max_header);
  if (header_size > size - 8)
    bad_file("read ", path, ": header of ", header_size, " bytes in a file of ", size, ": must lie inside");

  Header header;
  {
    std::string text(header_size, '\0');
    fetch(8, std::as_writable_bytes(std::span(text)));
    header = parse_header(text, size - 8 - header_size, path);
  }
  Safetensors content;
  content.metadata = std::move(header.metadata);
  for (auto& [name, entry] : header.tensors) {
    StoredTensor stored{std::move(entry.dtype), entry.shape, std::vector<std::byte>(entry.end - entry.begin)};
    fetch(8 + header_size + entry.begin, std::span(stored.bytes));
    content.tensors.emplace_hint(content.tensors.end(), name, std::move(stored));
  }
  return content;
}

// N and the header, padded so that the data begins at a multiple of 8, and the tensors in the order of the data.
struct Plan {
  std::string front;
  std::vector<const StoredTensor*> tensors;
  std::uint64_t size = 0;  // of the whole file
};

Plan plan_of(const Safetensors& content) {
  std::vector<std::pair<int, const std::string*>> order;
  for (const auto& [name, stored] : content.tensors) {
    if (!is_utf8(name)) wrong_argument("safetensors: tensor ", in_quotes(name), ": name must be UTF-8");
    if (name == metadata_name)
      wrong_argument("safetensors: tensor ", in_quotes(name), ": name must differ from that of the metadata");
    if (const auto fault = fault_of(stored.dtype, stored.shape, stored.bytes.size()))
      wrong_argument("safetensors: tensor ", in_quotes(name), ": ", *fault);
    order.emplace_back(*rank_of(stored.dtype), &name);
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first > b.first; });

  const auto in_json = [](std::string_view word) { return json(word).dump(); };
  std::string header = "{";
  if (!content.metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : content.metadata) {
      if (!is_utf8(key)) wrong_argument("safetensors: metadata ", in_quotes(key), ": key must be UTF-8");
      if (!is_utf8(value)) wrong_argument("safetensors: metadata ", in_quotes(key), ": value must be UTF-8");
      header += in_json(key) + ":" + in_json(value) + ",";
    }
    header.back() = '}';
  }
  Plan plan;
  std::uint64_t end = 0;
  for (const auto& [rank, name] : order) {
    const StoredTensor& stored = content.tensors.find(*name)->second;
    const std::uint64_t begin = std::exchange(end, end + stored.bytes.size());
    if (header.size() > 1) header += ',';
    header += in_json(*name) + R"(:{"dtype":")" + stored.dtype + R"(","shape":[)";
    for (int axis = 0; axis < stored.shape.rank(); ++axis) header += join(axis ? "," : "", stored.shape[axis]);
    header += join(R"(],"data_offsets":[)", begin, ",", end, "]}");
    plan.tensors.push_back(&stored);
  }
  header += '}';
  header.resize((header.size() + 7) / 8 * 8, ' ');
  if (header.size() > max_header)
    wrong_argument("safetensors: header of ", header.size(), " bytes: must have at most ", max_header);

  const std::uint64_t length = header.size();
  plan.front.resize(8);
  std::memcpy(plan.front.data(), &length, 8);
  plan.front += header;
  plan.size = plan.front.size() + end;
  return plan;
}

// IEEE 754 binary16.
float from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000u) << 16, exponent = (half >> 10) & 31u, fraction = half & 0x3ffu;
  if (exponent == 0)
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(std::ldexp(static_cast<float>(fraction), -24)));
  return std::bit_cast<float>(sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13);
}

// The upper half of an IEEE 754 binary32.
float from_bfloat(std::uint16_t upper) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(upper) << 16);
}

template <class From, class T, class Convert>
void convert(const std::vector<std::byte>& bytes, T* out, const Convert& widen) {
  for (std::size_t i = 0; i < bytes.size() / sizeof(From); ++i) {
    From element;
    std::memcpy(&element, bytes.data() + i * sizeof(From), sizeof(From));
    out[i] = static_cast<T>(widen(element));
  }
}

template <class T>
std::string dtype_of() {
  if constexpr (std::is_floating_point_v<T>) return sizeof(T) == 4 ? "F32" : "F64";
  return join(std::is_signed_v<T> ? "I" : "U", 8 * sizeof(T));
}

}  // namespace

Safetensors parse_safetensors(std::span<const std::byte> file, const std::string& path) {
  return load(file.size(), path, [&](std::uint64_t offset, std::span<std::byte> bytes) {
    std::copy_n(file.begin() + static_cast<std::ptrdiff_t>(offset), bytes.size(), bytes.begin());
  });
}

Safetensors read_safetensors(const std::string& path) {
  const InputFile file(path);
  return load(file.size(), path, [&](std::uint64_t offset, std::span<std::byte> bytes) { file.read(offset, bytes); });
}

void write_safetensors(const std::string& path, const Safetensors& content) {
  const Plan plan = plan_of(content);
  NewFile file(path, plan.size);
  file.write(std::as_bytes(std::span(plan.front)));
  for (const StoredTensor* stored : plan.tensors) file.write(stored->bytes);
  file.publish();
}

std::vector<std::byte> format_safetensors(const Safetensors& content) {
  const Plan plan = plan_of(content);
  const auto front = std::as_bytes(std::span(plan.front));
  std::vector<std::byte> file;
  file.reserve(plan.size);
  file.insert(file.end(), front.begin(), front.end());
  for (const StoredTensor* stored : plan.tensors) file.insert(file.end(), stored->bytes.begin(), stored->bytes.end());
  return file;
}

template <class T>
Tensor<T> to_tensor(const StoredTensor& stored, std::string_view name) {
  if (const auto fault = fault_of(stored.dtype, stored.shape, stored.bytes.size())) wrong_argument(name, ": ", *fault);
  const auto same = [](auto element) { return element; };
  const auto make = [&]<class From>(From, const auto& widen) {
    Tensor<T> out = empty<T>(stored.shape);
    convert<From>(stored.bytes, out.data(), widen);
    return out;
  };
  if (stored.dtype == dtype_of<T>()) {
    Tensor<T> out = empty<T>(stored.shape);
    if (!stored.bytes.empty()) std::memcpy(out.data(), stored.bytes.data(), stored.bytes.size());
    return out;
  }
  if constexpr (std::is_floating_point_v<T>) {
    if (stored.dtype == "F32") return make(float{}, same);
    if (stored.dtype == "F64") return make(double{}, same);
    if (stored.dtype == "F16") return make(std::uint16_t{}, from_half);
    if (stored.dtype == "BF16") return make(std::uint16_t{}, from_bfloat);
    bad_file(name, " is ", stored.dtype, ": must be F32, F64, F16 or BF16");
  } else {
    bad_file(name, " is ", stored.dtype, ": must be ", dtype_of<T>());
  }
}

template <class T>
StoredTensor from_tensor(const Tensor<T>& tensor) {
  StoredTensor stored{dtype_of<T>(), shape_of(tensor), std::vector<std::byte>(tensor.size() * sizeof(T))};
  if (!stored.bytes.empty()) std::memcpy(stored.bytes.data(), tensor.data(), stored.bytes.size());
  return stored;
}

#define CAROUSEL_INSTANTIATE(T)                                           \
  template Tensor<T> to_tensor<T>(const StoredTensor&, std::string_view); \
  template StoredTensor from_tensor<T>(const Tensor<T>&);
CAROUSEL_INSTANTIATE(float)
CAROUSEL_INSTANTIATE(double)
CAROUSEL_INSTANTIATE(std::int8_t)
CAROUSEL_INSTANTIATE(std::int16_t)
CAROUSEL_INSTANTIATE(std::int32_t)
CAROUSEL_INSTANTIATE(std::int64_t)
CAROUSEL_INSTANTIATE(std::uint8_t)
CAROUSEL_INSTANTIATE(std::uint16_t)
CAROUSEL_INSTANTIATE(std::uint32_t)
CAROUSEL_INSTANTIATE(std::uint64_t)
#undef CAROUSEL_INSTANTIATE

}  // namespace carousel
