#pragma once
/// `carousel explain`: what stands above the code of cells and layers in models/, for people to read.

#include <string>
#include <vector>

#include <carousel/lib/numbers/shape.hpp>

namespace carousel {

/// What a comment says.
struct Comment {
  std::vector<std::string> prose;      ///< paragraphs
  std::vector<std::string> equations;  ///< one each
  std::vector<std::string> shapes;     ///< "wx: [in, 4 hidden]", one each
};

/// The words of a comment of lines that begin with ///: indented lines are equations or shapes, apart by ";  ", lines that are
/// indented further an example, which is left out.
Comment read_comment(const std::string& lines);

/// A cell, a layer or a loss, as its header explains it.
struct Explanation {
  std::string name, file,
      code;           ///< "lstm", "models/cells/lstm.hpp", and the function of one step; empty: it is not in the header
  Comment head, own;  ///< what stands at the top of the file, and above the code itself
};

/// What there is to explain: first the cells, in the order of cell_names().
std::vector<std::string> explained_names();

/// Explains one, by its name or by a part of it: "peephole" is lstm-peephole. Throws std::invalid_argument, with the names, if
/// there is none.
Explanation explain(const std::string& name);

/// The net whose parameters are counted.
struct ExplainOptions {
  Index in = 28, hidden = 128, layers = 1;
};

/// Prints the explanation and, of a cell, the table of its parameters; of a term what glossary() says. Returns an exit code.
int print_explanation(const std::string& name, const ExplainOptions& options);
/// Prints what there is to explain, a line each; returns an exit code.
int list_explanations();

}  // namespace carousel
