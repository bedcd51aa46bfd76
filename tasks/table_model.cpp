#include <carousel/tasks/table_model.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <carousel/lib/error.hpp>
#include <carousel/models/loss.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/tasks/optimizers.hpp>

namespace carousel {

namespace {

CellOptions<float> cell_options(const TableOptions& options) {
  if (options.preset != "source") return {};
  return {.forget_bias = {}, .init = init::uniform<float>(-1, 1)};
}

/// Mean and deviation of each column over the first rows, as what is to be taken from it and what it is to be divided by.
std::pair<Tensor<float>, Tensor<float>> scales(const Table& table, Index rows) {
  const Index columns = std::ssize(table.columns);
  Tensor<float> mean = zeros<float>({columns}), scale = full<float>({columns}, 1);
  for (Index k = 0; k < columns; ++k) {
    double sum = 0, squares = 0;
    for (Index row = 0; row < rows; ++row) sum += static_cast<double>(table.xs(row, k));
    const double m = sum / static_cast<double>(rows);
    for (Index row = 0; row < rows; ++row) squares += std::pow(static_cast<double>(table.xs(row, k)) - m, 2);
    const double deviation = std::sqrt(squares / static_cast<double>(rows));
    mean(k) = static_cast<float>(m);
    if (deviation > 0) scale(k) = static_cast<float>(deviation);  // a column that is always the same stays so
  }
  return {mean, scale};
}

/// A table as one series: [rows, 1, columns].
Tensor<float> as_series(const Table& table) {
  Tensor<float> xs = empty<float>({table.rows(), 1, std::ssize(table.columns)});
  std::copy(table.xs.begin(), table.xs.end(), xs.begin());
  return xs;
}

}  // namespace

Index rows_to_learn(const TableOptions& options, const Table& table) {
  const Index rows = table.rows() - static_cast<Index>(options.held_out * static_cast<double>(table.rows()));
  if (rows < 1) wrong_argument("--held-out ", options.held_out, ": must leave at least one of ", table.rows(), " rows");
  return rows;
}

TableModel::TableModel(Scope<float> p, const TableOptions& options, Index columns, const Table* table)
    : mean_(p.parameter("columns/mean", {columns}, init::constant<float>(0))),
      scale_(p.parameter("columns/scale", {columns}, init::constant<float>(1))),
      cell_([&] {
        std::vector<AnyCell<float>> layers;
        for (Index layer = 0; layer < options.layers; ++layer)
          layers.push_back(make_cell(options.cell, p / "cell" / std::to_string(layer), layer == 0 ? columns : options.hidden,
                                     options.hidden, cell_options(options)));
        return Stacked(std::move(layers), options.dropout);
      }()) {
  if (options.readout == "linear") readout_ = Linear<float>(p / "readout", options.hidden, 1);
  if (table && readout_) std::tie(mean_->value, scale_->value) = scales(*table, rows_to_learn(options, *table));
  mean_->frozen = scale_->frozen = true;
}

Var<float> TableModel::operator()(const Tensor<float>& given, std::span<const Index> lengths,
                                  const std::optional<DropoutKey>& key) const {
  Tape<float>& tape = Tape<float>::active();
  const Var<float> raw = tape.constant(given), mean = mean_, scale = scale_;
  const Var<float> xs = (raw - mean) / scale;
  const Var<float> hs = scan(cell_, xs, {.lengths = lengths, .key = key});  // [time, batch, hidden]
  const Shape shape{hs.shape()[0], hs.shape()[1]};
  return readout_ ? reshape((*readout_)(hs), shape) : at(hs, -1, 0);
}

Windows windows_before(const Table& table, Index window, std::span<const Index> rows) {
  const Index columns = std::ssize(table.columns), batch = std::ssize(rows);
  Windows all{full<float>({window, batch, columns}, std::numeric_limits<float>::quiet_NaN()), {}};
  for (Index b = 0; b < batch; ++b) {
    const Index last = rows[static_cast<std::size_t>(b)], first = std::max<Index>(0, last - window + 1);
    all.lengths.push_back(last - first + 1);
    for (Index row = first; row <= last; ++row)
      std::copy_n(table.xs.data() + row * columns, columns, all.xs.data() + ((row - first) * batch + b) * columns);
  }
  return all;
}

std::vector<double> outputs_of(const TableModel& model, const TableOptions& options, const Table& table) {
  Tape<float> tape;
  const NoGrad<float> no_gradient;
  std::vector<double> outputs;
  if (options.window == 0) {
    const Tensor<float> all = model(as_series(table), {}).value();
    outputs.assign(all.begin(), all.end());
  } else {
    constexpr Index most = 1000;
    for (Index from = 0; from < table.rows(); from += most) {
      std::vector<Index> rows(static_cast<std::size_t>(std::min(most, table.rows() - from)));
      std::iota(rows.begin(), rows.end(), from);
      const Windows windows = windows_before(table, options.window, rows);
      tape.clear();
      const Tensor<float> some = model(windows.xs, windows.lengths).value();
      for (std::size_t b = 0; b < rows.size(); ++b)
        outputs.push_back(static_cast<double>(some(windows.lengths[b] - 1, static_cast<Index>(b))));
    }
  }
  if (model.has_readout())
    for (double& output : outputs) output = 1 / (1 + std::exp(-output));
  return outputs;
}

Confusion counts_of(const std::vector<double>& outputs, const TableOptions& options, const Table& table) {
  const Index learned = rows_to_learn(options, table), first = learned == table.rows() ? 0 : learned;
  return confusion({outputs.begin() + first, outputs.end()}, {table.labels.begin() + first, table.labels.end()});
}

TableTraining::TableTraining(const TableOptions& options, const Table& table)
    : random(Random(static_cast<std::uint64_t>(options.seed)).split("parameters")),
      model(Scope<float>(registry, random), options, std::ssize(table.columns), &table),
      optimizer(make_optimizer(options.optimizer, registry, options.rate)) {
  const Index rows = rows_to_learn(options, table);
  const bool series = options.window == 0;
  data = series ? DataSet{.examples = options.passes, .batch = 1}
                : DataSet{.examples = rows * options.passes, .batch = options.batch};
  loss = [=, this, &table](const Batch& batch, const Shard& shard) -> Var<float> {
    Tape<float>& tape = Tape<float>::active();
    const DropoutKey key{.seed = batch.key, .first_example = shard.first(std::ssize(batch.examples))};
    Var<float> scores;  // [1, of what] or [of what, 1]
    std::vector<float> targets;
    if (series) {
      scores = slice(model(as_series(table), {}, key), 0, 0, rows);
      targets.assign(table.labels.begin(), table.labels.begin() + rows);
    } else {
      std::vector<Index> mine;
      for (const Index n : shard.of(batch.examples)) mine.push_back(n % rows);
      const Windows windows = windows_before(table, options.window, mine);
      const Var<float> all = model(windows.xs, windows.lengths, key);
      scores = last(reshape(all, {all.shape()[0], all.shape()[1], 1}), windows.lengths);
      for (const Index row : mine) targets.push_back(static_cast<float>(table.labels[static_cast<std::size_t>(row)]));
    }
    const Var<float> wanted = tape.constant(scores.shape());
    std::copy(targets.begin(), targets.end(), tape.data(wanted));
    const auto share = static_cast<double>(series ? rows : std::ssize(batch.examples));
    if (!model.has_readout()) return sum_of_squares(scores, wanted);
    return binary_cross_entropy(scores, wanted, {.divide_by = share});
  };
}

}  // namespace carousel
