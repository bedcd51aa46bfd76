#include <carousel/lib/files/file_kind.hpp>

#include <string>

#include <doctest/doctest.h>

#include "tests/lib/files/safetensors.hpp"

using namespace carousel;
using namespace std::string_literals;
using test::refusal;

namespace {

const std::string torch = R"(in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), "new.safetensors"))",
                  arrays = R"(in Python: safetensors.numpy.save_file({name: array, …}, "new.safetensors"))";

/// The beginning of a zip archive: a local header, whose name stands at byte 30.
std::string zip_of(const std::string& name) {
  return "PK\x03\x04\x14\0\0\0\0\0"s + std::string(20, '\0') + name + std::string(100, 'x');
}

}  // namespace

TEST_CASE("a file that is no safetensors says what it is, and what would help") {
  const auto is = [](const std::string& name, const std::string& help) {
    return "read PATH: " + name + ": must be safetensors; " + help;
  };
  const std::string page =
      is("a page of HTML", "download the file that the page is about (on Hugging Face /resolve/ in place of /blob/)");
  for (const char* html :
       {"<!doctype html>\n<html>", "<!DOCTYPE HTML PUBLIC", "\xef\xbb\xbf \r\n<html lang=\"en\">", "<HTML><head>"})
    CHECK(refusal(html) == page);
  CHECK(refusal("<html>") == page);  // shorter than the length of a header
  CHECK(refusal("<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code></Error>") ==
        is("XML, as servers answer with errors", "download the file again"));
  CHECK(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n") ==
        is("a pointer of Git LFS, in place of the file", "git lfs pull brings the file"));
  const std::string json = is("JSON", "if it is the index of a net in parts, it names the files that hold them");
  for (const char* text :
       {"{\"weight_map\": {\"wx\": \"model-00001-of-00002.safetensors\"}}", " \n{}       ", "[1, 2, 3, 4, 5]", "{}"})
    CHECK(refusal(text) == json);
  CHECK(refusal(zip_of("archive/data.pkl")) == is("a zip archive of torch.save", torch));
  CHECK(refusal(zip_of("model/byteorder")) == is("a zip archive of torch.save", torch));
  CHECK(refusal(zip_of("wx.npy")) == is("a zip archive of numpy.savez",
                                        R"(in Python: safetensors.numpy.save_file(dict(numpy.load(FILE)), "new.safetensors"))"));
  CHECK(refusal(zip_of("metadata.json")) == is("a zip archive, as Keras saves", arrays));
  CHECK(refusal(zip_of("holiday.jpg")) == is("a zip archive", "unzip takes out what is in it; if torch.save wrote it, " + torch));
  CHECK(refusal("\x80\x02\x8a\nl\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.") ==
        is("a pickle, as older releases of torch.save write", torch));
  CHECK(refusal("\x89HDF\r\n\x1a\n\0\0\0\0"s) == is("HDF5, as Keras saves", arrays));
  CHECK(refusal("\x93NUMPY\x01\0v\0{'descr': '<f4'}"s) == is("an array of numpy.save", arrays));
  CHECK(refusal("\x08\x07\x12\x07pytorch\x1a\x05"s) ==
        is("ONNX",
           "in Python: onnx.numpy_helper.to_array() of each of onnx.load(FILE).graph.initializer, then "
           "safetensors.numpy.save_file()"));
  CHECK(refusal("\x1f\x8b\x08\x08\x9c\x5e\x1d\x65\0\x03"s) == is("compressed by gzip", "gunzip < FILE > new.safetensors"));
  CHECK(refusal("\x28\xb5\x2f\xfd\x04\0\x09\0\0"s) == is("compressed by zstd", "zstd -d FILE -o new.safetensors"));
  CHECK(refusal("\xfd\x37zXZ\0\0\x04"s) == is("compressed by xz", "xz -dc FILE > new.safetensors"));
  CHECK(refusal("BZh91AY&SY") == is("compressed by bzip2", "bunzip2 < FILE > new.safetensors"));
  CHECK(refusal("GGUF\x03\0\0\0\0\0"s) ==
        is("GGUF, as llama.cpp reads", "the net that it was made of is often published as safetensors too"));
  CHECK(refusal("\x1c\0\0\0TFL3\x14\0"s) == is("TensorFlow Lite", arrays));
}

TEST_CASE("a kind shows also where its first bytes could be the length of a header") {
  // gzip without a time: 559,903 bytes of header, by its first eight. A tar archive of a file with a short name: 30,583.
  CHECK(refusal("\x1f\x8b\x08\0\0\0\0\0"s + std::string(600000, 'x')).starts_with("read PATH: compressed by gzip: "));
  std::string tar(40000, '\0');
  tar.replace(0, 2, "ww").replace(257, 5, "ustar");
  CHECK(refusal(tar) == "read PATH: a tar archive: must be safetensors; tar -xf FILE takes out what is in it");
}

TEST_CASE("what does not tell its kind is refused by the rule that it breaks") {
  CHECK_FALSE(kind_of(""));
  CHECK_FALSE(kind_of("not a checkpoint"));
  CHECK_FALSE(kind_of("\x08\0\0\0\0\0\0\0{}      "s));
  CHECK(refusal("\x08\0\0\0\0\0\0\0carousel"s) == "read PATH: header is not JSON at byte 8: must be one JSON object");
  CHECK(refusal(test::file_of("{}", 0)).empty());
  for (const std::size_t size : {'{' + 0U, '[' + 0U, 0x280U, 0x480U, 0x3c68U})  // lengths of headers that are cut off
    CHECK(refusal(test::file_of("{" + std::string(size - 1, ' '), 0).substr(0, 60)).find(" in a file of 60: must lie inside") !=
          std::string::npos);
  std::string looks_like_gzip = "{\"__metadata__\":{\"k\":\"" + std::string(0x8b1f - 25, 'v') + "\"}}";
  REQUIRE(looks_like_gzip.size() == 0x8b1f);
  CHECK(refusal(test::file_of(looks_like_gzip, 0)).empty());
}
