#include <carousel/tasks/base/idx.hpp>

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>

namespace carousel {

namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t most_values = std::size_t{1} << 30, longest_header = 4 + 4 * max_rank;

Bytes read_whole(const std::string& path) {
  const InputFile file(path);
  if (file.size() > most_values + longest_header)
    bad_file("read ", path, ": has ", file.size(), " bytes: must have at most ", most_values + longest_header);
  Bytes content(file.size());
  file.read(0, std::as_writable_bytes(std::span(content)));
  return content;
}

/// The bytes of a file from its begin to its end, unzipped if it is gzip.
class IdxReader {
 public:
  explicit IdxReader(const std::string& path) : path_(path), content_(read_whole(path)) {
    zipped_ = content_.size() >= 2 && content_[0] == 0x1f && content_[1] == 0x8b;
    if (!zipped_ && path.ends_with(".gz")) bad_file("read ", path, ": does not begin as gzip does: must be gzip by its name");
    if (!zipped_) return;
    stream_.next_in = content_.data();
    stream_.avail_in = static_cast<uInt>(content_.size());
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK) bad_file("read ", path, ": no memory to unzip it");
  }
  IdxReader(const IdxReader&) = delete;
  IdxReader& operator=(const IdxReader&) = delete;
  ~IdxReader() {
    if (zipped_) inflateEnd(&stream_);
  }

  /// The next bytes, as many as asked for, or up to the end. What a header asks for takes memory only as far as it is there.
  Bytes next(std::size_t count) {
    if (!zipped_) {
      const auto from = content_.begin() + static_cast<std::ptrdiff_t>(at_);
      const std::size_t there = std::min(count, content_.size() - at_);
      at_ += there;
      return Bytes(from, from + static_cast<std::ptrdiff_t>(there));
    }
    constexpr std::size_t piece = std::size_t{1} << 20;
    Bytes out;
    while (out.size() < count && !ended_) {
      const std::size_t before = out.size(), more = std::min(piece, count - before);
      out.resize(before + more);
      out.resize(before + inflate_into({out.data() + before, more}));
    }
    return out;
  }

 private:
  std::size_t inflate_into(std::span<std::uint8_t> out) {
    stream_.next_out = out.data();
    stream_.avail_out = static_cast<uInt>(out.size());
    while (stream_.avail_out > 0 && !ended_) {
      const int status = inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_STREAM_END) {
        ended_ = true;
        if (stream_.avail_in > 0) bad_file("read ", path_, ": ", stream_.avail_in, " bytes follow its gzip data: must end there");
      } else if (status == Z_BUF_ERROR) {
        bad_file("read ", path_, ": its gzip data break off: must be whole");
      } else if (status != Z_OK) {
        bad_file("read ", path_, ": its gzip data are damaged (", stream_.msg ? stream_.msg : zError(status), "): must be whole");
      }
    }
    return out.size() - stream_.avail_out;
  }

  const std::string path_;
  Bytes content_;
  bool zipped_ = false, ended_ = false;
  std::size_t at_ = 0;
  z_stream stream_{};
};

}  // namespace

bool begins_as_idx(const std::string& path) {
  const InputFile file(path);
  std::array<std::uint8_t, 3> begin{1};
  file.read(0, std::as_writable_bytes(std::span(begin.data(), std::min<std::size_t>(begin.size(), file.size()))));
  return (begin[0] == 0 && begin[1] == 0 && begin[2] == 8) || (begin[0] == 0x1f && begin[1] == 0x8b);
}

IdxBytes read_idx(const std::string& path, int rank) {
  IdxReader reader(path);
  const std::size_t header_size = 4 + 4 * static_cast<std::size_t>(rank);
  const Bytes header = reader.next(header_size);
  if (header.size() < header_size)
    bad_file("read ", path, ": ends after ", header.size(), " bytes: must have a header of ", header_size);
  const std::uint8_t magic[4] = {0, 0, 8, static_cast<std::uint8_t>(rank)};
  if (!std::equal(magic, magic + 4, header.begin()))
    bad_file("read ", path,
             fmt::format(": begins with {:02x}: must begin with {:02x}, as IDX files of bytes with {} {} do",
                         fmt::join(header.begin(), header.begin() + 4, " "), fmt::join(magic, magic + 4, " "), rank,
                         rank == 1 ? "axis" : "axes"));
  IdxBytes idx;
  std::size_t size = 1;
  for (int axis = 0; axis < rank; ++axis) {
    std::size_t extent = 0;
    for (std::size_t k = 0; k < 4; ++k) extent = extent << 8 | header[4 + 4 * static_cast<std::size_t>(axis) + k];
    idx.shape.push_back(static_cast<Index>(extent));
    size = std::min(size, most_values + 1) * extent;  // below 2^63: extents are below 2^32
  }
  if (size > most_values) bad_file("read ", path, ": its header says ", idx.shape, ": must be at most ", most_values, " values");
  idx.values = reader.next(size);
  if (idx.values.size() < size)
    bad_file("read ", path, ": ends after ", idx.values.size(), " values: must have ", size, ", as its header says ", idx.shape);
  if (!reader.next(1).empty())
    bad_file("read ", path, ": goes on after ", size, " values: must end there, as its header says ", idx.shape);
  return idx;
}

}  // namespace carousel
