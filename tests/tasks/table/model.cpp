#include <carousel/tasks/table/model.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include <doctest/doctest.h>

#include <carousel/tasks/table/sweep.hpp>
#include <carousel/tasks/table/weights.hpp>

#include "tests/support/folder.hpp"

using namespace carousel;

namespace {

TableOptions small() {
  TableOptions options;
  options.hidden = 5, options.passes = 20, options.epochs = 2, options.rate = 0.02, options.batch = 8, options.quiet = true;
  return options;
}

void learn(TableTraining& training, const TableOptions& options) {
  fit<float>(*training.optimizer, training.data, training.loss, {.epochs = options.epochs});
}
double worst(const std::vector<double>& a, const std::vector<double>& b) {
  double apart = a.size() == b.size() ? 0 : HUGE_VAL;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) apart = std::max(apart, std::abs(a[i] - b[i]));
  return apart;
}

}  // namespace

TEST_CASE("windows hold the rows up to their own, fewer at the beginning, and beyond these nothing") {
  const Table table = prime_table();
  const Windows windows = windows_before(table, 3, std::vector<Index>{0, 4});
  CHECK(shape_of(windows.xs) == Shape{3, 2, 6});
  CHECK(windows.lengths == std::vector<Index>{1, 3});
  CHECK(shape_of(windows_before(table, Index{1} << 40, std::vector<Index>{4}).xs) == Shape{5, 1, 6});
  for (Index k = 0; k < 6; ++k) {
    CHECK(windows.xs(0, 0, k) == table.xs(0, k));
    CHECK(std::isnan(windows.xs(1, 0, k)));
    for (Index t = 0; t < 3; ++t) CHECK(windows.xs(t, 1, k) == table.xs(2 + t, k));
  }
}

TEST_CASE("an output depends on the rows before it: on all of a series, on those of a window") {
  const Table table = prime_table();
  TableOptions options = small();
  TableTraining series(options, table);
  options.window = 3;
  TableTraining windows(options, table);
  CHECK(series.model.has_readout());
  const auto changed = [&](Index row, Index of, TableTraining& training) {
    Table other = table;
    other.xs(row, 0) += 1;
    const std::vector<double> a = outputs_of(training.model, options, table), b = outputs_of(training.model, options, other);
    return std::abs(a[static_cast<std::size_t>(of)] - b[static_cast<std::size_t>(of)]) > 0;
  };
  CHECK(changed(10, 10, windows));
  CHECK(changed(10, 12, windows));
  CHECK_FALSE(changed(10, 13, windows));
  CHECK_FALSE(changed(10, 9, windows));
  const std::vector<double> all = outputs_of(windows.model, options, table);
  options.window = 0;
  CHECK(changed(10, 13, series));
  CHECK_FALSE(changed(10, 9, series));
  // The first three rows are the same either way, for both nets start from one seed.
  const std::vector<double> some = outputs_of(series.model, options, table);
  for (std::size_t i = 0; i < 3; ++i) CHECK(all[i] == doctest::Approx(some[i]).epsilon(1e-6));
}

TEST_CASE("columns are read less their mean by their deviation, of the rows that are learned alone") {
  Table table = prime_table().first(4);
  table.columns = {"a", "b"};
  table.xs = tensor<double>({4, 2}, {1, 5, 3, 5, 100, 5, 100, 5});
  TableOptions options = small();
  options.held_out = 0.5;
  CHECK(rows_to_learn(options, table) == 2);
  TableTraining training(options, table);
  CHECK(training.registry.at("columns/mean").value == tensor<float>({2}, {2, 5}));
  CHECK(training.registry.at("columns/scale").value == tensor<float>({2}, {1, 1}));
  learn(training, options);
  CHECK(training.registry.at("columns/mean").value == tensor<float>({2}, {2, 5}));
  options.held_out = 0.9;
  CHECK(rows_to_learn(options, table) == 1);

  options.readout = "first";
  TableTraining first(options, table);
  CHECK(first.registry.at("columns/mean").value == zeros<float>({2}));
  CHECK_FALSE(first.model.has_readout());
}

TEST_CASE("columns far from 0 are told apart as those near it are") {
  Table near = prime_table().first(40);
  near.columns = {"time"};
  near.xs = empty<double>({40, 1});
  for (Index row = 0; row < 40; ++row) near.xs(row, 0) = static_cast<double>(row * 7 % 40);
  for (const double moment : {1.7e9, 1.7e12}) {
    Table far = near;
    for (double& x : far.xs) x += moment;
    for (const Index window : {0, 3}) {
      TableOptions options = small();
      options.window = window;
      TableTraining a(options, near), b(options, far);
      CHECK(worst(outputs_of(a.model, options, near), outputs_of(b.model, options, far)) < (moment < 1e10 ? 1e-6 : 1e-3));
    }
  }
}

