#include <carousel/tasks/ocr/data.hpp>

#include <string_view>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

Random held_out(const char* set) {
  return Random(0).split("ocr").split(set);
}

}  // namespace

OcrData::OcrData(const std::string& fonts, const PrintOptions& options, std::uint64_t seed)
    : faces_(load_faces(fonts)), options_(options), training_(Random(seed).split("ocr training")) {
  training(0);  // throws here what it throws
}

PrintedLine OcrData::example(std::uint64_t n) const {
  return draw(held_out("examples"), n);
}

std::vector<PrintedLine> OcrData::draw_all(const char* set, std::uint64_t count) const {
  const Random random = held_out(set);
  std::vector<PrintedLine> lines;
  for (std::uint64_t n = 0; n < count; ++n) lines.push_back(draw(random, n));
  return lines;
}

std::string OcrData::fonts() const {
  std::string names;
  for (const Face& face : faces_) names += (names.empty() ? "" : ", ") + face.name;
  return names;
}

std::string OcrData::identity() const {
  std::uint64_t hash = 0;
  for (const Face& face : faces_)
    for (const Glyph& glyph : face.digits) {
      const std::string_view ink(reinterpret_cast<const char*>(glyph.ink.data()), glyph.ink.size() * sizeof(float));
      const std::string place = join(glyph.height, " ", glyph.width, " ", glyph.left, " ", glyph.top, " ", glyph.advance);
      hash = mix(mix(hash, detail::hash(ink)), detail::hash(place));
    }
  return fmt::format("{}, hash {:016x}", fonts(), hash);
}

}  // namespace carousel
