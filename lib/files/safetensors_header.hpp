#pragma once
/// The header of a safetensors file, and the rules that it must keep.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel::safetensors {

/// Most bytes a header may have, as in huggingface/safetensors.
inline constexpr std::uint64_t max_header = 100'000'000;

/// The key of the words that are no tensor.
inline constexpr std::string_view metadata_name = "__metadata__";

/// A tensor as the header describes it: its bytes are [begin, end) of the data.
struct Entry {
  std::string dtype;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

struct Header {
  std::map<std::string, Entry, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;
};

/// The place of a dtype in the format's order, which is that of alignment; no value if the format does not know it.
std::optional<int> rank_of(std::string_view dtype);

/// What is wrong with a tensor of that dtype, shape and number of bytes, as `what is wrong: what must hold`; no value if nothing
/// is.
std::optional<std::string> fault_of(const std::string& dtype, const Shape& shape, std::uint64_t bytes);

/// Parses the header of a file with that many bytes of data, and checks it against every rule of the format; throws
/// std::runtime_error, `read PATH: …`, at the first that is broken. Memory: some multiple of the text's.
Header parse_header(std::string_view text, std::uint64_t data_size, const std::string& path);

}  // namespace carousel::safetensors