TEST_CASE("a net of a run that had floats for means has one parameter for each") {
  const Table table = prime_table();
  TableOptions options = small();
  Registry<float> registry;
  Random random(1);
  const TableModel model(Scope<float>(registry, random), options, 6, &table, false);
  CHECK_FALSE(registry.contains("columns/mean_rest"));
  CHECK(TableTraining(options, table).registry.contains("columns/mean_rest"));
  options.resumed = {{"columns", "b5"}};
  CHECK_FALSE(TableTraining(options, table).registry.contains("columns/mean_rest"));
}

TEST_CASE("labels of rows that are held out do not change what is learned, and these alone are counted") {
  for (const Index window : {0, 4}) {
    CAPTURE(window);
    TableOptions options = small();
    options.held_out = 0.25;
    options.window = window;
    const Table table = prime_table();
    Table other = table;
    for (std::size_t row = 33; row < 44; ++row) other.labels[row] = 1 - other.labels[row];
    TableTraining a(options, table), b(options, other);
    learn(a, options);
    learn(b, options);
    const std::vector<double> outputs = outputs_of(a.model, options, table);
    CHECK(worst(outputs, outputs_of(b.model, options, other)) == 0);
    const TableCounts found = counts_of(outputs, options, table), opposite = counts_of(outputs, options, other);
    CHECK(found.rows() == 11);
    CHECK(found.right() == 11 - opposite.right());
  }
}

TEST_CASE("a table is learned, as a series and through a window") {
  for (const Index window : {0, 2}) {
    CAPTURE(window);
    TableOptions options = small();
    options.window = window, options.hidden = 12, options.passes = 60;
    const Table table = prime_table().first(12);
    TableTraining training(options, table);
    learn(training, options);
    CHECK(counts_of(outputs_of(training.model, options, table), options, table).right() >= 11);
  }
}

TEST_CASE("exported weights, imported, give the same outputs, and the files are laid out as the source's") {
  const Table table = prime_table();
  for (const char* const readout : {"first", "linear"}) {
    CAPTURE(readout);
    const test::Folder folder;
    TableOptions options = small();
    options.readout = readout, options.cell = "lstm-linear";
    TableTraining from(options, table);
    learn(from, options);
    export_weights(from.registry, options, folder / "weights");
    options.seed = 7;
    TableTraining to(options, table.first(20));
    import_weights(to.registry, options, folder / "weights");
    CHECK(worst(outputs_of(to.model, options, table), outputs_of(from.model, options, table)) == 0);

    std::ifstream weights(folder / "weights/weightsG.txt"), biases(folder / "weights/biasO.txt");
    float x = 0;
    for (Index unit = 0; unit < 5; ++unit) {
      for (std::size_t k = 0; k < 6 + 5; ++k) {
        CHECK(static_cast<bool>(weights >> x));
        CHECK(x == (k < 6 ? from.registry.at("cell/0/wx").value(k, 2 * 5 + unit)
                          : from.registry.at("cell/0/wh").value(k - 6, 2 * 5 + unit)));
      }
      CHECK(static_cast<bool>(biases >> x));
      CHECK(x == from.registry.at("cell/0/b").value(3 * 5 + unit));
    }
    CHECK_FALSE(static_cast<bool>(weights >> x));
    CHECK_FALSE(static_cast<bool>(biases >> x));
  }
}

TEST_CASE("weights that cannot be imported change nothing and are said with file, line and column") {
  const Table table = prime_table();
  const test::Folder folder;
  TableOptions options = small();
  TableTraining training(options, table);
  export_weights(training.registry, options, folder / "w");
  const std::string file = folder / "w/weightsO.txt";
  const std::vector<double> before = outputs_of(training.model, options, table);
  for (Parameter<float>& p : training.registry) CHECK(p.has_gradient == false);
  const auto refuses = [&](const std::string& text, const std::string& error) {
    std::ofstream(file) << text;
    std::ofstream(folder / "w/biasG.txt") << "9 9 9 9 9";
    CHECK_THROWS_WITH_AS(import_weights(training.registry, options, folder / "w"), ("read " + file + ": " + error).c_str(),
                         std::runtime_error);
    CHECK(worst(outputs_of(training.model, options, table), before) == 0);
  };
  refuses("1 2\n3 4x\n", "line 2, column 3: 4x: must be a number");
  refuses("1 2\n3 4\n", "has 4 numbers: must be 55, 5 lines of 11");
  refuses("nan\n", "line 1, column 1: nan: must be a number");
  options.cell = "gru";
  CHECK_THROWS_WITH_AS(import_weights(training.registry, options, folder / "w"),
                       "weights as text: of 1 layer of gru: must be one layer of lstm or lstm-linear", std::invalid_argument);
}

