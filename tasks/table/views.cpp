#include <carousel/tasks/table/views.hpp>

#include <algorithm>
#include <span>

#include <fmt/format.h>

#include <carousel/tasks/table/counts.hpp>

namespace carousel {

void add_table_views(Views& views, const std::vector<double>& outputs, const Table& table, Index learned, bool holds_out,
                     const std::string& verdict) {
  const auto classes = std::ssize(table.classes);
  const std::vector<Index> said = said_of(outputs, classes);
  const auto add_confusion = [&](const char* title, const std::string& look_for, Index first, Index last) {
    const auto from = static_cast<std::size_t>(first), count = static_cast<std::size_t>(last - first);
    const TableCounts found =
        counts_of(std::span(said).subspan(from, count), std::span(table.labels).subspan(from, count), classes);
    view::HeatMap map{
        .x_name = "predicted", .y_name = "label", .width = table.classes.size(), .values = {}, .numbers = classes <= 20};
    map.columns = map.rows = table.classes;
    for (const Index one : found.counts) map.values.push_back(static_cast<double>(one));
    map.high = std::max(1.0, static_cast<double>(found.rows()));
    views.add(title, look_for, std::move(map));
  };
  add_confusion(
      learned == table.rows() ? "Confusion matrix" : "Confusion matrix of the rows trained on",
      std::string("The diagonal is right. Compare it with always saying the commonest label: only what is above that was "
                  "learned.") +
          (holds_out ? "" : fmt::format(" Here {}: {}.", of_learned_rows, try_held_out)),
      0, learned);
  if (learned < table.rows())
    add_confusion("Confusion matrix of the rows to test",
                  "None of these was learned. Where this is much worse than the one above, the net overfits." +
                      (verdict.empty() ? "" : " The net is " + verdict + "."),
                  learned, table.rows());
  if (classes != 2) return;
  ChartLine labels{.name = "label", .x = {}, .y = {}, .dashed = true}, said_line{.name = "output", .x = {}, .y = outputs};
  for (Index row = 0; row < table.rows(); ++row) {
    labels.x.push_back(static_cast<double>(row + 1));
    labels.y.push_back(static_cast<double>(table.labels[static_cast<std::size_t>(row)]));
  }
  said_line.x = labels.x;
  Chart chart{.title = "", .x_name = "row", .y_name = "output", .lines = {std::move(labels), std::move(said_line)}};
  if (learned < table.rows()) chart.marks.push_back({static_cast<double>(learned) + 0.5, "test"});
  views.add(
      "The output of each row",
      fmt::format(
          "Above one half the answer is {}, else {}. Outputs near 0 and 1 are sure; look for rows that it is in doubt about, "
          "and for those that it is sure of and wrong.",
          table.classes[1], table.classes[0]),
      std::move(chart));
}

}  // namespace carousel
