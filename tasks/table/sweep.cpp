#include <carousel/tasks/table/sweep.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <mutex>

#include <fmt/format.h>

#include <carousel/lib/training/workers.hpp>
#include <carousel/tasks/base/interrupt.hpp>
#include <carousel/tasks/base/progress.hpp>

namespace carousel {

TableOptions drawn_options(const TableOptions& options, Index number) {
  Random random = Random(static_cast<std::uint64_t>(options.seed)).split("sweep").split(static_cast<std::uint64_t>(number));
  TableOptions drawn = options;
  drawn.hidden = 1 + random.below(2 * options.hidden);
  drawn.rate = options.rate * std::pow(10, random.uniform(-1, 1));
  const double digit = std::pow(10, std::floor(std::log10(drawn.rate)) - 2);
  drawn.rate = std::stod(fmt::format("{:.3g}", std::round(drawn.rate / digit) * digit));
  drawn.seed = static_cast<Index>((static_cast<std::uint64_t>(options.seed) + static_cast<std::uint64_t>(number)) &
                                  static_cast<std::uint64_t>(std::numeric_limits<Index>::max()));
  return drawn;
}

std::vector<Tried> sweep(const TableOptions& options, const Table& table) {
  std::vector<Tried> all(static_cast<std::size_t>(options.sweep));
  Progress progress(options.quiet);
  std::mutex speaking;
  Index done = 0;
  auto train_one = [&](Index i) {
    Tried& tried = all[static_cast<std::size_t>(i)];
    tried = {.number = i + 1, .options = drawn_options(options, i + 1), .counts = TableCounts(), .loss = NAN, .whole = false};
    if (interrupted()) return;
    TableTraining training(tried.options, table);
    const FitResult result = fit<float>(*training.optimizer, training.data, training.loss,
                                        {.epochs = options.epochs,
                                         .clip_norm = options.clip,
                                         .shards = training.shards,
                                         .seed = static_cast<std::uint64_t>(tried.options.seed),
                                         .explosion = 10,
                                         .stop = &interrupted()});
    if (result.ended == Ended::interrupted) return;
    tried.whole = true;
    tried.counts = counts_of(outputs_of(training.model, tried.options, table), tried.options, table);
    if (!result.state.history.empty()) tried.loss = result.state.history.back().loss;
    const std::lock_guard lock(speaking);
    progress.line(fmt::format("{} of {}: {} units, rate {}: {} of {} rows right", ++done, options.sweep, tried.options.hidden,
                              tried.options.rate, tried.counts.right(), tried.counts.rows()));
  };
  Workers workers(static_cast<int>(std::min(options.threads, options.sweep)));
  workers.run(options.sweep, train_one);
  std::stable_sort(all.begin(), all.end(), [](const Tried& a, const Tried& b) {
    if (a.whole != b.whole) return a.whole;
    if (a.counts.right() != b.counts.right()) return a.counts.right() > b.counts.right();
    return a.loss < b.loss || (std::isnan(b.loss) && !std::isnan(a.loss));
  });
  return all;
}

std::string sweep_table(std::span<const Tried> tried) {
  std::string text = "rank,number,hidden,rate,seed,right,rows,loss\n";
  for (std::size_t i = 0; i < tried.size(); ++i)
    text += fmt::format("{},{},{},{},{},{},{},{:.6g}\n", i + 1, tried[i].number, tried[i].options.hidden, tried[i].options.rate,
                        tried[i].options.seed, tried[i].counts.right(), tried[i].counts.rows(), tried[i].loss);
  return text;
}

}  // namespace carousel
