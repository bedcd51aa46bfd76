#include <carousel/tasks/ocr/printed_digits.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

/// Brightness, ink or whatever else lies in a plane.
struct Plane {
  Index height, width;
  std::vector<float> values;

  Plane(Index rows, Index columns) : height(rows), width(columns), values(static_cast<std::size_t>(rows * columns)) {}
  float& at(Index row, Index column) { return values[static_cast<std::size_t>(row * width + column)]; }
  float at(Index row, Index column) const { return values[static_cast<std::size_t>(row * width + column)]; }
  /// 0 beyond the edge.
  float at_or_0(Index row, Index column) const {
    return row < 0 || row >= height || column < 0 || column >= width ? 0.0F : at(row, column);
  }
  /// Between the pixels, whose centres lie at halves.
  float between(double x, double y) const {
    x -= 0.5, y -= 0.5;
    const double left = std::floor(x), top = std::floor(y);
    const auto j = static_cast<Index>(left), i = static_cast<Index>(top);
    const auto right = static_cast<float>(x - left), down = static_cast<float>(y - top);
    const float above = (1 - right) * at_or_0(i, j) + right * at_or_0(i, j + 1);
    const float below = (1 - right) * at_or_0(i + 1, j) + right * at_or_0(i + 1, j + 1);
    return (1 - down) * above + down * below;
  }
};

/// The ink of a line of digits, up to the edges of its box.
Plane set_line(const Face& face, const std::vector<Index>& digits, double jitter, Random& random) {
  struct Place {
    const Glyph* glyph;
    Index left, top;
  };
  std::vector<Place> places;
  Index left = std::numeric_limits<Index>::max(), top = left, right = -left, bottom = -left;
  const double space = random.uniform(-0.02, 0.16) * jitter * em;
  double pen = 0;
  for (const Index digit : digits) {
    const Glyph& glyph = face.digits[static_cast<std::size_t>(digit)];
    const double lift = random.uniform(-0.05, 0.05) * jitter * em;
    const Place place{&glyph, static_cast<Index>(std::lround(pen)) + glyph.left,
                      static_cast<Index>(std::lround(lift)) - glyph.top};
    pen += glyph.advance + space;
    left = std::min(left, place.left), right = std::max(right, place.left + glyph.width);
    top = std::min(top, place.top), bottom = std::max(bottom, place.top + glyph.height);
    places.push_back(place);
  }
  Plane plane(std::max<Index>(1, bottom - top), std::max<Index>(1, right - left));
  for (const auto& [glyph, x, y] : places)
    for (Index i = 0; i < glyph->height; ++i)
      for (Index j = 0; j < glyph->width; ++j) {
        float& ink = plane.at(y - top + i, x - left + j);
        ink = std::max(ink, glyph->ink[static_cast<std::size_t>(i * glyph->width + j)]);
      }
  return plane;
}

/// A map of the plane that keeps straight lines straight: (x, y) to ((m₀ x + m₁ y + m₂) / d, (m₃ x + m₄ y + m₅) / d) with
/// d = m₆ x + m₇ y + m₈.
struct Projection {
  std::array<double, 9> m;

  std::array<double, 2> operator()(double x, double y) const {
    const double d = m[6] * x + m[7] * y + m[8];
    return {(m[0] * x + m[1] * y + m[2]) / d, (m[3] * x + m[4] * y + m[5]) / d};
  }
  /// This one after `first`.
  Projection after(const Projection& first) const {
    Projection out{};
    for (std::size_t i = 0; i < 3; ++i)
      for (std::size_t j = 0; j < 3; ++j)
        for (std::size_t k = 0; k < 3; ++k) out.m[3 * i + j] += m[3 * i + k] * first.m[3 * k + j];
    return out;
  }
  /// Up to a factor, which does not matter.
  Projection inverse() const {
    const auto minor = [&](std::size_t a, std::size_t b, std::size_t c, std::size_t d) { return m[a] * m[d] - m[b] * m[c]; };
    return {{minor(4, 5, 7, 8), minor(2, 1, 8, 7), minor(1, 2, 4, 5), minor(5, 3, 8, 6), minor(0, 2, 6, 8), minor(2, 0, 5, 3),
             minor(3, 4, 6, 7), minor(1, 0, 7, 6), minor(0, 1, 3, 4)}};
  }
};

/// From a plane of that size to its place in the image.
Projection look_at(const Plane& line, const PrintOptions& options, Random& random) {
  const double jitter = options.jitter, w = static_cast<double>(line.width), h = static_cast<double>(line.height);
  const auto vary = [&](double reach) { return random.uniform(-reach, reach) * jitter; };
  const double turn = vary(6 * std::numbers::pi / 180), slant = vary(0.25), stretch = 1 + vary(0.2);
  const double c = std::cos(turn), s = std::sin(turn);
  const Projection centre{{1, 0, -w / 2, 0, 1, -h / 2, 0, 0, 1}};
  const Projection slanted{{stretch, slant, 0, 0, 1, 0, vary(0.17) / (w / 2), vary(0.08) / (h / 2), 1}};
  const Projection turned{{c, -s, 0, s, c, 0, 0, 0, 1}};
  const Projection shape = turned.after(slanted).after(centre);

  double left = HUGE_VAL, top = HUGE_VAL, right = -HUGE_VAL, bottom = -HUGE_VAL;
  for (const auto& [x, y] : {shape(0, 0), shape(w, 0), shape(0, h), shape(w, h)}) {
    left = std::min(left, x), right = std::max(right, x);
    top = std::min(top, y), bottom = std::max(bottom, y);
  }
  constexpr double margin = 2;
  const double room = static_cast<double>(options.width) - 2 * margin,
               room_down = static_cast<double>(options.height) - 2 * margin;
  const double size = std::min(room / (right - left), room_down / (bottom - top)) * (1 - jitter * random.uniform(0, 0.35));
  const auto place = [&](double all, double extent) { return margin + (all - extent) * (0.5 + vary(0.5)); };
  const double x = place(room, size * (right - left)), y = place(room_down, size * (bottom - top));
  return Projection{{size, 0, x - size * left, 0, size, y - size * top, 0, 0, 1}}.after(shape);
}

