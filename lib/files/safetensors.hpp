#pragma once
/// Files of named tensors in the safetensors format, shared with PyTorch and the Hugging Face tools.
///
/// A file is N: 8 bytes, little-endian | header: N bytes of JSON | data. The header gives each tensor's dtype, shape and place in
/// the data (`"data_offsets": [begin, end]`), and `"__metadata__"`, words about words. The reader checks everything before
/// anything is used: a file is returned whole or not at all, and memory is taken for what a file holds, never for what it claims.
/// Format: huggingface/safetensors, README and safetensors/src/tensor.rs.

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/numbers/tensor.hpp>

namespace carousel {

/// A tensor as it lies in a file: row-major, little-endian.
struct StoredTensor {
  std::string dtype;  // "F32", "I64", …
  Shape shape;
  std::vector<std::byte> bytes;
  friend bool operator==(const StoredTensor&, const StoredTensor&) = default;
};

/// What a file holds.
struct Safetensors {
  std::map<std::string, StoredTensor, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;
  friend bool operator==(const Safetensors&, const Safetensors&) = default;
};

/// Reads a file; throws std::runtime_error, `read PATH: what is wrong: what must hold`, unless every rule of the format holds and
/// no tensor has more than max_rank axes.
Safetensors read_safetensors(const std::string& path);

/// As read_safetensors, of a file that lies in memory; `path` is its name in errors.
Safetensors parse_safetensors(std::span<const std::byte> file, const std::string& path);

/// Writes a file, or leaves what stood there: the bytes go to a new file beside it, which takes its name once it is whole and on
/// disk. Tensors are ordered by alignment, widest first, then by name. Throws std::invalid_argument when a tensor's size does not
/// fit its shape, or a name or word is not UTF-8; std::runtime_error, `write PATH: …`, when the system refuses.
void write_safetensors(const std::string& path, const Safetensors& content);

/// The bytes that write_safetensors puts into the file.
std::vector<std::byte> format_safetensors(const Safetensors& content);

/// The elements of a stored tensor. For T float or double: from F32, F64, F16 or BF16, rounded to T (equal types: the very bits).
/// For integers: from the very same type. Any other dtype throws std::runtime_error: `NAME is I64: must be F32, F64, F16 or
/// BF16`.
template <class T>
Tensor<T> to_tensor(const StoredTensor& stored, std::string_view name);

/// A tensor to be stored: float is F32, double F64, std::int8_t to std::int64_t I8 to I64, std::uint8_t to std::uint64_t U8 to
/// U64.
template <class T>
StoredTensor from_tensor(const Tensor<T>& tensor);

}  // namespace carousel