TEST_CASE("a sweep ranks its nets, each as training alone makes it, and the same at any number of threads") {
  TableOptions options = small();
  options.sweep = 5;
  const Table table = prime_table();
  const std::vector<Tried> one = sweep(options, table);
  options.threads = 3;
  CHECK(sweep_table(sweep(options, table)) == sweep_table(one));
  options.seed = 2;
  CHECK(sweep_table(sweep(options, table)) != sweep_table(one));
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(one[i].whole);
    CHECK(one[i].options.hidden >= 1);
    CHECK(one[i].options.hidden <= 10);
    CHECK(one[i].options.rate >= 0.0019);
    CHECK(one[i].options.rate <= 0.21);
    if (i > 0)
      CHECK((one[i - 1].counts.right() > one[i].counts.right() ||
             (one[i - 1].counts.right() == one[i].counts.right() && one[i - 1].loss <= one[i].loss)));
    TableOptions alone = small();
    alone.hidden = one[i].options.hidden, alone.rate = one[i].options.rate, alone.seed = one[i].options.seed;
    TableTraining training(alone, table);
    fit<float>(*training.optimizer, training.data, training.loss,
               {.epochs = alone.epochs, .seed = static_cast<std::uint64_t>(alone.seed), .explosion = 10});
    CHECK(counts_of(outputs_of(training.model, alone, table), alone, table).right() == one[i].counts.right());
  }
  CHECK(sweep_table(one).starts_with("rank,number,hidden,rate,seed,right,rows,loss\n1,"));
}

TEST_CASE("independent rows are answered the same in any order, and no window runs across a hole") {
  const Table table = prime_table();
  TableOptions options = small();
  options.window = 1;
  CHECK(has_independent_rows(options));
  TableTraining training(options, table);
  learn(training, options);
  std::vector<Index> backwards(44);
  std::iota(backwards.rbegin(), backwards.rend(), 0);
  std::vector<double> outputs = outputs_of(training.model, options, table.chosen(backwards));
  std::reverse(outputs.begin(), outputs.end());
  CHECK(worst(outputs, outputs_of(training.model, options, table)) < 1e-6);
  options.series = true;
  CHECK_FALSE(has_independent_rows(options));

  Table holed = table;
  for (Index row = 0; row < 44; ++row) holed.begins.push_back(row < 10 ? 0 : 10);
  CHECK(windows_before(holed, 3, std::vector<Index>{9, 10, 11, 12, 13}).lengths == std::vector<Index>{3, 1, 2, 3, 3});
}

TEST_CASE("three classes are learned, their probabilities sum up to 1, and an empty cell counts as the mean") {
  Table table{.columns = {"a", "b"}, .names = {}, .xs = empty<double>({90, 2}), .labels = {}, .classes = {"x", "y", "z"}};
  Random random(4);
  for (Index row = 0; row < 90; ++row) {
    table.labels.push_back(row % 3);
    table.xs(row, 0) = (row % 3 == 0 ? 5 : 0) + random.normal();
    table.xs(row, 1) = 100 + (row % 3 == 1 ? 5 : 0) + random.normal();
  }
  TableOptions options = small();
  options.window = 1, options.passes = 40;
  TableTraining training(options, table);
  learn(training, options);
  const std::vector<double> outputs = outputs_of(training.model, options, table);
  REQUIRE(outputs.size() == 270);
  CHECK(outputs[0] + outputs[1] + outputs[2] == doctest::Approx(1));
  CHECK(counts_of(outputs, options, table).right() >= 84);
  CHECK(majority_of(options, table) == 0);
  Table holed = table.first(1), mean = holed;
  holed.xs(0, 1) = std::nan("");
  double sum = 0;
  for (Index row = 0; row < 90; ++row) sum += table.xs(row, 1);
  mean.xs(0, 1) = sum / 90;
  CHECK(worst(outputs_of(training.model, options, holed), outputs_of(training.model, options, mean)) < 1e-6);
  options.readout = "first";
  CHECK_THROWS_WITH_AS(TableTraining(options, table),
                       "--readout first: tells two classes apart, and there are 3: give --readout linear", std::invalid_argument);
}

TEST_CASE("balanced weights make a rare class be said more often") {
  Table table{.columns = {"a"}, .names = {}, .xs = empty<double>({200, 1}), .labels = {}};
  Random random(6);
  for (Index row = 0; row < 200; ++row) {
    table.labels.push_back(row % 10 == 0);
    table.xs(row, 0) = (row % 10 == 0 ? 1.5 : 0) + random.normal();
  }
  TableOptions options = small();
  options.window = 1;
  CHECK(balanced_weights(options, table) == std::vector<float>{200.0F / 360, 5});
  TableTraining plain(options, table);
  learn(plain, options);
  options.class_weights = "balanced";
  TableTraining weighed(options, table);
  learn(weighed, options);
  const TableCounts a = counts_of(outputs_of(plain.model, options, table), options, table),
                    b = counts_of(outputs_of(weighed.model, options, table), options, table);
  CHECK(b.recall(1) > a.recall(1) + 0.2);
}