/// Each pixel becomes a mean of its neighbours in both directions, by a normal curve of that deviation.
void blur(Plane& plane, double deviation) {
  constexpr Index reach = 3;
  if (deviation < 0.25) return;  // of a neighbour the share is below 1/1000
  std::array<float, 2 * reach + 1> share;
  double sum = 0;
  for (Index k = -reach; k <= reach; ++k) sum += std::exp(-0.5 * static_cast<double>(k * k) / (deviation * deviation));
  for (Index k = -reach; k <= reach; ++k)
    share[static_cast<std::size_t>(k + reach)] =
        static_cast<float>(std::exp(-0.5 * static_cast<double>(k * k) / (deviation * deviation)) / sum);
  const auto along = [&](const Plane& from, Index down, Index right) {
    Plane to(from.height, from.width);
    for (Index i = 0; i < to.height; ++i)
      for (Index j = 0; j < to.width; ++j) {
        float value = 0;
        for (Index k = -reach; k <= reach; ++k)
          value += share[static_cast<std::size_t>(k + reach)] * from.at_or_0(i + k * down, j + k * right);
        to.at(i, j) = value;
      }
    return to;
  };
  plane = along(along(plane, 0, 1), 1, 0);
}

/// Paper, light and noise: the brightness of a pixel from its ink.
void expose(const Plane& ink, double jitter, Random& random, GreyImage& image) {
  const double contrast = 1 - jitter * random.uniform(0, 0.65), darkest = random.uniform(0, 1 - contrast);
  const bool bright = random.bernoulli(0.25 * jitter);
  const auto fall = static_cast<float>(random.uniform(-0.2, 0.2) * jitter);
  const auto noise = static_cast<float>(random.uniform(0, 0.08) * jitter);
  const std::uint64_t key = random.bits64();
  const auto paper = static_cast<float>(bright ? darkest : darkest + contrast);
  const auto change = static_cast<float>(bright ? contrast : -contrast);
  for (Index i = 0; i < ink.height; ++i)
    for (Index j = 0; j < ink.width; ++j) {
      const std::uint32_t bits = random_bits(key, static_cast<std::uint64_t>(i * ink.width + j));
      // The sum of four uniform bytes is nearly normal: of mean 510 and deviation √(4 · (256² − 1) / 12).
      const std::uint32_t bytes = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);
      const float normal = (static_cast<float>(bytes) - 510) / 147.8F;
      const float light = fall * (static_cast<float>(j) / static_cast<float>(ink.width) - 0.5F);
      const float value = std::clamp(paper + change * ink.at(i, j) + light + noise * normal, 0.0F, 1.0F);
      image.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * value)));
    }
}

}  // namespace

PrintedLine print_line(const std::vector<Face>& faces, const PrintOptions& options, Random random) {
  if (faces.empty()) wrong_argument("print_line: no faces: must have one");
  if (options.least < 1 || options.most < options.least)
    wrong_argument("print_line: ", options.least, " to ", options.most, " digits: must be at least one");
  if (!(options.jitter >= 0 && options.jitter <= 1))
    wrong_argument("print_line: jitter is ", options.jitter, ": must lie in [0, 1]");
  if (options.height < 8 || options.width < 8)
    wrong_argument("print_line: ", options.height, " x ", options.width, " pixels: must be at least 8 x 8");
  PrintedLine line{{options.height, options.width, {}}, {}, 0};
  line.digits.resize(static_cast<std::size_t>(options.least + random.below(options.most - options.least + 1)));
  for (Index& digit : line.digits) digit = random.below(10);
  line.face = static_cast<std::size_t>(random.below(static_cast<std::int64_t>(faces.size())));

  const Plane text = set_line(faces[line.face], line.digits, options.jitter, random);
  const Projection back = look_at(text, options, random).inverse();
  Plane ink(options.height, options.width);
  for (Index i = 0; i < ink.height; ++i)
    for (Index j = 0; j < ink.width; ++j) {
      const auto [x, y] = back(static_cast<double>(j) + 0.5, static_cast<double>(i) + 0.5);
      if (x > -1 && y > -1 && x < static_cast<double>(text.width) + 1 && y < static_cast<double>(text.height) + 1)
        ink.at(i, j) = text.between(x, y);
    }
  blur(ink, random.uniform(0, 1) * options.jitter);
  line.image.pixels.reserve(static_cast<std::size_t>(options.height * options.width));
  expose(ink, options.jitter, random, line.image);
  return line;
}

}  // namespace carousel
