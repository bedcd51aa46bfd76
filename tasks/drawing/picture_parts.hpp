#pragma once
/// What pictures of views share, and each kind of them; see picture.hpp.

#include <span>
#include <string>
#include <vector>

#include <carousel/tasks/drawing/canvas.hpp>
#include <carousel/tasks/drawing/views.hpp>

namespace carousel {

inline constexpr double page_width = 720;
inline constexpr double small_letters = 13, title_letters = 16;
inline constexpr double title_line = 24;  // the base line of a title

/// "0.25", "1e−5", of so many digits at most.
std::string number_text(double number, int digits = 6);
/// Characters that show nothing by themselves as signs; blanks between words are left.
std::string visible(const std::string& word);

/// A word in the middle below a place of an axis.
struct AxisWord {
  double x;
  std::string word;
};
/// Writes words on one line, all of them or every second, third, …, so that none touches the next; empty ones take no room. Those
/// that end with a star ("0.25*"), as marked ones do, go before others.
void words_along(Canvas& canvas, double y, const std::vector<AxisWord>& words);

ColourImage chart_picture(const std::string& title, const Chart& chart);
ColourImage heat_map_picture(const std::string& title, const view::HeatMap& map);
ColourImage gates_picture(const std::string& title, const view::Gates& gates);
ColourImage images_picture(const std::string& title, const view::Images& images);

}  // namespace carousel
