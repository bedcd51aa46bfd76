#include <carousel/tasks/commands/explain.hpp>

#include <unistd.h>

#include <cstdlib>
#include <regex>
#include <sstream>

#include <doctest/doctest.h>

#include <carousel/models/cells/any_cell.hpp>

#include "tests/tasks/written.hpp"

using namespace carousel;

namespace {

std::string joined(const std::vector<std::string>& lines) {
  std::string all;
  for (const std::string& line : lines) all += line + "\n";
  return all;
}

/// The elements of what a shape says, "pi, pf: [hidden]" or "wx: [in, 4 hidden]", of all its names.
Index elements(const std::string& shape, Index in, Index hidden) {
  const std::size_t open = shape.find('['), close = shape.find(']'), colon = shape.find(':');
  REQUIRE(open < close);
  REQUIRE(close < std::string::npos);
  const Index names = 1 + std::count(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(colon), ',');
  Index product = names;
  std::istringstream axes(shape.substr(open + 1, close - open - 1));
  for (std::string axis; std::getline(axes, axis, ',');) {
    const std::size_t digit = axis.find_first_of("0123456789");
    if (digit != std::string::npos) product *= std::atol(axis.c_str() + digit);
    product *= axis.find("hidden") != std::string::npos ? hidden : in;
  }
  return product;
}

Index elements_of_cell(const std::string& name, Index in, Index hidden) {
  Registry<double> registry;
  Random random(1);
  make_cell(name, Scope<double>(registry, random), in, hidden);
  return registry.elements();
}

}  // namespace

TEST_CASE("every cell is explained by what stands above it: equations, a paper with its year, the code of a step") {
  const std::vector<std::string> names = explained_names();
  REQUIRE(names.size() >= cell_names().size());
  for (std::size_t i = 0; i < cell_names().size(); ++i) {
    CHECK(names[i] == cell_names()[i].name);
    const Explanation found = explain(names[i]);
    CAPTURE(names[i]);
    CHECK(found.name == names[i]);
    REQUIRE_FALSE(found.own.equations.empty());
    CHECK(joined(found.own.equations).find("h' = ") != std::string::npos);
    CHECK(std::regex_search(joined(found.own.prose), std::regex("\\b(19|20)[0-9]{2}\\b")));
    CHECK(found.code.find(">::operator()(Var<T> x, State ") != std::string::npos);
    CHECK(found.code.ends_with("\n}\n"));
  }
}

TEST_CASE("the shapes that stand above a cell are those of its parameters") {
  for (const CellName& cell : cell_names()) {
    CAPTURE(cell.name);
    Index sum = 0;
    for (const std::string& shape : explain(std::string(cell.name)).own.shapes) sum += elements(shape, 3, 5);
    CHECK(sum == elements_of_cell(std::string(cell.name), 3, 5));
  }
}

TEST_CASE("the table of parameters that is printed is the registry's") {
  for (const CellName& cell : cell_names()) {
    CAPTURE(cell.name);
    const std::string name(cell.name);
    const std::string out =
        test::written_to(STDOUT_FILENO, [&] { print_explanation(name, {.in = 7, .hidden = 6, .layers = 2}); });
    std::smatch total;
    REQUIRE(std::regex_search(out, total, std::regex("\n    total +([0-9]+)\n$")));
    CHECK(std::stol(total[1]) == elements_of_cell(name, 7, 6) + elements_of_cell(name, 6, 6));
    CHECK(out.find('\x1b') == std::string::npos);  // of no use outside of a terminal
  }
}

TEST_CASE("what is explained besides the cells has words, and a part of a name is enough") {
  for (const std::string& name : explained_names()) {
    CAPTURE(name);
    CHECK_FALSE(explain(name).own.prose.empty());
    for (const Comment& comment : {explain(name).head, explain(name).own})
      for (const std::string& paragraph : comment.prose) {
        CAPTURE(paragraph);
        CHECK((paragraph.ends_with('.') || paragraph.ends_with(".)")));  // equations are printed elsewhere: no sentence needs one
      }
  }
  CHECK(joined(explain("attention-additive").own.equations) == "score(q, s) = vᵀ tanh(q Wq + s Wk)\n");
  CHECK(joined(explain("ctc").head.equations).find("p(labels | x) = ") == 0);
  CHECK(explain("peephole").name == "lstm-peephole");
  CHECK(explain("rnn").name == "rnn-tanh");
  CHECK(explain("lstm").name == "lstm");
  CHECK_THROWS_WITH_AS(explain("lstn"),
                       doctest::Contains("explain: lstn (did you mean lstm?): must be one of lstm, lstm-linear, "),
                       std::invalid_argument);
}

TEST_CASE("a comment is read as paragraphs, equations and shapes, without its examples") {
  const Comment comment = read_comment(
      "/// One sentence\n/// that goes on.\n///\n///     an(example);\n///   y = x W;  z = 2y\n///   w: [in, out];  x: [batch, "
      "in],\n"
      "///     given once\n/// And more.\ntemplate <class T>\n");
  CHECK(comment.prose == std::vector<std::string>{"One sentence that goes on.", "And more."});
  CHECK(comment.equations == std::vector<std::string>{"y = x W", "z = 2y"});
  CHECK(comment.shapes == std::vector<std::string>{"w: [in, out]", "x: [batch, in], given once"});
  CHECK(read_comment("/// Then\n///   a = b\n/// and on.\n").prose == std::vector<std::string>{"Then and on."});
  CHECK(read_comment("").prose.empty());
}
