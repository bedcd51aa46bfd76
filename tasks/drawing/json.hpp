#pragma once
/// JSON, as nlohmann's library has it. Reading and writing, which take seconds to compile, are compiled once, in json.cpp.

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace carousel {

using Json = nlohmann::ordered_json;

/// The value of a text, without what is nested deeper than anything of ours; is_discarded() where the text is no JSON.
Json parsed_json(std::string_view text);
/// In one line, or in lines indented by so many spaces; bytes that are not UTF-8 are replaced.
std::string written(const Json& json, int indent = -1);
/// A word in quotes; throws what nlohmann::json throws if it is not UTF-8.
std::string json_word(std::string_view word);

}  // namespace carousel
