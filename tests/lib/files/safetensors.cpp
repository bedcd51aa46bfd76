#include <carousel/lib/files/safetensors.hpp>

#include <bit>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <stdexcept>

#include <sys/resource.h>

#include <doctest/doctest.h>

#include "tests/lib/files/safetensors.hpp"

using namespace carousel;
using test::file_of;
using test::Folder;
using test::info;
using test::known_dtypes;
using test::parse;
using test::read_text;
using test::write_text;

namespace {

StoredTensor stored(const std::string& dtype, const Shape& shape, const std::vector<std::uint8_t>& bytes) {
  StoredTensor out{dtype, shape, std::vector<std::byte>(bytes.size())};
  if (!bytes.empty()) std::memcpy(out.bytes.data(), bytes.data(), bytes.size());
  return out;
}

}  // namespace

TEST_CASE("a file is written byte for byte as the format says") {
  Safetensors content;
  content.metadata["format"] = "pt";
  content.tensors["b"] = from_tensor(tensor<float>({2, 1}, {1.f, -2.f}));
  content.tensors["a"] = from_tensor(tensor<std::uint8_t>({3}, {7, 8, 9}));
  content.tensors["c"] = from_tensor(tensor<float>({}, {0.5f}));
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("c":{"dtype":"F32","shape":[],"data_offsets":[8,12]},"a":{"dtype":"U8","shape":[3],"data_offsets":[12,15]}})";
  REQUIRE(header.size() == 194);
  const std::string expected =
      std::string("\xc8\0\0\0\0\0\0\0", 8) + header + "      " + std::string("\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f\x07\x08\x09", 15);

  const Folder folder;
  write_safetensors(folder / "a.safetensors", content);
  CHECK(read_text(folder / "a.safetensors") == expected);
  CHECK(folder.count() == 1);
  CHECK(read_safetensors(folder / "a.safetensors") == content);
  const std::vector<std::byte> formatted = format_safetensors(content);
  CHECK(std::string(reinterpret_cast<const char*>(formatted.data()), formatted.size()) == expected);
}

TEST_CASE("the file of the format's own documentation is read") {
  const Safetensors content = parse(std::string("<\0\0\0\0\0\0\0", 8) +
                                    R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})" + std::string(16, '\0'));
  REQUIRE(content.tensors.size() == 1);
  CHECK(to_tensor<std::int32_t>(content.tensors.at("test"), "test") == zeros<std::int32_t>({2, 2}));
}

TEST_CASE("every type makes the round trip") {
  Safetensors content;
  content.tensors["f32"] = from_tensor(tensor<float>({2, 3}, {1, 2, 3, -4, 5e-40f, 6e30f}));
  content.tensors["f64"] = from_tensor(tensor<double>({1, 2, 1}, {0.1, -1e300}));
  content.tensors["i8"] = from_tensor(tensor<std::int8_t>({2}, {-128, 127}));
  content.tensors["i16"] = from_tensor(tensor<std::int16_t>({2}, {-32768, 32767}));
  content.tensors["i32"] = from_tensor(tensor<std::int32_t>({2}, {INT32_MIN, INT32_MAX}));
  content.tensors["i64"] = from_tensor(tensor<std::int64_t>({2}, {INT64_MIN, INT64_MAX}));
  content.tensors["u8"] = from_tensor(tensor<std::uint8_t>({2}, {0, 255}));
  content.tensors["u16"] = from_tensor(tensor<std::uint16_t>({2}, {0, 65535}));
  content.tensors["u32"] = from_tensor(tensor<std::uint32_t>({2}, {0, UINT32_MAX}));
  content.tensors["u64"] = from_tensor(tensor<std::uint64_t>({2}, {0, UINT64_MAX}));
  content.tensors["rank 0"] = from_tensor(tensor<double>({}, {3}));
  content.tensors["rank 6"] = from_tensor(full<float>({1, 2, 1, 2, 1, 2}, 4));
  content.tensors["empty"] = from_tensor(zeros<float>({3, 0, 2}));
  content.tensors["opaque"] = stored("F8_E4M3", {3}, {1, 2, 3});
  content.tensors["packed"] = stored("F4", {2, 3}, {1, 2, 3});
  content.tensors[""] = stored("BOOL", {1}, {1});
  content.metadata = {{"step", "12"}, {"", ""}, {"words", "quotes \" \\ lines \n \x01 letters σ∘😀"}};

  const Folder folder;
  write_safetensors(folder / "all", content);
  const Safetensors read = read_safetensors(folder / "all");
  CHECK(read == content);
  CHECK(read.tensors.at("f32").dtype == "F32");
  CHECK(to_tensor<float>(read.tensors.at("f32"), "f32") == tensor<float>({2, 3}, {1, 2, 3, -4, 5e-40f, 6e30f}));
  CHECK(to_tensor<double>(read.tensors.at("f64"), "f64") == tensor<double>({1, 2, 1}, {0.1, -1e300}));
  CHECK(to_tensor<std::int8_t>(read.tensors.at("i8"), "i8") == tensor<std::int8_t>({2}, {-128, 127}));
  CHECK(to_tensor<std::int16_t>(read.tensors.at("i16"), "i16") == tensor<std::int16_t>({2}, {-32768, 32767}));
  CHECK(to_tensor<std::int32_t>(read.tensors.at("i32"), "i32") == tensor<std::int32_t>({2}, {INT32_MIN, INT32_MAX}));
  CHECK(to_tensor<std::int64_t>(read.tensors.at("i64"), "i64") == tensor<std::int64_t>({2}, {INT64_MIN, INT64_MAX}));
  CHECK(to_tensor<std::uint8_t>(read.tensors.at("u8"), "u8") == tensor<std::uint8_t>({2}, {0, 255}));
  CHECK(to_tensor<std::uint16_t>(read.tensors.at("u16"), "u16") == tensor<std::uint16_t>({2}, {0, 65535}));
  CHECK(to_tensor<std::uint32_t>(read.tensors.at("u32"), "u32") == tensor<std::uint32_t>({2}, {0, UINT32_MAX}));
  CHECK(to_tensor<std::uint64_t>(read.tensors.at("u64"), "u64") == tensor<std::uint64_t>({2}, {0, UINT64_MAX}));
  CHECK(to_tensor<double>(read.tensors.at("rank 0"), "rank 0") == tensor<double>({}, {3}));
  CHECK(shape_of(to_tensor<float>(read.tensors.at("empty"), "empty")) == Shape{3, 0, 2});
  CHECK(shape_of(to_tensor<float>(read.tensors.at("rank 6"), "rank 6")) == Shape{1, 2, 1, 2, 1, 2});
}

