#include <carousel/tasks/mnist/drawn_digits.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <carousel/lib/numbers/random.hpp>

namespace carousel {

namespace {

using std::numbers::pi;

struct Point {
  double x, y;
};
using Stroke = std::vector<Point>;

/// Part of an ellipse, from one angle to another in degrees; 0 points right, 90 down.
Stroke arc(Point centre, Point radii, double from, double to) {
  constexpr int pieces = 16;
  Stroke points;
  for (int i = 0; i <= pieces; ++i) {
    const double angle = (from + (to - from) * i / pieces) * pi / 180;
    points.push_back({centre.x + radii.x * std::cos(angle), centre.y + radii.y * std::sin(angle)});
  }
  return points;
}

Stroke operator+(Stroke first, const Stroke& then) {
  first.insert(first.end(), then.begin(), then.end());
  return first;
}

/// The strokes of a digit in a square of side 1, y down; some digits are written in two ways.
std::vector<Stroke> strokes_of(Index digit, bool other_way) {
  switch (digit) {
    case 0:
      return {arc({0.5, 0.5}, {0.27, 0.42}, -90, 270)};
    case 1:
      if (other_way) return {{{0.5, 0.06}, {0.5, 0.94}}};
      return {{{0.34, 0.24}, {0.53, 0.06}, {0.53, 0.94}}};
    case 2:
      return {arc({0.5, 0.3}, {0.27, 0.24}, -170, 40) + Stroke{{0.22, 0.92}, {0.8, 0.92}}};
    case 3:
      return {arc({0.46, 0.28}, {0.27, 0.22}, -150, 90) + arc({0.46, 0.72}, {0.31, 0.22}, -90, 150)};
    case 4:
      if (other_way) return {{{0.26, 0.08}, {0.22, 0.54}, {0.82, 0.54}}, {{0.68, 0.1}, {0.66, 0.94}}};
      return {{{0.62, 0.94}, {0.62, 0.06}, {0.18, 0.66}, {0.84, 0.66}}};
    case 5:
      return {Stroke{{0.76, 0.07}, {0.3, 0.07}, {0.27, 0.46}} + arc({0.47, 0.67}, {0.29, 0.26}, -130, 140)};
    case 6:
      return {arc({0.72, 0.62}, {0.48, 0.56}, -90, -180) + arc({0.5, 0.69}, {0.26, 0.24}, 180, 540)};
    case 7:
      if (other_way) return {{{0.2, 0.08}, {0.8, 0.08}, {0.42, 0.94}}, {{0.36, 0.5}, {0.74, 0.5}}};
      return {{{0.2, 0.08}, {0.8, 0.08}, {0.42, 0.94}}};
    case 8:
      return {arc({0.5, 0.28}, {0.21, 0.21}, 90, 450), arc({0.5, 0.71}, {0.26, 0.22}, -90, 270)};
    default:
      return {arc({0.5, 0.31}, {0.25, 0.25}, 0, 360) + Stroke{{0.74, 0.6}, {0.62, 0.94}}};
  }
}

/// How one hand writes: a map from the square of side 1 to the image.
class Hand {
 public:
  explicit Hand(Random& random) {
    const double turn = random.uniform(-0.35, 0.35), slant = random.uniform(-0.35, 0.45);
    const double width = random.uniform(13, 21), height = random.uniform(16, 22);
    a_ = width * std::cos(turn), b_ = -height * (std::sin(turn) + slant * std::cos(turn));
    c_ = width * std::sin(turn), d_ = height * (std::cos(turn) - slant * std::sin(turn));
    centre_ = {(image_side - 1) / 2.0 + random.uniform(-2, 2), (image_side - 1) / 2.0 + random.uniform(-2, 2)};
    for (Wave& wave : bend_) wave = {random.uniform(-0.1, 0.1), random.uniform(0, 2 * pi)};
    radius_ = random.uniform(0.7, 1.8);
    ink_ = random.uniform(0.75, 1);
  }

  Point operator()(Point p) const {
    const double x = p.x - 0.5 + bend_[0].at(p.y), y = p.y - 0.5 + bend_[1].at(p.x);
    return {centre_.x + a_ * x + b_ * y, centre_.y + c_ * x + d_ * y};
  }
  /// The darkness of a pixel, 0 … 255, so far from the middle of the nearest stroke.
  std::uint8_t shade(double distance) const {
    return static_cast<std::uint8_t>(std::lround(255 * ink_ * std::clamp(radius_ + 0.5 - distance, 0.0, 1.0)));
  }

 private:
  struct Wave {
    double height, phase;
    double at(double t) const { return height * std::sin(2 * pi * t + phase); }
  };
  double a_, b_, c_, d_, radius_, ink_;
  Point centre_;
  Wave bend_[2];
};

double squared_distance(Point p, Point from, Point to) {
  const double dx = to.x - from.x, dy = to.y - from.y, length = dx * dx + dy * dy;
  const double t = length == 0 ? 0 : std::clamp(((p.x - from.x) * dx + (p.y - from.y) * dy) / length, 0.0, 1.0);
  const double x = from.x + t * dx - p.x, y = from.y + t * dy - p.y;
  return x * x + y * y;
}

void draw(Index digit, Random& random, std::uint8_t* pixels) {
  std::vector<Stroke> strokes = strokes_of(digit, random.bernoulli(0.4));
  const Hand hand(random);
  for (Stroke& stroke : strokes)
    for (Point& point : stroke) point = hand(point);
  if (random.bernoulli(0.7)) {  // a slip of the pen
    const Point from = {random.uniform(4, 23), random.uniform(4, 23)};
    strokes.push_back({from, {from.x + random.uniform(-6, 6), from.y + random.uniform(-6, 6)}});
  }
  for (Index y = 0; y < image_side; ++y)
    for (Index x = 0; x < image_side; ++x) {
      double nearest = std::numeric_limits<double>::infinity();
      for (const Stroke& stroke : strokes)
        for (std::size_t i = 0; i + 1 < stroke.size(); ++i)
          nearest =
              std::min(nearest, squared_distance({static_cast<double>(x), static_cast<double>(y)}, stroke[i], stroke[i + 1]));
      *pixels++ = hand.shade(std::sqrt(nearest));
    }
}

}  // namespace

DigitImages draw_digits(std::string_view set, Index count) {
  const Random randoms = Random(0).split("drawn digits").split(set);
  DigitImages images;
  images.pixels.resize(static_cast<std::size_t>(count * image_size));
  images.labels.resize(static_cast<std::size_t>(count));
  for (Index n = 0; n < count; ++n) {
    Random random = randoms.split(static_cast<std::uint64_t>(n));
    const Index digit = random.below(digit_count);
    images.labels[static_cast<std::size_t>(n)] = static_cast<std::uint8_t>(digit);
    draw(digit, random, images.pixels.data() + n * image_size);
  }
  return images;
}

}  // namespace carousel
