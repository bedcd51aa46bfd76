#include <carousel/tasks/drawing/picture.hpp>

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include <carousel/lib/error.hpp>
#include <carousel/lib/files/file.hpp>
#include <carousel/tasks/drawing/picture_parts.hpp>

namespace carousel {

namespace {

/// "the-course-of-it": letters and figures of a title, for a file's name.
std::string file_name(const std::string& title) {
  std::string name;
  for (const char c : title) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'), capital = c >= 'A' && c <= 'Z';
    if (plain || capital)
      name += capital ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!name.empty() && name.back() != '-')
      name += '-';
    if (name.size() == 40) break;
  }
  while (name.ends_with('-')) name.pop_back();
  return name;
}

/// Whether a file can be one of write_pictures(): "12-the-course-of-it.png".
bool is_picture_name(const std::string& name) {
  const std::size_t number = name.find_first_not_of("0123456789");
  return number != 0 && number != std::string::npos && name[number] == '-' && name.ends_with(".png") &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-", number) == name.size() - 4;
}

/// Of an earlier training: those that are not made anew. Nothing else, for the folder may be the user's.
void remove_pictures(const std::filesystem::path& folder) {
  std::error_code error;
  std::vector<std::filesystem::path> old;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
    if (is_picture_name(at->path().filename().string())) old.push_back(at->path());
  for (const std::filesystem::path& path : old) remove_file(path.string());
  if (!old.empty() && std::filesystem::is_empty(folder, error)) std::filesystem::remove(folder, error);
}

}  // namespace

std::string number_text(double number, int digits) {
  std::string text = fmt::format("{:.{}g}", number, digits);
  for (const auto& [from, to] : {std::pair("e-0", "e-"), {"e+0", "e"}, {"e+", "e"}})
    if (const std::size_t at = text.find(from); at != std::string::npos) text.replace(at, std::string(from).size(), to);
  for (std::size_t at = 0; (at = text.find('-', at)) != std::string::npos;) text.replace(at, 1, "−");
  return text;
}

std::string visible(const std::string& word) {
  const bool blank = word.find_first_not_of(" \n\t") == std::string::npos;
  std::string out;
  for (const char c : word) out += c == '\n' ? "⏎" : c == '\t' ? "⇥" : c == ' ' && blank ? "␣" : std::string(1, c);
  return out;
}

void words_along(Canvas& canvas, double y, const std::vector<AxisWord>& words) {
  const double last = static_cast<double>(canvas.image().width) - 4;
  struct Spot {
    double left, right;
    bool marked, letter;
  };
  std::vector<Spot> places;
  const auto is_letter = [](const std::string& word) {
    return std::count_if(word.begin(), word.end(), [](char byte) { return (byte & 0xC0) != 0x80; }) == 1;
  };
  for (const auto& [x, word] : words) {
    const double width = width_of(word, small_letters), left = std::clamp(x - width / 2, 4.0, std::max(4.0, last - width));
    places.push_back({left, left + width, word.size() > 1 && word.ends_with('*'), is_letter(word)});
  }
  const auto touch = [](const Spot& a, const Spot& b) {
    const double apart = a.letter && b.letter ? -3 : 5;  // letters of a text may be as close as an m and a w in it
    return a.left < b.right + apart && b.left < a.right + apart;
  };
  std::vector<std::size_t> chosen;
  const auto choose = [&](std::size_t n) {  // where there is room
    if (places[n].left < places[n].right &&
        std::none_of(chosen.begin(), chosen.end(), [&](std::size_t other) { return touch(places[n], places[other]); }))
      chosen.push_back(n);
  };
  for (std::size_t n = 0; n < words.size(); ++n)
    if (places[n].marked) choose(n);
  const auto fit = [&](std::size_t every) {
    const Spot* before = nullptr;
    for (std::size_t n = 0; n < places.size(); n += every) {
      if (places[n].left == places[n].right) continue;
      if (before && touch(*before, places[n])) return false;
      before = &places[n];
    }
    return true;
  };
  std::size_t every = 1;
  while (!fit(every)) ++every;
  for (std::size_t n = 0; n < words.size(); n += every) choose(n);
  for (const std::size_t n : chosen) canvas.text(places[n].left, y, words[n].word, small_letters);
}

ColourImage images_picture(const std::string& title, const view::Images& images) {
  constexpr double edge = 20, gap = 16, under = 16;
  struct Spot {
    double x, y, times;
  };
  std::vector<Spot> places;
  double x = edge, y = title_line + 14, row = 0;  // where the next one stands, how high those beside it are
  for (const view::Images::Image& image : images.images) {
    if (image.width == 0 || image.pixels.empty() || image.pixels.size() % image.width != 0)
      wrong_argument("picture: an image has ", image.pixels.size(), " pixels in rows of ", image.width,
                     ": must be full rows, at least one");
    const std::size_t rows = image.pixels.size() / image.width;
    const auto width = static_cast<double>(image.width), height = static_cast<double>(rows);
    const double times = std::clamp(std::floor(std::min(96 / height, 350 / width)), 1.0, 4.0);
    const double room = std::max(times * width, width_of(image.caption, small_letters));
    if (x > edge && x + room > page_width - edge) x = edge, y += row, row = 0;
    places.push_back({x, y, times});
    x += room + gap, row = std::max(row, times * height + under + gap);
  }
  Canvas canvas(static_cast<Index>(page_width), static_cast<Index>(y + row + 4));
  canvas.text(edge, title_line, title, title_letters);
  for (std::size_t n = 0; n < places.size(); ++n) {
    const view::Images::Image& image = images.images[n];
    const auto& [left, top, times] = places[n];
    const std::size_t rows = image.pixels.size() / image.width;
    const auto width = static_cast<double>(image.width), height = static_cast<double>(rows);
    canvas.field(left - 1, top - 1, times * width + 2, times * height + 2, grid);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      const std::uint8_t grey = image.pixels[i];
      const std::size_t row_of = i / image.width, column = i % image.width;
      canvas.field(left + times * static_cast<double>(column), top + times * static_cast<double>(row_of), times, times,
                   {grey, grey, grey});
    }
    canvas.text(left, top + times * height + under - 1, image.caption, small_letters);
  }
  return canvas.image();
}

ColourImage picture(const View& view) {
  if (const auto* chart = std::get_if<Chart>(&view.what)) return chart_picture(view.title, *chart);
  if (const auto* map = std::get_if<view::HeatMap>(&view.what)) return heat_map_picture(view.title, *map);
  if (const auto* gates = std::get_if<view::Gates>(&view.what)) return gates_picture(view.title, *gates);
  if (const auto* images = std::get_if<view::Images>(&view.what)) return images_picture(view.title, *images);
  return {};
}

void write_pictures(const std::string& folder, const Views& views) {
  namespace fs = std::filesystem;
  const fs::path to = fs::path(folder) / "pictures";
  std::error_code error;
  remove_pictures(to);
  int number = 0;
  for (const View& view : views.all) {
    const ColourImage image = picture(view);
    if (image.pixels.empty()) continue;
    fs::create_directories(to, error);
    if (error) bad_file("write ", to.string(), ": ", error.message());
    write_png((to / fmt::format("{:02}-{}.png", ++number, file_name(view.title))).string(), image);
  }
}

}  // namespace carousel
