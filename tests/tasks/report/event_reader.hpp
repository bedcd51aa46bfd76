#pragma once
/// Reads event files without anything of the code that writes them.

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

namespace carousel::test {

/// CRC-32C a bit at a time, as its polynomial says it.
inline std::uint32_t slow_crc32c(const std::string& bytes) {
  std::uint32_t sum = ~0U;
  for (const char byte : bytes) {
    sum ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) sum = sum & 1 ? sum >> 1 ^ 0x82F63B78U : sum >> 1;
  }
  return ~sum;
}

inline std::uint64_t number_at(const std::string& bytes, std::size_t at, int count) {
  REQUIRE(at + static_cast<std::size_t>(count) <= bytes.size());
  std::uint64_t number = 0;
  for (int i = count; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return number;
}

/// The payloads of a file's records, up to its end or to what is not a record.
inline std::vector<std::string> records_of(const std::string& file) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at + 12 <= file.size();) {
    const auto sum_of = [&](const std::string& bytes) {
      const std::uint32_t sum = slow_crc32c(bytes);
      return (sum >> 15 | sum << 17) + 0xA282EAD8U;
    };
    const auto length = static_cast<std::size_t>(number_at(file, at, 8));
    REQUIRE(number_at(file, at + 8, 4) == sum_of(file.substr(at, 8)));
    if (at + 16 + length > file.size()) break;
    all.push_back(file.substr(at + 12, length));
    REQUIRE(number_at(file, at + 12 + length, 4) == sum_of(all.back()));
    at += 16 + length;
  }
  return all;
}

/// The fields of a message, whatever they mean: numbers by their bits, and bytes.
struct Fields {
  std::multimap<unsigned, std::uint64_t> numbers;
  std::multimap<unsigned, std::string> bytes;

  explicit Fields(const std::string& message) {
    std::size_t at = 0;
    const auto varint = [&] {
      std::uint64_t value = 0;
      for (int shift = 0;; shift += 7) {
        const auto byte = static_cast<unsigned char>(message.at(at++));
        value |= std::uint64_t{byte & 0x7fU} << shift;
        if (byte < 0x80) return value;
      }
    };
    while (at < message.size()) {
      const std::uint64_t key = varint();
      const auto field = static_cast<unsigned>(key >> 3);
      const auto fixed = [&](int size) {
        numbers.emplace(field, number_at(message, at, size));
        at += static_cast<std::size_t>(size);
      };
      switch (key & 7) {
        case 0:
          numbers.emplace(field, varint());
          break;
        case 1:
          fixed(8);
          break;
        case 5:
          fixed(4);
          break;
        case 2: {
          const auto length = static_cast<std::size_t>(varint());
          REQUIRE(at + length <= message.size());
          bytes.emplace(field, message.substr(at, length));
          at += length;
          break;
        }
        default:
          FAIL("kind ", key & 7);
      }
    }
  }
  std::uint64_t integer(unsigned field) const {
    REQUIRE(numbers.count(field) == 1);
    return numbers.find(field)->second;
  }
  double real(unsigned field) const { return std::bit_cast<double>(integer(field)); }
  float single(unsigned field) const { return std::bit_cast<float>(static_cast<std::uint32_t>(integer(field))); }
  std::string text(unsigned field) const {
    REQUIRE(bytes.count(field) == 1);
    return bytes.find(field)->second;
  }
  Fields message(unsigned field) const { return Fields(text(field)); }
  std::vector<double> reals(unsigned field) const {
    const std::string packed = text(field);
    std::vector<double> all;
    for (std::size_t at = 0; at < packed.size(); at += 8) all.push_back(std::bit_cast<double>(number_at(packed, at, 8)));
    return all;
  }
};

inline std::vector<Fields> events_of(const std::string& path) {
  std::vector<Fields> all;
  for (const std::string& record : records_of(read_text(path))) all.emplace_back(record);
  return all;
}

/// The one value of the summary of a file's last event.
inline Fields last_value(const std::string& path) {
  return events_of(path).back().message(5).message(1);
}

}  // namespace carousel::test
