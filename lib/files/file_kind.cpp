#include <carousel/lib/files/file_kind.hpp>

#include <algorithm>
#include <cctype>

namespace carousel {

namespace {

using namespace std::string_view_literals;

constexpr const char* from_torch =
    R"(in Python: safetensors.torch.save_file(torch.load(FILE, weights_only=True), "new.safetensors"))";
constexpr const char* from_arrays = R"(in Python: safetensors.numpy.save_file({name: array, …}, "new.safetensors"))";

struct Known {
  std::string_view begins;
  std::size_t at;
  const char* name;
  const char* help;
};

// Magic numbers: RFC 1952 (gzip), RFC 8878 (zstd), POSIX pax (ustar), the format pages of the others.
constexpr Known known[] = {
    {"version https://git-lfs"sv, 0, "a pointer of Git LFS, in place of the file", "git lfs pull brings the file"},
    {"\x89HDF\r\n\x1a\n"sv, 0, "HDF5, as Keras saves", from_arrays},
    {"\x93NUMPY"sv, 0, "an array of numpy.save", from_arrays},
    {"GGUF"sv, 0, "GGUF, as llama.cpp reads", "the net that it was made of is often published as safetensors too"},
    {"TFL3"sv, 4, "TensorFlow Lite", from_arrays},
    {"\x1f\x8b\x08"sv, 0, "compressed by gzip", "gunzip < FILE > new.safetensors"},
    {"\x28\xb5\x2f\xfd"sv, 0, "compressed by zstd", "zstd -d FILE -o new.safetensors"},
    {"\xfd\x37zXZ\0"sv, 0, "compressed by xz", "xz -dc FILE > new.safetensors"},
    {"BZh"sv, 0, "compressed by bzip2", "bunzip2 < FILE > new.safetensors"},
    {"ustar"sv, 257, "a tar archive", "tar -xf FILE takes out what is in it"},
};

/// Of a zip archive; the first entry's name stands near its beginning.
FileKind zip_kind(std::string_view bytes) {
  const std::string_view entry = bytes.substr(std::min<std::size_t>(30, bytes.size()), 200);
  const auto has = [&](std::string_view name) { return entry.find(name) != std::string_view::npos; };
  if (has("data.pkl") || has("/byteorder") || has("/version")) return {"a zip archive of torch.save", from_torch};
  if (has(".npy"))
    return {"a zip archive of numpy.savez",
            R"(in Python: safetensors.numpy.save_file(dict(numpy.load(FILE)), "new.safetensors"))"};
  if (has("metadata.json") || has("config.json")) return {"a zip archive, as Keras saves", from_arrays};
  return {"a zip archive", "unzip takes out what is in it; if torch.save wrote it, " + std::string(from_torch)};
}

/// A ModelProto of ONNX: field 1, ir_version, which is small, then another of its fields (onnx.proto).
bool is_onnx(std::string_view bytes) {
  constexpr std::string_view fields = "\x12\x1a\x22\x28\x32\x3a\x42";
  return bytes.size() > 2 && bytes[0] == 0x08 && bytes[1] > 0 && bytes[1] <= 32 &&
         fields.find(bytes[2]) != std::string_view::npos;
}

/// The text from its first letter on, in small letters.
std::string as_text(std::string_view bytes) {
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  std::string text(bytes.substr(0, 32));
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

std::optional<FileKind> kind_of(std::string_view first_bytes) {
  for (const Known& one : known)
    if (first_bytes.size() > one.at && first_bytes.substr(one.at).starts_with(one.begins)) return FileKind{one.name, one.help};
  if (first_bytes.starts_with("PK\x03\x04")) return zip_kind(first_bytes);
  if (first_bytes.size() > 2 && first_bytes[0] == '\x80' && first_bytes[1] >= 2 && first_bytes[1] <= 5 && first_bytes[2] != 0)
    return FileKind{"a pickle, as older releases of torch.save write", from_torch};
  if (is_onnx(first_bytes))
    return FileKind{"ONNX",
                    "in Python: onnx.numpy_helper.to_array() of each of onnx.load(FILE).graph.initializer, then "
                    "safetensors.numpy.save_file()"};
  const std::string text = as_text(first_bytes);
  if (text.starts_with("<!doctype html") || text.starts_with("<html"))
    return FileKind{"a page of HTML", "download the file that the page is about (on Hugging Face /resolve/ in place of /blob/)"};
  if (text.starts_with("<?xml")) return FileKind{"XML, as servers answer with errors", "download the file again"};
  if ((text.starts_with("{") || text.starts_with("[")) && text.find('\0') == std::string::npos)
    return FileKind{"JSON", "if it is the index of a net in parts, it names the files that hold them"};
  return std::nullopt;
}

}  // namespace carousel
