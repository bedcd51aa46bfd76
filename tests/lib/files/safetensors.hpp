#pragma once
/// Files of safetensors that tests write by hand.

#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

#include <doctest/doctest.h>

#include <carousel/lib/files/safetensors.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

namespace carousel::test {

inline const std::string known_dtypes =
    "BOOL F4 F6_E2M3 F6_E3M2 U8 I8 F8_E5M2 F8_E4M3 F8_E8M0 F8_E4M3FNUZ F8_E5M2FNUZ I16 U16 F16 BF16 I32 U32 F32 C64 F64 I64 U64";

/// The file of that header and that many bytes of data: 0, 1, 2, …
inline std::string file_of(const std::string& header, std::size_t data_size) {
  const std::uint64_t length = header.size();
  std::string file(8, '\0');
  std::memcpy(file.data(), &length, 8);
  file += header;
  for (std::size_t i = 0; i < data_size; ++i) file += static_cast<char>(i);
  return file;
}

/// What a header says of a tensor.
inline std::string info(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

inline Safetensors parse(const std::string& file) {
  return parse_safetensors(std::as_bytes(std::span(file)), "PATH");
}

/// The error of that file, the same from memory and from disk.
inline std::string refusal(const std::string& file) {
  std::string from_memory = message_of<std::runtime_error>([&] { parse(file); });
  const Folder folder;
  const std::string path = folder / "bad.safetensors";
  write_text(path, file);
  Safetensors content;
  content.metadata["untouched"] = "yes";
  std::string from_disk = message_of<std::runtime_error>([&] { content = read_safetensors(path); });
  if (const std::size_t at = from_disk.find(path); at != std::string::npos) from_disk.replace(at, path.size(), "PATH");
  CHECK(from_memory == from_disk);
  CHECK(content.metadata.contains("untouched") == !from_disk.empty());
  return from_memory;
}

inline std::string refusal(const std::string& header, std::size_t data_size) {
  return refusal(file_of(header, data_size));
}

}  // namespace carousel::test
