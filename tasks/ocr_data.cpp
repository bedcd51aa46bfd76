#include <carousel/tasks/ocr_data.hpp>

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

PrintedLine OcrData::example(Index n) const {
  return draw(held_out("examples"), n);
}

std::vector<PrintedLine> OcrData::draw_all(const char* set, Index count) const {
  const Random random = held_out(set);
  std::vector<PrintedLine> lines;
  for (Index n = 0; n < count; ++n) lines.push_back(draw(random, n));
  return lines;
}

std::string OcrData::fonts() const {
  std::string names;
  for (const Face& face : faces_) names += (names.empty() ? "" : ", ") + face.name;
  return names;
}

}  // namespace carousel
