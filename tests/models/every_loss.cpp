// All losses, and the functions of whole sequences, each used in every way in which a value may be used: tests/check/lint.sh
// compares the names with models/README.md.

#include <carousel/models/losses/ctc.hpp>
#include <carousel/models/losses/loss.hpp>
#include <carousel/models/sequence/batch_first.hpp>
#include <carousel/models/sequence/scan.hpp>

#include "tests/ops/uses.hpp"

using namespace carousel;

namespace {

const std::vector<test::Op>& all_losses() {
  using test::Operand;
  static const Operand x{{2, 3}}, chances{{2, 3}, 0.1, 0.9}, sequence{{3, 2, 2}};
  static const std::vector<Index> labels{2, 0};
  static const std::vector<double> of_elements{0.5, 0, 2, 1, 0.25, 3}, of_rows{0.5, 2};
  static const std::vector<std::vector<Index>> strings{{1}, {1, 2}};
  static const std::vector<Index> lengths{4, 3}, ends{3, 2};
  static const std::vector<test::Op> all{
      OP("mean_squared_error(prediction, target, options)", OF(x, x), mean_squared_error(v[0], v[1])),
      OP("mean_squared_error(prediction, target, options)", OF(x, x), mean_squared_error(v[0], v[1], {.mask = of_elements})),
      OP("sum_of_squares(prediction, target)", OF(x, x), sum_of_squares(v[0], v[1])),
      OP("first_element_loss(h, target)", OF(x, Operand{{2}}), first_element_loss(v[0], v[1])),
      OP("cross_entropy(logits, labels, options)", OF(x), cross_entropy(v[0], labels)),
      OP("cross_entropy(logits, labels, options)", OF(x),
         cross_entropy(v[0], labels, {.mask = of_rows, .label_smoothing = 0.1, .divide_by = 3})),
      OP("nll(log_probabilities, labels, options)", OF(x), nll(v[0], labels)),
      OP("nll(log_probabilities, labels, options)", OF(x), nll(v[0], labels, {.ignore_label = 0, .label_smoothing = 0.1})),
      OP("binary_cross_entropy(logits, targets, options)", OF(x, chances), binary_cross_entropy(v[0], v[1])),
      OP("binary_cross_entropy(logits, targets, options)", OF(x, chances), binary_cross_entropy(v[0], v[1], {.mask = of_rows})),
      OP("ctc_loss(logits, labels, options)", OF(Operand{{4, 2, 3}}), ctc_loss(v[0], strings)),
      OP("ctc_loss(logits, labels, options)", OF(Operand{{4, 2, 3}}), ctc_loss(v[0], strings, {.lengths = lengths})),

      OP("time_first(sequences)", OF(sequence), time_first(v[0])),
      OP("batch_first(steps)", OF(sequence), batch_first(v[0])),
      OP("last(outputs, lengths)", OF(sequence), last(v[0], ends)),
  };
  return all;
}

}  // namespace

TEST_CASE("the gradients of every loss are right, whatever else uses its operands") {
  for (const test::Op& op : all_losses()) test::check_uses(op);
}
