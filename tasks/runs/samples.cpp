#include <carousel/tasks/runs/samples.hpp>

#include <carousel/tasks/base/text_table.hpp>

namespace carousel {

namespace {

std::string underlined(const std::string& title, char line) {
  return title + "\n" + std::string(static_cast<std::size_t>(columns_of(title)), line) + "\n\n";
}

std::string text_of(const view::Texts& texts) {
  std::string out;
  for (const view::Texts::Text& one : texts.texts) out += underlined(one.caption, '-') + one.text + "\n\n";
  return out;
}

std::string text_of(const view::Table& table) {
  std::vector<std::vector<std::string>> rows = {table.head};
  rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  return text_table(rows) + "\n\n";
}

}  // namespace

std::string samples_text(const Views& views) {
  std::string out;
  for (const std::vector<View>* list : {&views.all, &views.samples})
    for (const View& view : *list) {
      if (const auto* const texts = std::get_if<view::Texts>(&view.what)) out += underlined(view.title, '=') + text_of(*texts);
      if (const auto* const table = std::get_if<view::Table>(&view.what)) out += underlined(view.title, '=') + text_of(*table);
    }
  if (!out.empty()) out.pop_back();
  return out;
}

}  // namespace carousel
