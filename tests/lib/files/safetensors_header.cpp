// Headers that are no headers: what a file of safetensors may say, and whoever made it did not care.

#include <string>

#include <doctest/doctest.h>

#include "tests/lib/files/safetensors.hpp"

using namespace carousel;
using test::file_of;
using test::info;
using test::known_dtypes;
using test::refusal;

TEST_CASE("hostile sizes are refused before anything is taken") {
  CHECK(refusal("") == "read PATH: file of 0 bytes: must have at least 8");
  CHECK(refusal("1234567") == "read PATH: file of 7 bytes: must have at least 8");
  CHECK(refusal(std::string("\x01\0\0\0\0\0\0\0", 8)) == "read PATH: header of 1 bytes in a file of 8: must lie inside");
  CHECK(refusal(std::string("\0\xe1\xf5\x05\0\0\0\0{}", 10)) ==
        "read PATH: header of 100000000 bytes in a file of 10: must lie inside");
  CHECK(refusal(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)) ==
        "read PATH: header of 100000001 bytes: must have at most 100000000");
  CHECK(refusal("\xff\xff\xff\xff\xff\xff\xff\xff{}") ==
        "read PATH: header of 18446744073709551615 bytes: must have at most 100000000");
  const std::string good = file_of("{\"a\":" + info("U8", "[4]", "[0,4]") + "}", 4);
  CHECK(refusal(good).empty());
  for (std::size_t size = 0; size < good.size(); ++size)
    CHECK_FALSE(refusal(good.substr(0, size)).empty());  // truncated anywhere
  CHECK(refusal(good.substr(0, good.size() - 1)) ==
        "read PATH: tensor \"a\": data_offsets [0, 4] in 3 bytes of data: must lie inside");
}

TEST_CASE("a header that is no JSON object is refused at its byte") {
  CHECK(refusal("", 0) == "read PATH: header is not JSON at byte 8: must be one JSON object");
  CHECK(refusal("        ", 0) == "read PATH: header is not JSON at byte 16: must be one JSON object");
  CHECK(refusal("carousel", 0) == "read PATH: header is not JSON at byte 8: must be one JSON object");
  CHECK(refusal("{\"a\":", 0) == "read PATH: header is not JSON at byte 13: must be one JSON object");
  CHECK(refusal("{}{}", 0) == "read PATH: header is not JSON at byte 10: must be one JSON object");
  CHECK(refusal("{},", 0) == "read PATH: header is not JSON at byte 10: must be one JSON object");
  CHECK(refusal("{\"__metadata__\":{\"k\":\"v\",}}", 0) == "read PATH: header is not JSON at byte 33: must be one JSON object");
  CHECK(refusal("{/**/}", 0) == "read PATH: header is not JSON at byte 9: must be one JSON object");
  CHECK(refusal("{\"__metadata__\":{\"k\":\"\\ud800\"}}", 0) ==
        "read PATH: header is not JSON at byte 36: must be one JSON object");
  CHECK(refusal("[]", 0) == "read PATH: header is an array: must be an object");
  CHECK(refusal(std::string(100000, '['), 0) == "read PATH: header is an array: must be an object");
  CHECK(refusal("null", 0) == "read PATH: header is null: must be an object");
  CHECK(refusal("\"a\"", 0) == "read PATH: header is a string: must be an object");
  CHECK(refusal("1", 0) == "read PATH: header is a number: must be an object");
}

TEST_CASE("bytes that JSON parsers forgive or disagree about are refused") {
  CHECK(refusal("\xef\xbb\xbf{}", 0) == "read PATH: header is not JSON at byte 8: must be one JSON object");
  CHECK(refusal(std::string("{}\0\0", 4), 0) == "read PATH: header is not JSON at byte 10: must be one JSON object");
  CHECK(refusal(std::string("{}\0{}", 5), 0) == "read PATH: header is not JSON at byte 10: must be one JSON object");
  CHECK(refusal("{\"__metadata__\":{\"k\":\"\xff\"}}", 0) == "read PATH: header is not UTF-8 at byte 30: must be UTF-8");
  CHECK(refusal("{\"\xc0\xaf\":1}", 0) == "read PATH: header is not UTF-8 at byte 10: must be UTF-8");
  CHECK(refusal("{\"a\xed\xa0\x80\":1}", 0) == "read PATH: header is not UTF-8 at byte 11: must be UTF-8");
}

TEST_CASE("names that stand twice are refused, escaped or not") {
  const std::string a = info("U8", "[1]", "[0,1]");
  CHECK(refusal("{\"a\":" + a + ",\"a\":" + a + "}", 1) == "read PATH: tensor \"a\" stands twice: names must differ");
  CHECK(refusal("{\"a\":" + a + ",\"\\u0061\":" + a + "}", 1) == "read PATH: tensor \"a\" stands twice: names must differ");
  CHECK(refusal(R"({"__metadata__":{},"__metadata__":{}})", 0) == "read PATH: __metadata__ stands twice: names must differ");
  CHECK(refusal(R"({"__metadata__":{"k":"1","k":"2"}})", 0) == "read PATH: __metadata__ \"k\" stands twice: keys must differ");
  CHECK(refusal(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1) ==
        "read PATH: tensor \"a\": dtype stands twice: fields must differ");
}

