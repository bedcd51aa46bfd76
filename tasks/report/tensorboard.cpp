#include <carousel/tasks/report/tensorboard.hpp>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/utf8.hpp>
#include <carousel/tasks/base/metric.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/drawing/picture.hpp>

namespace carousel {

namespace {

/// A word in a cell of a table of Markdown.
std::string cell_text(const std::string& word) {
  std::string out;
  for (const char c : word) out += c == '|' ? "\\|" : c == '\n' ? " " : std::string(1, c);
  return out;
}

std::string row_text(const std::vector<std::string>& words) {
  std::string row = "|";
  for (const std::string& word : words) row += " " + cell_text(word) + " |";
  return row + "\n";
}

std::string table_text(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows) {
  std::string text = row_text(head) + row_text(std::vector<std::string>(head.size(), "---"));
  for (const std::vector<std::string>& row : rows) text += row_text(row);
  return text;
}

std::vector<Metric> below(const std::string& group, std::span<const Metric> metrics) {
  std::vector<Metric> named;
  for (const Metric& metric : metrics) named.push_back({group + "/" + metric.name, metric.value});
  return named;
}

/// The views of one training as events.
struct ViewWriter {
  EventFile& file;
  Index step;
  const std::string name;
  const View& view;

  template <class What>
  void operator()(const What&) const {  // lines and fields of colours
    file.image(step, name, picture(view), view.look_for);
  }
  void operator()(const view::Images& images) const {
    std::size_t number = 0;
    for (const view::Images::Image& image : images.images) {
      ++number;
      if (image.width == 0 || image.pixels.empty()) continue;
      const GreyImage grey{static_cast<Index>(image.pixels.size() / image.width), static_cast<Index>(image.width), image.pixels};
      file.image(step, join(name, "/", number), grey, image.caption);
    }
  }
  void operator()(const view::Texts& texts) const {
    for (const view::Texts::Text& text : texts.texts) file.text(step, join(name, "/", text.caption), as_code_block(text.text));
  }
  void operator()(const view::Characters& characters) const {
    std::vector<std::vector<std::string>> rows;
    for (const view::Characters::Character& one : characters.characters) {
      std::string expected;
      for (const auto& [character, probability] : one.candidates)
        expected += fmt::format("{}{} {:.2f}", expected.empty() ? "" : ", ", in_quotes(character), probability);
      rows.push_back({in_quotes(one.character), fmt::format("{:.2f}", one.probability), expected});
    }
    file.text(step, name, view.look_for + "\n\n" + table_text({"character", "probability", "expected"}, rows));
  }
  void operator()(const view::Table& table) const {
    file.text(step, name, view.look_for + "\n\n" + table_text(table.head, table.rows));
  }
};

}  // namespace

TensorBoard::TensorBoard(const std::string& folder, Index steps_done, const Metadata& options) : file_(folder, steps_done) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : options)  // of paths the last name, as reports have it
    rows.push_back({name, value.starts_with('/') ? last_name(value) : value});
  file_.text(steps_done, "configuration", table_text({"option", "value"}, rows));
}

void TensorBoard::add_step(const StepRecord& record) {
  std::vector<Metric> numbers = {
      {"step/loss", record.loss}, {"step/rate", record.rate}, {"step/gradient_norm", record.gradient_norm}};
  for (const StepRecord::Of& one : record.parameters) {
    numbers.push_back({"gradient_norm/" + one.path, one.gradient_norm});
    numbers.push_back({"update_ratio/" + one.path, one.update_ratio});
  }
  file_.scalars(record.step, numbers);
}

template <class T>
void TensorBoard::add_epoch(Index step, std::span<const Metric> metrics, const Registry<T>& registry) {
  file_.scalars(step, below("epoch", metrics));
  for (const Parameter<T>& parameter : registry) {
    const std::span<const T> values(parameter.value.data(), parameter.value.size());
    file_.histogram(step, "parameters/" + parameter.path, Histogram::of(values));
  }
}

template void TensorBoard::add_epoch(Index, std::span<const Metric>, const Registry<float>&);
template void TensorBoard::add_epoch(Index, std::span<const Metric>, const Registry<double>&);

void TensorBoard::add_result(Index step, std::span<const Metric> metrics) {
  file_.scalars(step, below("result", metrics));
}

void TensorBoard::add_views(Index step, const Views& views) {
  for (const View& view : views.all) std::visit(ViewWriter{file_, step, "views/" + view.title, view}, view.what);
}

}  // namespace carousel
