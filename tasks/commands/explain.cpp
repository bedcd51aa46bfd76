#include <carousel/tasks/commands/explain.hpp>

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/models/cells/any_cell.hpp>
#include <carousel/tasks/base/did_you_mean.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>
#include <carousel/tasks/base/terminal.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/base/text_table.hpp>
#include <carousel/tasks/commands/glossary.hpp>
#include <carousel/tasks/nets/layers.hpp>

#include "explained.hpp"  // the headers that explain themselves

namespace carousel {

namespace {

/// Where something is explained: above its declaration in this header of models/.
struct Source {
  std::string name, about, file, declared;

  bool is_declared_in(std::string_view line) const {
    for (const std::string_view word : {"struct ", "class "})
      if (line.starts_with(word)) return line.substr(word.size()).starts_with(declared + ' ');
    return line.starts_with(declared + '(');
  }
};

std::vector<Source> all_sources() {
  std::vector<Source> sources;
  for (const CellName& cell : cell_names())
    sources.push_back({std::string(cell.name), std::string(cell.about), std::string(cell.header), std::string(cell.type)});
  const Source others[] = {
      {"zoneout", "noise that keeps parts of a state as they were", "sequence/zoneout.hpp", "Zoneout"},
      {"bidirectional", "a cell from each end of a sequence", "sequence/bidirectional.hpp", "Bidirectional"},
      {"attention-additive", "Bahdanau's, a small net of its own", "decoding/attention.hpp", "AdditiveAttention"},
      {"attention-multiplicative", "Luong's", "decoding/attention.hpp", "MultiplicativeAttention"},
      {"attention-dot", "the same without a weight", "decoding/attention.hpp", "DotAttention"},
      {"ctc", "labels without a word on when they are said", "losses/ctc.hpp", "Var<float> ctc_loss"},
  };
  sources.insert(sources.end(), std::begin(others), std::end(others));
  return sources;
}

const std::vector<Source>& sources() {
  static const std::vector<Source> all = all_sources();
  return all;
}

/// The lines of a comment that end before line `end`; those of a template between them are passed over.
std::string comment_above(const std::vector<std::string>& lines, std::size_t end) {
  while (end > 0 && (lines[end - 1].starts_with("template") || lines[end - 1].starts_with("requires"))) --end;
  std::size_t first = end;
  while (first > 0 && lines[first - 1].starts_with("///")) --first;
  std::string all;
  for (std::size_t i = first; i < end; ++i) all += lines[i] + "\n";
  return all;
}

/// The first function from there on whose name ends with ::operator(), up to its closing brace, without its template line.
std::string step_after(const std::vector<std::string>& lines, std::size_t from) {
  const auto at = [&](std::size_t i) -> const std::string& { return lines[i]; };
  while (from < lines.size() && at(from) != "}  // namespace carousel" && at(from).find(">::operator()(") == std::string::npos) {
    if (from > 0 && (at(from).starts_with("struct ") || at(from).starts_with("class "))) return "";  // of another one
    ++from;
  }
  std::string code;
  for (; from < lines.size() && at(from).find("// namespace") == std::string::npos; ++from) {
    code += at(from) + "\n";
    if (at(from) == "}") break;
  }
  return code;
}

/// What is called so, or has the word as a part of its name; none: nothing.
const Source* find_source(const std::string& name) {
  for (const Source& source : sources())
    if (source.name == name) return &source;
  for (const Source& source : sources())
    if (std::ranges::count(split(source.name, "-"), name) > 0) return &source;
  return nullptr;
}

const Source& source_of(const std::string& name) {
  if (const Source* const found = find_source(name)) return *found;
  std::vector<std::string> all = explained_names();
  for (const Term& term : glossary()) {
    all.emplace_back(term.name);
    for (const std::string& synonym : split(term.synonyms, ", ")) all.push_back(synonym);
  }
  wrong_argument("explain: ", name, did_you_mean(name, all), ": must be one of ", list_words(explained_names()),
                 ", or a term; carousel explain lists them");
}

/// How text is shown on standard output: on a terminal in its width and with bold headings.
class Look {
 public:
  Look() : terminal_(terminal(STDOUT_FILENO)) {}

  std::string heading(const std::string& text) const { return terminal_ ? coloured(text, "1", *terminal_) : text; }
  /// A paragraph, folded and indented.
  std::string paragraph(const std::string& text) const {
    const Index most = 100, width = terminal_ ? std::clamp<Index>(terminal_->columns, 40, most) : most;
    std::string out = " ";
    Index column = 1;
    for (const std::string& word : split(text, " ")) {
      const Index size = columns_of(word);
      if (column > 1 && column + 1 + size > width) out += "\n ", column = 1;
      out += " " + word;
      column += 1 + size;
    }
    return out;
  }