TEST_CASE("metadata that are not words are refused") {
  CHECK(refusal(R"({"__metadata__":1})", 0) == "read PATH: __metadata__ is a number: must be an object of strings");
  CHECK(refusal(R"({"__metadata__":null})", 0) == "read PATH: __metadata__ is null: must be an object of strings");
  CHECK(refusal(R"({"__metadata__":{"k":1}})", 0) == "read PATH: __metadata__ \"k\" is a number: must be a string");
  CHECK(refusal(R"({"__metadata__":{"k":{}}})", 0) == "read PATH: __metadata__ \"k\" is an object: must be a string");
  CHECK(refusal(R"({"__metadata__":{"k":["v"]}})", 0) == "read PATH: __metadata__ \"k\" is an array: must be a string");
}

TEST_CASE("a tensor without its fields, or with others, is refused") {
  CHECK(refusal(R"({"a":[]})", 0) == "read PATH: tensor \"a\" is an array: must be an object");
  CHECK(refusal(R"({"a":"F32"})", 0) == "read PATH: tensor \"a\" is a string: must be an object");
  CHECK(refusal(R"({"a":true})", 0) == "read PATH: tensor \"a\" is true: must be an object");
  CHECK(refusal(R"({"a":{}})", 0) == "read PATH: tensor \"a\": dtype is missing: must have dtype, shape and data_offsets");
  CHECK(refusal(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1) ==
        "read PATH: tensor \"a\": shape is missing: must have dtype, shape and data_offsets");
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[1]}})", 1) ==
        "read PATH: tensor \"a\": data_offsets is missing: must have dtype, shape and data_offsets");
  CHECK(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"strides":[1]}})", 1) ==
        "read PATH: tensor \"a\": field \"strides\": must be dtype, shape or data_offsets");
}

TEST_CASE("fields of a wrong type are refused") {
  const std::string whole = " whole numbers from 0 to 2^63 - 1";
  CHECK(refusal(R"({"a":{"dtype":8}})", 0) == "read PATH: tensor \"a\": dtype is a number: must be a string");
  CHECK(refusal(R"({"a":{"dtype":["U8"]}})", 0) == "read PATH: tensor \"a\": dtype is an array: must be a string");
  CHECK(refusal(R"({"a":{"shape":4}})", 0) == "read PATH: tensor \"a\": shape is a number: must be an array of" + whole);
  CHECK(refusal(R"({"a":{"shape":{}}})", 0) == "read PATH: tensor \"a\": shape is an object: must be an array of" + whole);
  CHECK(refusal(R"({"a":{"shape":["4"]}})", 0) == "read PATH: tensor \"a\": shape holds a string: must hold" + whole);
  CHECK(refusal(R"({"a":{"shape":[[4]]}})", 0) == "read PATH: tensor \"a\": shape holds an array: must hold" + whole);
  CHECK(refusal(R"({"a":{"shape":[null]}})", 0) == "read PATH: tensor \"a\": shape holds null: must hold" + whole);
  CHECK(refusal(R"({"a":{"data_offsets":"0,1"}})", 0) ==
        "read PATH: tensor \"a\": data_offsets is a string: must be an array of" + whole);
  CHECK(refusal(R"({"a":{"data_offsets":[false,1]}})", 0) ==
        "read PATH: tensor \"a\": data_offsets holds false: must hold" + whole);
  CHECK(refusal(R"({"a":{"data_offsets":[]}})", 0) ==
        "read PATH: tensor \"a\": data_offsets has 0 numbers: must be [begin, end]");
  CHECK(refusal(R"({"a":{"data_offsets":[0]}})", 0) ==
        "read PATH: tensor \"a\": data_offsets has 1 number: must be [begin, end]");
  CHECK(refusal(R"({"a":{"data_offsets":[0,1,2]}})", 0) ==
        "read PATH: tensor \"a\": data_offsets has more than 2 numbers: must be [begin, end]");
  CHECK(refusal("{\"a\":" + std::string(100000, '[') + "}", 0) == "read PATH: tensor \"a\" is an array: must be an object");
}

TEST_CASE("numbers that are no sizes are refused") {
  const auto shape = [](const std::string& number) { return refusal(R"({"a":{"shape":[)" + number + "]}}", 0); };
  const std::string whole = ": must hold whole numbers from 0 to 2^63 - 1";
  for (const char* number : {"-1", "-0", "-9223372036854775808"})
    CHECK(shape(number) == "read PATH: tensor \"a\": shape holds a negative number" + whole);
  for (const char* number : {"1.5", "1.0", "1e2", "-1.5", "9223372036854775808", "18446744073709551616", "1e999", "-1e999"})
    CHECK(shape(number) == "read PATH: tensor \"a\": shape holds a fraction or a huge number" + whole);
  CHECK(shape("01") == "read PATH: header is not JSON at byte 24: must be one JSON object");
  CHECK(shape("NaN") == "read PATH: header is not JSON at byte 23: must be one JSON object");
  CHECK(shape("1,1,1,1,1,1,1") == "read PATH: tensor \"a\": shape has more than 6 axes: must have at most 6");
  CHECK(refusal("{\"a\":{\"data_offsets\":[0,-4]}}", 0) ==
        "read PATH: tensor \"a\": data_offsets holds a negative number" + whole);
}

