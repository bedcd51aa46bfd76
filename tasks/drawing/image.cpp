#include <carousel/tasks/drawing/image.hpp>

#include <png.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <span>
#include <string_view>
#include <tuple>
#include <utility>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/tasks/base/text.hpp>

namespace carousel {

namespace {

/// libpng's record of an image that it is at work on.
struct Png {
  png_image image{};
  Png() { image.version = PNG_IMAGE_VERSION; }
  Png(const Png&) = delete;
  Png& operator=(const Png&) = delete;
  ~Png() { png_image_free(&image); }
};

/// Of one axis: how much each pixel of the old image is of one of the new.
struct Weights {
  Index first;
  std::vector<double> share;  // of the pixels from `first` on; their sum is 1
};

std::vector<Weights> weights_of(Index from, Index to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to), reach = std::max(scale, 1.0);
  std::vector<Weights> all;
  for (Index i = 0; i < to; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    const Index first = std::max<Index>(0, static_cast<Index>(std::ceil(centre - reach)));
    const Index last = std::min<Index>(from - 1, static_cast<Index>(std::floor(centre + reach)));
    Weights weights{first, {}};
    double sum = 0;
    for (Index j = first; j <= last; ++j) {
      weights.share.push_back(std::max(1e-9, 1 - std::abs(static_cast<double>(j) - centre) / reach));
      sum += weights.share.back();
    }
    for (double& share : weights.share) share /= sum;
    all.push_back(std::move(weights));
  }
  return all;
}

/// Of pixels as libpng has them: in that format, and a colour map where it is one with such a map.
std::vector<std::byte> png_of(Index height, Index width, png_uint_32 format, const void* pixels,
                              const std::vector<Colour>& colours = {}) {
  Png png;
  png.image.width = static_cast<png_uint_32>(width);
  png.image.height = static_cast<png_uint_32>(height);
  png.image.format = format;
  png.image.colormap_entries = static_cast<png_uint_32>(colours.size());
  const auto write = [&](void* to, png_alloc_size_t& size) {
    if (!png_image_write_to_memory(&png.image, to, &size, 0, pixels, 0, colours.data()))
      bad_file("write a PNG of ", width, " x ", height, " pixels: ", png.image.message);
  };
  png_alloc_size_t size = 0;
  write(nullptr, size);
  std::vector<std::byte> bytes(size);
  write(bytes.data(), size);
  bytes.resize(size);
  return bytes;
}

void write_bytes(const std::string& path, const std::vector<std::byte>& bytes) {
  NewFile file(path, bytes.size());
  file.write(bytes);
  file.publish();
}

/// What else a file may be that is no PNG, by how it begins; nothing where that is not known.
std::string_view other_kind(std::string_view bytes) {
  constexpr std::pair<std::string_view, std::string_view> kinds[] = {
      {"\xff\xd8\xff", "JPEG"}, {"GIF8", "GIF"}, {"BM", "BMP"}, {"II*", "TIFF"},
      {"MM", "TIFF"},           {"P5", "PGM"},   {"P6", "PPM"}, {"%PDF", "PDF"}};
  for (const auto& [begin, name] : kinds)
    if (bytes.starts_with(begin)) return name;
  if (bytes.size() < 12) return "";
  if (bytes.starts_with("RIFF") && bytes.substr(8).starts_with("WEBP")) return "WebP";
  return bytes.substr(4).starts_with("ftyp") ? "HEIC or AVIF" : "";
}

[[noreturn]] void refuse_other_kind(const std::string& path, std::span<const std::byte> bytes) {
  const std::string_view kind =
      other_kind({reinterpret_cast<const char*>(bytes.data()), std::min<std::size_t>(bytes.size(), 16)});
  if (kind.empty()) bad_file("read ", path, ": does not begin as a PNG does: must be one");
  bad_file("read ", path, ": is a ", kind, " file, and only PNG is read; ImageMagick makes one: convert ", shell_word(path),
           " NEW.png");
}

}  // namespace

GreyImage resized(const GreyImage& image, Index height, Index width) {
  const std::vector<Weights> columns = weights_of(image.width, width), rows = weights_of(image.height, height);
  std::vector<double> narrow;  // [image.height, width]
  narrow.reserve(static_cast<std::size_t>(image.height * width));
  for (Index i = 0; i < image.height; ++i)
    for (const Weights& column : columns) {
      double sum = 0;
      for (std::size_t k = 0; k < column.share.size(); ++k)
        sum += column.share[k] * image.at(i, column.first + static_cast<Index>(k));
      narrow.push_back(sum);
    }
  GreyImage out{height, width, {}};
  for (const Weights& row : rows)
    for (Index j = 0; j < width; ++j) {
      double sum = 0;
      for (std::size_t k = 0; k < row.share.size(); ++k)
        sum += row.share[k] * narrow[static_cast<std::size_t>((row.first + static_cast<Index>(k)) * width + j)];
      out.pixels.push_back(static_cast<std::uint8_t>(std::lround(sum)));
    }
  return out;
}