 private:
  std::optional<Terminal> terminal_;
};

void print_lines(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) print("    " + line);
}

}  // namespace

Comment read_comment(const std::string& lines) {
  Comment comment;
  bool new_paragraph = true, continued = false;  // continued: an equation or shape goes on in the next line
  for (std::string line : split(lines, "\n")) {
    if (!line.starts_with("///")) continue;
    line.erase(0, std::min<std::size_t>(4, line.size()));
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == std::string::npos) {
      new_paragraph = true, continued = false;
    } else if (indent == 0) {
      if (new_paragraph)
        comment.prose.push_back(line);
      else
        comment.prose.back() += " " + line;
      new_paragraph = continued = false;
    } else if (indent == 2) {
      for (const std::string& part : split(line.substr(indent), ";  ")) {
        const std::size_t colon = part.find(": ");
        const bool shape = colon != std::string::npos && part.find(" = ") > colon;
        (shape ? comment.shapes : comment.equations).push_back(part);
        continued = shape;
      }
    } else if (indent == 4 && continued) {
      comment.shapes.back() += " " + line.substr(indent);
    }
  }
  return comment;
}

std::vector<std::string> explained_names() {
  std::vector<std::string> names;
  for (const Source& source : sources()) names.emplace_back(source.name);
  return names;
}

Explanation explain(const std::string& name) {
  const Source& source = source_of(name);
  const std::string text = embedded(last_name(source.file));
  if (text.empty()) wrong_order("explain: ", source.file, " is not embedded: must be among the headers in tasks/meson.build");
  const std::vector<std::string> lines = split(text, "\n");
  const auto at = std::find_if(lines.begin(), lines.end(), [&](const std::string& l) { return source.is_declared_in(l); });
  if (at == lines.end())
    wrong_order("explain: ", source.file, " declares no ", source.declared, ": must be what ", source.name, " is");
  const auto line = static_cast<std::size_t>(at - lines.begin());
  std::size_t head = 0;
  while (head < lines.size() && (lines[head].starts_with("#pragma") || lines[head].starts_with("///"))) ++head;
  Explanation explanation{.name = source.name, .file = "models/" + source.file, .code = {}, .head = {}, .own = {}};
  explanation.code = step_after(lines, line + 1);
  explanation.head = read_comment(comment_above(lines, head));
  explanation.own = read_comment(comment_above(lines, line));
  return explanation;
}

int print_explanation(const std::string& name, const ExplainOptions& options) {
  const Look look;
  if (const Term* const term = find_source(name) ? nullptr : find_term(name)) {
    print(look.heading(std::string(term->name)));
    print("");
    print(look.paragraph(std::string(term->text)));
    return exit_done;
  }
  const Explanation found = explain(name);
  print(look.heading(found.name) + "  (" + found.file + ")");
  print("");
  for (const std::string& paragraph : found.head.prose) print(look.paragraph(paragraph));
  print("");
  for (const std::string& paragraph : found.own.prose) print(look.paragraph(paragraph));
  print("\n" + look.heading("equations") + "  (σ(z) = 1/(1 + e^−z); ∘ element by element; a prime: after the step)");
  print_lines(found.own.equations);
  print_lines(found.head.equations);
  if (!found.own.shapes.empty()) print("\n" + look.heading("shapes"));
  print_lines(found.own.shapes);
  if (!found.code.empty()) {
    print("\n" + look.heading("one step, as it runs"));
    std::vector<std::string> lines = split(found.code, "\n");
    lines.pop_back();
    print_lines(lines);
  }
  const auto cells = cell_names();
  if (std::none_of(cells.begin(), cells.end(), [&](const CellName& cell) { return cell.name == found.name; })) return exit_done;
  Registry<float> registry;
  Random random(1);
  make_layers(Scope<float>(registry, random), options.in,
              {.cell = found.name, .hidden = options.hidden, .layers = options.layers},
              {.forget_bias = {}, .init = init::constant<float>(0)});
  print("\n" + look.heading("parameters") +
        fmt::format("  (--in {} --hidden {} --layers {})", options.in, options.hidden, options.layers));
  std::vector<std::string> rows = split(registry.summary(), "\n");
  rows.pop_back();
  print_lines(rows);
  return exit_done;
}

int list_explanations() {
  std::size_t width = 0;
  for (const Source& source : sources()) width = std::max(width, source.name.size());
  for (const Source& source : sources()) print(fmt::format("{:<{}}  {}", source.name, width, source.about));
  std::string terms;
  for (const Term& term : glossary()) terms += (terms.empty() ? "" : ", ") + std::string(term.name);
  print("\nterms");
  print(Look().paragraph(terms));
  return exit_done;
}

}  // namespace carousel