TEST_CASE("shapes, types and places that do not fit together are refused") {
  const auto tensor = [](const char* dtype, const char* shape, const char* offsets) {
    const std::string message = refusal("{\"a\":" + info(dtype, shape, offsets) + "}", 24), start = "read PATH: tensor \"a\": ";
    CHECK(message.substr(0, start.size()) == start);
    return message.size() < start.size() ? message : message.substr(start.size());
  };
  CHECK(tensor("F32", "[2,3]", "[0,20]") == "F32 [2, 3] in 20 bytes: must be 24");
  CHECK(tensor("F64", "[2,3]", "[0,24]") == "F64 [2, 3] in 24 bytes: must be 48");
  CHECK(tensor("F32", "[0]", "[0,24]") == "F32 [0] in 24 bytes: must be 0");
  CHECK(tensor("F32", "[]", "[0,24]") == "F32 [] in 24 bytes: must be 4");
  CHECK(tensor("F32", "[2,3]", "[24,0]") == "data_offsets [24, 0]: begin must not exceed end");
  CHECK(tensor("F32", "[2,3]", "[4,28]") == "data_offsets [4, 28] in 24 bytes of data: must lie inside");
  CHECK(tensor("U8", "[9223372036854775807]", "[0,9223372036854775807]") ==
        "data_offsets [0, 9223372036854775807] in 24 bytes of data: must lie inside");
  CHECK(tensor("F32", "[4294967296,4294967296]", "[0,24]") ==
        "F32 [4294967296, 4294967296] is too large: must have less than 2^63 bits");
  CHECK(tensor("F32", "[4611686018427387905,4]", "[0,16]") ==
        "F32 [4611686018427387905, 4] is too large: must have less than 2^63 bits");  // 16 bytes, if products wrap round
  CHECK(tensor("F32", "[0,4294967296,4294967296]", "[0,0]") ==
        "F32 [0, 4294967296, 4294967296] is too large: must have less than 2^63 bits");
  CHECK(tensor("F4", "[3]", "[0,1]") == "F4 [3] takes 12 bits: must be whole bytes");
  CHECK(tensor("f32", "[6]", "[0,24]") == "dtype is \"f32\": must be one of " + known_dtypes);
  CHECK(tensor("", "[6]", "[0,24]") == "dtype is \"\": must be one of " + known_dtypes);
}

TEST_CASE("data that overlap, lie apart or are left over are refused") {
  const auto tensors = [](const char* a, const char* b, std::size_t size) {
    return refusal("{\"a\":" + info("U8", "[4]", a) + ",\"b\":" + info("U8", "[4]", b) + "}", size);
  };
  CHECK(tensors("[0,4]", "[4,8]", 8).empty());
  CHECK(tensors("[4,8]", "[0,4]", 8).empty());
  CHECK(tensors("[0,4]", "[2,6]", 6) ==
        "read PATH: tensor \"b\" begins at byte 2 of the data, before the end of tensor \"a\" at 4: tensors must not overlap");
  CHECK(tensors("[0,4]", "[0,4]", 4) ==
        "read PATH: tensor \"b\" begins at byte 0 of the data, before the end of tensor \"a\" at 4: tensors must not overlap");
  CHECK(tensors("[0,4]", "[5,9]", 9) == "read PATH: tensor \"b\" begins at byte 5 of the data: must begin at 4, without a gap");
  CHECK(tensors("[5,9]", "[1,5]", 9) == "read PATH: tensor \"b\" begins at byte 1 of the data: must begin at 0, without a gap");
  CHECK(tensors("[0,4]", "[4,8]", 9) == "read PATH: data has 9 bytes, its tensors have 8: none may be left over");
  CHECK(refusal("{}", 100) == "read PATH: data has 100 bytes, its tensors have 0: none may be left over");
  CHECK(refusal("{\"a\":" + info("U8", "[4]", "[0,4]") + ",\"e\":" + info("U8", "[0]", "[2,2]") + "}", 4) ==
        "read PATH: tensor \"e\" begins at byte 2 of the data, before the end of tensor \"a\" at 4: tensors must not overlap");
}

TEST_CASE("hostile names do not spill into the error") {
  const std::string message = refusal(R"({"line\n\u0000)" + std::string(1000, 'x') + "\":1}", 0);
  CHECK(message == "read PATH: tensor \"line\\x0a\\x00" + std::string(54, 'x') + "…\" is a number: must be an object");
}