TEST_CASE("nothing at all is a file, too") {
  CHECK(parse(file_of("{}", 0)) == Safetensors{});
  CHECK(format_safetensors({}).size() == 16);
  CHECK(parse(file_of(R"({"__metadata__":{}})", 0)) == Safetensors{});
}

TEST_CASE("white space around the header, and tensors in any order, are read") {
  const std::string entries = "\"a\":" + info("U8", "[2]", "[2,4]") + ",\"b\":" + info("I16", "[ 1 ]", "[0, 2]");
  const Safetensors content = parse(file_of(" \t\r\n {" + entries + "} \n ", 4));
  CHECK(to_tensor<std::uint8_t>(content.tensors.at("a"), "a") == tensor<std::uint8_t>({2}, {2, 3}));
  CHECK(to_tensor<std::int16_t>(content.tensors.at("b"), "b") == tensor<std::int16_t>({1}, {0x0100}));
}

TEST_CASE("empty tensors may lie between others") {
  const std::string entries = "\"a\":" + info("U8", "[2]", "[0,2]") + ",\"b\":" + info("F64", "[0,7]", "[2,2]") +
                              ",\"c\":" + info("U8", "[1]", "[2,3]") + ",\"d\":" + info("F64", "[0]", "[3,3]") +
                              ",\"e\":" + info("F64", "[0]", "[0,0]");
  CHECK(parse(file_of("{" + entries + "}", 3)).tensors.size() == 5);
}

TEST_CASE("the bits of numbers that are none are kept") {
  for (std::uint32_t bits : {0x7fc00001u, 0x7f800001u, 0xffffffffu, 0x7f800000u, 0x80000000u, 0x00000001u}) {
    Safetensors content;
    content.tensors["x"] = from_tensor(full<float>({1}, std::bit_cast<float>(bits)));
    const std::vector<std::byte> file = format_safetensors(content);
    const Tensor<float> y = to_tensor<float>(parse_safetensors(file, "PATH").tensors.at("x"), "x");
    CHECK(std::bit_cast<std::uint32_t>(y(0)) == bits);
  }
}

TEST_CASE("floats are read from each other's files") {
  const StoredTensor narrow = from_tensor(tensor<float>({2}, {0.1f, -3})), wide = from_tensor(tensor<double>({2}, {0.1, 1e300}));
  CHECK(to_tensor<double>(narrow, "x") == tensor<double>({2}, {double{0.1f}, -3}));
  CHECK(to_tensor<float>(wide, "x") == tensor<float>({2}, {0.1f, INFINITY}));
}

TEST_CASE("half precision is widened") {
  // 1, -2, 65504 (largest), 2^-14 (smallest normal), 2^-24 (smallest), -0, inf, 0.333251953125
  const StoredTensor half = stored("F16", {8}, {0, 0x3c, 0, 0xc0, 0xff, 0x7b, 0, 0x04, 1, 0, 0, 0x80, 0, 0x7c, 0x55, 0x35});
  const std::initializer_list<float> expected{1, -2, 65504, 0x1p-14f, 0x1p-24f, 0, INFINITY, 0.333251953125f};
  CHECK(to_tensor<float>(half, "x") == tensor<float>({8}, expected));
  CHECK(std::signbit(to_tensor<float>(half, "x")(5)));
  CHECK(to_tensor<double>(half, "x")(4) == 0x1p-24);
  CHECK(std::isnan(to_tensor<float>(stored("F16", {}, {1, 0x7c}), "x")()));
  CHECK(to_tensor<float>(stored("F16", {}, {0xff, 0x83}), "x")() == -1023 * 0x1p-24f);

  const StoredTensor brain = stored("BF16", {3}, {0x80, 0x3f, 0x00, 0xc0, 0x7f, 0x7f});
  CHECK(to_tensor<float>(brain, "x") == tensor<float>({3}, {1, -2, std::bit_cast<float>(0x7f7f0000)}));
  CHECK(to_tensor<double>(brain, "x")(1) == -2);
}

