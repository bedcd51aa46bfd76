#include <cstdio>

#include "rows.hpp"

namespace bench {

void elementwise(Session& session) {
  std::printf(
      "elementwise: the two statements of an LSTM over a sequence, its products left out, forward and backward; ns per "
      "element\n");
  std::printf("of h, one thread. Loops by hand: one that keeps c and h, as carousel does, and one that keeps the gates too\n");
  Table table({"T,B,H", "carousel:2", "by hand:2", "gates kept:2", "/by hand:2", "/gates kept:2"});
  for (const Size& size :
       {Size{50, 1, 0, 128}, Size{50, 16, 0, 64}, Size{28, 64, 0, 128}, Size{50, 50, 0, 128}, Size{100, 32, 0, 256}}) {
    Comparison c(session, "elementwise", "lstm-statements", size);
    c.add("carousel", 1, "statements");
    c.add("handwritten", 1, "handwritten");
    c.add_aside("kept", "handwritten", "handwritten-kept");
    c.run(1.5);
    const double scale = 1e6 / static_cast<double>(size.steps * size.batch * size.hidden);
    table.line(std::to_string(size.steps) + "," + std::to_string(size.batch) + "," + std::to_string(size.hidden),
               {scale * c.ms("carousel"), scale * c.ms("handwritten"), scale * c.ms("kept"), c.ratio("carousel", "handwritten"),
                c.ratio("carousel", "kept")});
  }
  std::printf("\n");
}

}  // namespace bench
