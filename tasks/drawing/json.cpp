#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

Json parsed_json(std::string_view text) {
  constexpr int deepest = 64;  // dump() calls itself for each level
  return Json::parse(
      text, [](int depth, Json::parse_event_t, const Json&) { return depth <= deepest; }, false);
}

std::string written(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string json_word(std::string_view word) {
  return Json(word).dump();
}

}  // namespace carousel
