#include <carousel/tasks/table/model.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <carousel/lib/error.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/ops/shape.hpp>
#include <carousel/tasks/nets/optimizers.hpp>

namespace carousel {

namespace {

CellOptions<float> cell_options(const TableOptions& options) {
  if (options.preset != "source") return {};
  return {.forget_bias = {}, .init = init::uniform<float>(-1, 1)};
}

/// What is to be taken from each column and what it is to be divided by: its mean, as the sum of two floats, and its deviation
/// over the first rows.
struct Scales {
  Tensor<float> mean, rest, scale;
};
Scales scales(const Table& table, Index rows) {
  const Index columns = std::ssize(table.columns);
  Scales all{zeros<float>({columns}), zeros<float>({columns}), full<float>({columns}, 1)};
  for (Index k = 0; k < columns; ++k) {
    double sum = 0, squares = 0;  // from the first value on: a sum of many that are far from 0 would have no digits for the rest
    Index count = 0;
    double first = 0;
    const auto each = [&](auto f) {
      for (Index row = 0; row < rows; ++row)
        if (const double x = table.xs(row, k); !std::isnan(x)) f(x);
    };
    each([&](double x) { first = count++ == 0 ? x : first; });
    if (count == 0) continue;
    each([&](double x) { sum += x - first; });
    const double m = first + sum / static_cast<double>(count);
    each([&](double x) { squares += std::pow(x - m, 2); });
    const double deviation = std::sqrt(squares / static_cast<double>(count));
    std::tie(all.mean(k), all.rest(k)) = split_mean(m);
    // A column that is always the same, but for rounding, stays so.
    if (deviation > std::max<double>(std::numeric_limits<float>::min(), 1e-14 * std::abs(m)))
      all.scale(k) = static_cast<float>(deviation);
  }
  return all;
}

}  // namespace

bool has_independent_rows(const TableOptions& options) {
  return options.window == 1 && !options.series && options.date.empty();
}

Index rows_to_learn(const TableOptions& options, const Table& table) {
  const Index rows = table.rows() - static_cast<Index>(options.held_out * static_cast<double>(table.rows()));
  if (rows == table.rows() && options.held_out > 0)
    wrong_argument("--held-out ", options.held_out, ": of ", rows, " rows that is none: must be 0, or at least one of them");
  if (rows < 1) wrong_argument("--held-out ", options.held_out, ": must leave at least one of ", table.rows(), " rows");
  return rows;
}

std::pair<float, float> split_mean(double mean) {
  const auto first = static_cast<float>(mean);
  return {first, static_cast<float>(mean - static_cast<double>(first))};
}

TableModel::TableModel(Scope<float> p, const TableOptions& options, Index columns, const Table* table, bool exact, Index classes)
    : mean_(p.parameter("columns/mean", {columns}, init::constant<float>(0))),
      scale_(p.parameter("columns/scale", {columns}, init::constant<float>(1))),
      classes_(classes),
      layers_(p / "cell", columns, options, cell_options(options)) {
  if (classes > 2 && options.readout != "linear")
    wrong_argument("--readout ", options.readout, ": tells two classes apart, and there are ", classes,
                   ": give --readout linear");
  if (options.bidirectional && options.window == 0)
    wrong_argument("--bidirectional: a row of a series is answered before the next one comes: must be with --window N");
  if (options.readout == "linear") readout_ = Linear<float>(p / "readout", layers_.outputs(), classes == 2 ? 1 : classes);
  if (exact) rest_.emplace(p.parameter("columns/mean_rest", {columns}, init::constant<float>(0)));
  if (table && readout_) {
    const Scales found = scales(*table, rows_to_learn(options, *table));
    mean_->set(found.mean), scale_->set(found.scale);
    if (rest_) (*rest_)->set(found.rest);
  }
  mean_->frozen = scale_->frozen = true;
  if (rest_) (*rest_)->frozen = true;
}

/// xs: [..., columns], doubles until they are scaled: moments of today differ by less than floats do.
Var<float> TableModel::enter(const Tensor<double>& xs) const {
  const Shape shape = shape_of(xs);
  const Index columns = shape.back(), rows = shape.size() / columns;
  const Var<float> scaled = Tape<float>::active().constant(shape);
  float* to = Tape<float>::active().data(scaled);
  const double* from = xs.data();
  const float *const mean = mean_->value.data(), *const scale = scale_->value.data();
  const float* const rest = rest_ ? (*rest_)->value.data() : nullptr;
  for (Index row = 0; row < rows; ++row)
    for (Index k = 0; k < columns; ++k) {
      const double x =
          (*from++ - static_cast<double>(mean[k]) - static_cast<double>(rest ? rest[k] : 0)) / static_cast<double>(scale[k]);
      *to++ = std::isnan(x) ? 0 : static_cast<float>(x);
    }
  return scaled;
}
/// hs: [rows, features];  result: [rows, 1 or classes]
Var<float> TableModel::answers(Var<float> hs) const {
  return readout_ ? (*readout_)(hs) : slice(hs, 1, 0, 1);
}

Var<float> TableModel::of_series(const Tensor<double>& rows, const std::optional<DropoutKey>& key) const {
  const Index count = shape_of(rows)[0], columns = shape_of(rows)[1];
  const Var<float> xs = enter(rows);
  const Var<float> hs = layers_.read(reshape(xs, {count, 1, columns}), {.key = key}).outputs;
  return answers(reshape(hs, {count, -1}));
}

Var<float> TableModel::of_windows(const Windows& windows, const std::optional<DropoutKey>& key) const {
  return answers(layers_.after_all(enter(windows.xs), {.lengths = windows.lengths, .key = key}));
}

Windows windows_before(const Table& table, Index window, std::span<const Index> rows) {
  const Index columns = std::ssize(table.columns), batch = std::ssize(rows);
  std::vector<Index> lengths;
  for (const Index row : rows)
    lengths.push_back(std::min(window, row + 1 - (table.begins.empty() ? 0 : table.begins[static_cast<std::size_t>(row)])));
  const Index longest = *std::max_element(lengths.begin(), lengths.end());
  Windows all{full<double>({longest, batch, columns}, std::numeric_limits<double>::quiet_NaN()), std::move(lengths)};
  for (Index b = 0; b < batch; ++b) {
    const Index last = rows[static_cast<std::size_t>(b)], first = last - all.lengths[static_cast<std::size_t>(b)] + 1;
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
    const Tensor<float> all = model.of_series(table.xs).value();
    outputs.assign(all.begin(), all.end());
  } else {
    constexpr Index most = 1000;
    for (Index from = 0; from < table.rows(); from += most) {
      std::vector<Index> rows(static_cast<std::size_t>(std::min(most, table.rows() - from)));
      std::iota(rows.begin(), rows.end(), from);
      tape.clear();
      const Tensor<float> some = model.of_windows(windows_before(table, options.window, rows)).value();
      outputs.insert(outputs.end(), some.begin(), some.end());
    }
  }
  if (!model.has_readout()) return outputs;
  if (model.classes() == 2) {
    for (double& output : outputs) output = 1 / (1 + std::exp(-output));
    return outputs;
  }
  const auto width = static_cast<std::size_t>(model.classes());
  for (std::size_t from = 0; from < outputs.size(); from += width) {
    const std::span<double> row = std::span(outputs).subspan(from, width);
    const double most = *std::max_element(row.begin(), row.end());
    double sum = 0;
    for (double& output : row) sum += output = std::exp(output - most);
    for (double& output : row) output /= sum;
  }
  return outputs;
}

TableCounts counts_of(const std::vector<double>& outputs, const TableOptions& options, const Table& table) {
  const auto learned = static_cast<std::size_t>(rows_to_learn(options, table)),
             first = learned == table.labels.size() ? 0 : learned;
  const auto classes = std::ssize(table.classes);
  const std::vector<Index> said = said_of(outputs, classes);
  return counts_of(std::span(said).subspan(first), std::span(table.labels).subspan(first), classes);
}

Index majority_of(const TableOptions& options, const Table& table) {
  return commonest(std::span(table.labels).first(static_cast<std::size_t>(rows_to_learn(options, table))),
                   std::ssize(table.classes));
}

std::vector<float> balanced_weights(const TableOptions& options, const Table& table) {
  const auto learned = std::span(table.labels).first(static_cast<std::size_t>(rows_to_learn(options, table)));
  std::vector<float> weights;
  for (Index k = 0; k < std::ssize(table.classes); ++k) {
    const auto count = std::count(learned.begin(), learned.end(), k);
    weights.push_back(count > 0 ? static_cast<float>(learned.size()) / static_cast<float>(count * std::ssize(table.classes)) : 0);
  }
  return weights;
}

Var<float> loss_of(const TableModel& model, Var<float> scores, std::span<const Index> labels, std::span<const float> weights,
                   double share) {
  std::vector<float> mask;
  if (!weights.empty())
    for (const Index label : labels) mask.push_back(weights[static_cast<std::size_t>(label)]);
  if (model.classes() > 2) return cross_entropy(scores, labels, {.mask = mask, .divide_by = share});
  const Var<float> wanted = Tape<float>::active().constant(scores.shape());
  std::copy(labels.begin(), labels.end(), Tape<float>::active().data(wanted));
  if (!model.has_readout()) return sum_of_squares(scores, wanted);
  return binary_cross_entropy(scores, wanted, {.mask = mask, .divide_by = share});
}

TableTraining::TableTraining(const TableOptions& options, const Table& table)
    : random(Random(static_cast<std::uint64_t>(options.seed)).split("parameters")),
      model(Scope<float>(registry, random), options, std::ssize(table.columns), &table,
            options.resumed.empty() || options.resumed.contains(exact_means), std::ssize(table.classes)),
      optimizer(make_optimizer(options.optimizer, registry, options.rate)) {
  const Index rows = rows_to_learn(options, table);
  const bool series = options.window == 0;
  data = series ? DataSet{.examples = options.passes, .batch = 1}
                : DataSet{.examples = rows * options.passes, .batch = options.batch};
  shards = series ? 1 : options.shards();
  std::vector<float> weights;
  if (options.class_weights == "balanced") weights = balanced_weights(options, table);
  loss = [=, this, &table, learned = table.first(rows).xs](const Batch& batch, const Shard& shard) -> Var<float> {
    const DropoutKey key{.seed = batch.key, .first_example = shard.first(std::ssize(batch.examples))};
    if (series)
      return loss_of(model, model.of_series(learned, key), std::span(table.labels).first(static_cast<std::size_t>(rows)), weights,
                     static_cast<double>(rows));
    std::vector<Index> mine, labels;
    for (const Index n : shard.of(batch.examples)) mine.push_back(n % rows);
    for (const Index row : mine) labels.push_back(table.labels[static_cast<std::size_t>(row)]);
    return loss_of(model, model.of_windows(windows_before(table, options.window, mine), key), labels, weights,
                   static_cast<double>(std::ssize(batch.examples)));
  };
}

}  // namespace carousel