TEST_CASE("a type that does not fit is refused by name") {
  const StoredTensor count = from_tensor(tensor<std::int64_t>({1}, {3})), weight = from_tensor(tensor<float>({1}, {3}));
  CHECK_THROWS_WITH_AS(to_tensor<float>(count, "load: step"), "load: step is I64: must be F32, F64, F16 or BF16",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(to_tensor<double>(stored("BOOL", {1}, {1}), "x"), "x is BOOL: must be F32, F64, F16 or BF16",
                       std::runtime_error);
  CHECK_THROWS_WITH_AS(to_tensor<std::int64_t>(weight, "x"), "x is F32: must be I64", std::runtime_error);
  CHECK_THROWS_WITH_AS(to_tensor<std::uint64_t>(count, "x"), "x is I64: must be U64", std::runtime_error);
  CHECK_THROWS_WITH_AS(to_tensor<std::int32_t>(count, "x"), "x is I64: must be I32", std::runtime_error);
  CHECK_THROWS_WITH_AS(to_tensor<std::uint8_t>(stored("BOOL", {1}, {1}), "x"), "x is BOOL: must be U8", std::runtime_error);
}

TEST_CASE("a tensor whose bytes do not fit its shape is neither written nor used") {
  const StoredTensor wrong = stored("F32", {2}, {1, 2, 3});
  Safetensors content;
  content.tensors["w"] = wrong;
  CHECK_THROWS_WITH_AS(format_safetensors(content), "safetensors: tensor \"w\": F32 [2] in 3 bytes: must be 8",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(to_tensor<float>(wrong, "w"), "w: F32 [2] in 3 bytes: must be 8", std::invalid_argument);
  content.tensors["w"] = stored("float", {1}, {1, 2, 3, 4});
  CHECK_THROWS_WITH_AS(format_safetensors(content),
                       ("safetensors: tensor \"w\": dtype is \"float\": must be one of " + known_dtypes).c_str(),
                       std::invalid_argument);
}

TEST_CASE("names and words that JSON cannot carry are not written") {
  const auto refused = [](const std::string& name, const std::string& key, const std::string& value) {
    Safetensors content;
    content.tensors[name] = stored("U8", {1}, {1});
    content.metadata[key] = value;
    try {
      format_safetensors(content);
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refused("a\xff", "k", "v") == "safetensors: tensor \"a\\xff\": name must be UTF-8");
  CHECK(refused("a", "\xc0\x80", "v") == "safetensors: metadata \"\\xc0\\x80\": key must be UTF-8");
  CHECK(refused("a", "k", "\xed\xa0\x80") == "safetensors: metadata \"k\": value must be UTF-8");
  CHECK(refused("__metadata__", "k", "v") == "safetensors: tensor \"__metadata__\": name must differ from that of the metadata");
  CHECK(refused("a", "k", "v").empty());
}

TEST_CASE("a file that cannot be written leaves the old one as it was") {
  const Folder folder;
  Safetensors content;
  content.tensors["w"] = from_tensor(full<double>({1000}, 1));
  write_safetensors(folder / "w", content);
  const std::string before = read_text(folder / "w");

  content.tensors["w"] = from_tensor(full<double>({1000}, 2));
  std::string message;
  {
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    rlimit unlimited{};
    ::getrlimit(RLIMIT_FSIZE, &unlimited);
    const rlimit limit{5000, unlimited.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_safetensors(folder / "w", content);
    } catch (const std::runtime_error& error) {
      message = error.what();
    }
    ::setrlimit(RLIMIT_FSIZE, &unlimited);
    std::signal(SIGXFSZ, handler);
  }
  CHECK(message == "write " + (folder / "w") + ": File too large after 5000 of 8072 bytes: nothing under that name was changed");
  CHECK(read_text(folder / "w") == before);
  CHECK(folder.count() == 1);

  content.tensors["v"] = stored("F32", {2}, {});
  CHECK_THROWS_AS(write_safetensors(folder / "w", content), std::invalid_argument);
  CHECK(read_text(folder / "w") == before);
  CHECK(folder.count() == 1);
}

TEST_CASE("what is not there is refused") {
  const Folder folder;
  CHECK_THROWS_WITH_AS(read_safetensors(folder / "none"),
                       ("read " + (folder / "none") + ": No such file or directory: must be a readable file").c_str(),
                       std::runtime_error);
}
