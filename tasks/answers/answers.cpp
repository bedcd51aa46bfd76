#include <carousel/tasks/answers/answers.hpp>

#include <algorithm>
#include <cmath>
#include <span>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/csv/csv.hpp>
#include <carousel/tasks/drawing/json.hpp>

namespace carousel {

namespace {

/// How values are written in CSV, or in JSON.
struct Written {
  bool json;

  std::string operator()(std::monostate) const { return json ? "null" : ""; }
  std::string operator()(const std::string& word) const { return json ? written(Json(word)) : csv_field(word); }
  std::string operator()(Index number) const { return std::to_string(number); }
  std::string operator()(double number) const {
    return std::isfinite(number) ? fmt::format("{:.6g}", number) : (*this)(std::monostate());
  }
  std::string operator()(const NumberText& number) const { return number.text; }
  template <class V>
  std::string operator()(const std::vector<V>& numbers) const {
    std::string text;
    for (const V number : numbers) text += (text.empty() ? "" : json ? "," : " ") + (*this)(number);
    return json ? "[" + text + "]" : text;
  }
};

}  // namespace

Answers::Answers(const PredictOptions& options, const std::vector<std::string>& columns)
    : path_(options.out), json_lines_(options.json_lines), quiet_(options.quiet) {
  for (const std::string& column : columns) {
    std::string name = column;
    for (int number = 2; std::find(columns_.begin(), columns_.end(), name) != columns_.end(); ++number)
      name = fmt::format("{}_{}", column, number);
    columns_.push_back(std::move(name));
  }
  if (!path_.empty()) file_ = std::make_unique<NewFile>(path_, 0);
}

bool Answers::add(const std::vector<AnswerValue>& values) {
  if (values.size() != columns_.size())
    wrong_argument("answers: ", values.size(), " values for ", columns_.size(), " columns: must be as many");
  if (count_++ == 0 && !json_lines_) {
    std::string head;
    for (const std::string& column : columns_) head += (head.empty() ? "" : ",") + csv_field(column);
    write(std::move(head));
  }
  std::string line;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) line += ',';
    if (json_lines_) line += written(Json(columns_[i])) + ":";
    line += std::visit(Written{json_lines_}, values[i]);
  }
  write(json_lines_ ? "{" + line + "}" : line);
  return !interrupted();
}

void Answers::refuse_none(const InputLines& lines) const {
  if (count_ == 0 && !interrupted()) lines.refuse_blank();
}

void Answers::write(std::string line) {
  if (!file_) return print(line);
  waiting_ += line + "\n";
  constexpr std::size_t much = std::size_t{1} << 16;
  if (waiting_.size() >= much) flush();
}

void Answers::flush() {
  file_->write(std::as_bytes(std::span(waiting_)));
  waiting_.clear();
}

int Answers::finish() {
  if (interrupted()) {
    if (file_) note(fmt::format("stopped after {} answers: {} is not written", count_, path_));
    return exit_interrupted;
  }
  if (file_) {
    flush();
    file_->publish();
    if (!quiet_) note(fmt::format("{} {}: {}", count_, count_ == 1 ? "answer" : "answers", path_));
  }
  return exit_done;
}

}  // namespace carousel
