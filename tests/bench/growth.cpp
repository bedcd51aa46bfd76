#include <cstdio>
#include <limits>

#include "rows.hpp"

namespace bench {

void growth(Session& session) {
  const Size middle{50, 32, 64, 64};
  constexpr struct {
    const char* name;
    std::ptrdiff_t Size::*extent;
    std::ptrdiff_t from, to;
  } axes[] = {{"T", &Size::steps, 25, 800}, {"B", &Size::batch, 8, 256}, {"H", &Size::hidden, 16, 512}};
  std::printf(
      "growth: a training step of carousel's LSTM as one size doubles; ms, one thread; the factor against the line before\n");
  for (const auto& [name, extent, from, to] : axes) {
    Comparison c(session, "growth", "lstm", middle);
    std::vector<Size> sizes;
    for (std::ptrdiff_t value = from; value <= to; value *= 2) {
      sizes.push_back(middle);
      sizes.back().*extent = value;
      c.add_size(sizes.back(), "train-lstm");
    }
    c.run(3);
    Table table({std::string(name) + " of T,B,I,H", "carousel:3", "factor:2"});
    double before = std::numeric_limits<double>::quiet_NaN();
    for (const Size& size : sizes) {
      const double now = c.ms(text(size));
      table.line(text(size), {now, now / before});
      before = now;
    }
  }
  std::printf("\n");
}

}  // namespace bench
