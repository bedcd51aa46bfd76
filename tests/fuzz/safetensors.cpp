// libFuzzer over the safetensors reader: any bytes either are refused in one line or give a file that survives the round trip.

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>

using namespace carousel;

// libFuzzer's own names. NOLINTBEGIN(readability-identifier-naming)
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// NOLINTEND(readability-identifier-naming)

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

template <class T>
void convert(const StoredTensor& stored, const std::string& name) {
  try {
    const Tensor<T> tensor = to_tensor<T>(stored, name);
    require(shape_of(tensor) == stored.shape);
  } catch (const std::runtime_error& error) {
    require(std::string_view(error.what()).starts_with(name + " is "));
  }
}

void read(std::span<const std::byte> file) {
  Safetensors content;
  try {
    content = parse_safetensors(file, "PATH");
  } catch (const std::runtime_error& error) {
    const std::string_view message = error.what();
    require(message.starts_with("read PATH: ") && message.find('\n') == std::string_view::npos && message.size() < 1000);
    return;
  }
  require(parse_safetensors(format_safetensors(content), "PATH") == content);
  for (const auto& [name, stored] : content.tensors) {
    convert<float>(stored, name);
    convert<double>(stored, name);
    convert<std::int64_t>(stored, name);
    convert<std::uint8_t>(stored, name);
  }
}

// Most bytes are to be spent behind the first check: the length that the file begins with is put right.
void mend_length(std::uint8_t* data, std::size_t size) {
  if (size < 8) return;
  std::uint64_t length = 0;  // of the header, which ends with its last brace
  for (std::size_t i = 8; i < size; ++i)
    if (data[i] == '}') length = i - 7;
  for (std::size_t i = 0; i < 8; ++i) data[i] = static_cast<std::uint8_t>(length >> 8 * i);
}

// A file of four tensors and two words to begin with.
std::vector<std::byte> good_file() {
  Safetensors content;
  content.metadata = {{"format", "pt"}, {"step", "12"}};
  content.tensors["cell/wx"] = from_tensor(full<float>({2, 3}, 1));
  content.tensors["cell/b"] = from_tensor(full<double>({2}, 1));
  content.tensors["step"] = from_tensor(full<std::int64_t>({}, 1));
  content.tensors["mask"] = StoredTensor{"F16", {2, 0}, {}};
  return format_safetensors(content);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed) {
  static constexpr std::string_view words[] = {R"("a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)",
                                               R"("b":{"dtype":"U8","shape":[0],"data_offsets":[8,8]},)",
                                               R"("__metadata__":{"k":"v"},)",
                                               R"("dtype":"BF16",)",
                                               R"("shape":[1,2],)",
                                               R"("data_offsets":[0,4],)",
                                               R"("F64")",
                                               R"("F4")",
                                               R"(9223372036854775807)",
                                               R"(18446744073709551616)",
                                               R"(1e999)",
                                               R"(-0)",
                                               R"(\u0061)",
                                               R"(\ud800)",
                                               "\xef\xbb\xbf",
                                               R"([[)",
                                               R"(,)",
                                               R"(null)"};
  if (size < 16) {
    static const std::vector<std::byte> file = good_file();
    if (file.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
    std::memcpy(data, file.data(), file.size());
    return file.size();
  }
  if (seed % 4 == 0) {
    const std::string_view word = words[seed / 4 % std::size(words)];
    const std::size_t at = 9 + seed / 100 % (size - 9);
    if (size + word.size() > max_size) return size;
    std::memmove(data + at + word.size(), data + at, size - at);
    std::memcpy(data + at, word.data(), word.size());
    size += word.size();
  } else {
    size = LLVMFuzzerMutate(data, size, max_size);
  }
  if (seed % 8 != 1) mend_length(data, size);
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  read(std::as_bytes(std::span(data, size)));
  return 0;
}