std::uint8_t edge_colour(const GreyImage& image) {
  std::vector<std::uint8_t> edge;
  for (Index i = 0; i < image.height; ++i)
    for (Index j = 0; j < image.width; ++j)
      if (i == 0 || j == 0 || i == image.height - 1 || j == image.width - 1) edge.push_back(image.at(i, j));
  std::nth_element(edge.begin(), edge.begin() + static_cast<std::ptrdiff_t>(edge.size() / 2), edge.end());
  return edge[edge.size() / 2];
}

GreyImage read_png(const std::string& path) {
  constexpr std::uint64_t largest_file = std::uint64_t{1} << 28;
  const InputFile file(path);
  if (file.size() > largest_file) bad_file("read ", path, ": is of ", file.size(), " bytes: must be at most ", largest_file);
  std::vector<std::byte> bytes(file.size());
  file.read(0, bytes);
  constexpr png_byte begin[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  if (bytes.size() < sizeof begin || !std::equal(std::begin(begin), std::end(begin), bytes.begin(),
                                                 [](png_byte a, std::byte b) { return a == std::to_integer<png_byte>(b); }))
    refuse_other_kind(path, bytes);

  Png png;
  const auto check = [&](int done) {
    if (!done) bad_file("read ", path, ": ", png.image.message, ": must be a whole PNG");
  };
  check(png_image_begin_read_from_memory(&png.image, bytes.data(), bytes.size()));
  const std::uint64_t width = png.image.width, height = png.image.height;
  constexpr std::uint64_t most = std::uint64_t{1} << 26;
  if (width * height > most) bad_file("read ", path, ": is of ", width, " x ", height, " pixels: must be at most ", most);
  png.image.format = PNG_FORMAT_GRAY;
  GreyImage image{static_cast<Index>(height), static_cast<Index>(width), {}};
  image.pixels.resize(static_cast<std::size_t>(width * height));
  const png_color white{255, 255, 255};
  check(png_image_finish_read(&png.image, &white, image.pixels.data(), 0, nullptr));
  return image;
}

std::vector<std::byte> png_of(const GreyImage& image) {
  return png_of(image.height, image.width, PNG_FORMAT_GRAY, image.pixels.data());
}

std::vector<std::byte> png_of(const ColourImage& image) {
  static_assert(sizeof(Colour) == 3, "libpng takes pixels without gaps");
  std::map<std::tuple<int, int, int>, std::uint8_t> numbers;
  std::vector<Colour> colours;
  std::vector<std::uint8_t> pixels;  // by their numbers
  for (const Colour& colour : image.pixels) {
    const auto [at, is_new] =
        numbers.try_emplace({colour.red, colour.green, colour.blue}, static_cast<std::uint8_t>(colours.size()));
    if (is_new) colours.push_back(colour);
    if (colours.size() > 256) break;
    pixels.push_back(at->second);
  }
  if (colours.size() <= 256)  // half as large
    return png_of(image.height, image.width, PNG_FORMAT_RGB_COLORMAP, pixels.data(), colours);
  return png_of(image.height, image.width, PNG_FORMAT_RGB, image.pixels.data());
}

void write_png(const std::string& path, const GreyImage& image) {
  write_bytes(path, png_of(image));
}

void write_png(const std::string& path, const ColourImage& image) {
  write_bytes(path, png_of(image));
}

GreyImage without_margin(const GreyImage& image) {
  const int background = edge_colour(image);
  const auto apart = [&](std::uint8_t pixel) { return std::abs(pixel - background); };
  int most = 0;
  for (const std::uint8_t pixel : image.pixels) most = std::max(most, apart(pixel));
  if (most == 0) return image;
  Index top = image.height, bottom = 0, left = image.width, right = 0;  // bottom and right: behind the last
  for (Index i = 0; i < image.height; ++i)
    for (Index j = 0; j < image.width; ++j)
      if (2 * apart(image.at(i, j)) >= most) {
        top = std::min(top, i), bottom = std::max(bottom, i + 1);
        left = std::min(left, j), right = std::max(right, j + 1);
      }
  const Index margin = (bottom - top + 7) / 8;
  top = std::max<Index>(0, top - margin), bottom = std::min(image.height, bottom + margin);
  left = std::max<Index>(0, left - margin), right = std::min(image.width, right + margin);
  GreyImage inner{bottom - top, right - left, {}};
  for (Index i = top; i < bottom; ++i) {
    const auto row = image.pixels.begin() + i * image.width;
    inner.pixels.insert(inner.pixels.end(), row + left, row + right);
  }
  return inner;
}

GreyImage fit_into(const GreyImage& image, Index height, Index width) {
  const double scale = std::min(static_cast<double>(height) / static_cast<double>(image.height),
                                static_cast<double>(width) / static_cast<double>(image.width));
  const auto extent = [&](Index of, Index most) {
    return std::clamp<Index>(static_cast<Index>(std::lround(static_cast<double>(of) * scale)), 1, most);
  };
  const GreyImage inner = resized(image, extent(image.height, height), extent(image.width, width));
  GreyImage out{height, width, std::vector<std::uint8_t>(static_cast<std::size_t>(height * width), edge_colour(image))};
  const Index top = (height - inner.height) / 2, left = (width - inner.width) / 2;
  for (Index i = 0; i < inner.height; ++i)
    std::copy_n(inner.pixels.begin() + i * inner.width, inner.width, out.pixels.begin() + (top + i) * width + left);
  return out;
}

}  // namespace carousel
