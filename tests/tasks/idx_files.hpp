#pragma once
/// Files of digits, as tests need them.

#include <zlib.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace carousel::test {

/// An IDX file: the two last bytes of its magic number, its extents, and its values.
inline std::string idx_file(std::array<std::uint8_t, 2> magic, std::initializer_list<std::uint32_t> extents,
                            const std::string& values) {
  std::string file = {'\0', '\0', static_cast<char>(magic[0]), static_cast<char>(magic[1])};
  for (const std::uint32_t extent : extents)
    for (int shift = 24; shift >= 0; shift -= 8) file += static_cast<char>(static_cast<std::uint8_t>(extent >> shift));
  return file + values;
}

inline std::string image_file(std::uint32_t count, const std::string& pixels) {
  return idx_file({8, 3}, {count, 28, 28}, pixels);
}
inline std::string label_file(const std::string& labels) {
  return idx_file({8, 1}, {static_cast<std::uint32_t>(labels.size())}, labels);
}

/// What gzip makes of a text.
inline std::string gzip(std::string text) {
  z_stream stream{};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace carousel::test
