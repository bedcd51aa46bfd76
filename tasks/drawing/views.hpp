#pragma once
/// What there is to see of a training, as data: a task says what, `carousel report` draws it, in the browser.
///
///     .views = [&](Views& views) {
///       views.add("What it makes of a sine", "The dashed line leaves the grey one where the net loses the beat.",
///                 Chart{.x_name = "x", .y_name = "y", .lines = {…}});
///     }
///
/// train_model() asks for the views at the end of a training, when parameters are what it is going to be judged by, and saves
/// them as views.json in the folder of the run.

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <carousel/tasks/drawing/svg.hpp>

namespace carousel {

/// Kinds of pictures, beside the Chart of svg.hpp.
namespace view {

/// Numbers as a field of colours.
struct HeatMap {
  std::string x_name, y_name;
  std::size_t width = 0;                  ///< numbers in a row
  std::vector<double> values;             ///< row by row, the first on top
  double low = 0, high = 1;               ///< what the first and the last colour stand for; low = −high: 0 is the paper's
  std::vector<std::string> columns = {};  ///< a label for each; none: numbers
  std::vector<std::string> rows = {};     ///< the same
  bool numbers = false;                   ///< they are written in the fields too: for small ones
};

/// What the units of a net did over a sample: a field of colours for each gate and state, all over the same steps.
struct Gates {
  std::vector<std::string> input;  ///< what each step is called, in a word: what was read, or is right there
  struct Map {
    std::string name;            ///< "i"
    std::string place;           ///< "layer 1, forward"
    std::size_t units = 0;       ///< rows
    std::vector<double> values;  ///< step by step, a number for each unit
    double low = 0, high = 1;    ///< see HeatMap; a few numbers may lie outside
  };
  std::vector<Map> maps;
};

/// Images in grey, with a line under each.
struct Images {
  struct Image {
    std::size_t width = 0;
    std::vector<std::uint8_t> pixels;  ///< row by row; 0 is black
    std::string caption;
  };
  std::vector<Image> images;
};

/// Texts that a net wrote, a line above each.
struct Texts {
  struct Text {
    std::string caption, text;
  };
  std::vector<Text> texts;
};

/// A text that a net read, and what it expected before each character.
struct Characters {
  struct Character {
    std::string character;
    double probability;                                      ///< that it gave to this one
    std::vector<std::pair<std::string, double>> candidates;  ///< those that it gave most to
  };
  std::vector<Character> characters;
};

/// Words in rows and columns.
struct Table {
  std::vector<std::string> head;
  std::vector<std::vector<std::string>> rows;  ///< each as long as the head
};

}  // namespace view

/// One picture. Its Chart has no title of its own.
struct View {
  std::string title;
  std::string look_for;  ///< a sentence for a learner: what is to be seen here, in a run of this kind
  std::variant<Chart, view::HeatMap, view::Gates, view::Images, view::Texts, view::Characters, view::Table> what;
};

/// The views of a run, in the order of the page.
struct Views {
  bool done = false;  ///< the training came to its end and its result was measured; else no view may look at the test part
  std::vector<View> all = {};
  std::vector<View> samples = {};  ///< texts and tables for samples.txt that are no pictures of the page, see samples.hpp

  template <class What>
  void add(std::string title, std::string look_for, What what) {
    all.push_back({std::move(title), std::move(look_for), std::move(what)});
  }
};

/// The text of views.json: {"views": [{"title", "look_for", "kind": "lines", …}, …]}. Numbers have six digits or fewer, fields of
/// colours one byte each, in base 64; what is larger than a screen can show is averaged down to that, and of lines with very many
/// points the least and the greatest of each stretch are kept.
/// Throws std::invalid_argument for what is not as long as it says.
std::string json_text(const Views& views);

}  // namespace carousel
