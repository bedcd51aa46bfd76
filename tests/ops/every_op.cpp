// All ops, each used in every way in which a value may be used: tests/check/lint.sh compares the names with models/README.md.

#include <carousel/ops/affine.hpp>
#include <carousel/ops/conv.hpp>
#include <carousel/ops/dropout.hpp>
#include <carousel/ops/embedding.hpp>
#include <carousel/ops/matmul.hpp>
#include <carousel/ops/norm.hpp>
#include <carousel/ops/softmax.hpp>

#include "tests/ops/uses.hpp"

using namespace carousel;
using test::Operand;

namespace {

const std::vector<test::Op>& all_ops() {
  static const Operand x{{2, 3}}, row{{3}}, positive{{2, 3}, 0.5, 2.5}, square_matrix{{3, 3}};
  static const Operand image{{2, 2, 4, 3}}, kernel{{3, 2, 2, 2}}, channels{{3}}, stack_of_matrices{{2, 2, 3}};
  static const DropoutKey key{.seed = 3, .step = 1, .place = 2};
  static const std::vector<Index> ids{2, 0, 2, 1};
  static const std::vector<test::Op> all{
      OP("operator+(a, b)", OF(x, x), v[0] + v[1]),
      OP("operator+(a, b)", OF(x, row), v[0] + v[1]),
      OP("operator-(a, b)", OF(x, x), v[0] - v[1]),
      OP("operator-(a, b)", OF(row, x), v[0] - v[1]),
      OP("operator*(a, b)", OF(x, x), v[0] * v[1]),
      OP("operator*(a, b)", OF(x, row), v[0] * v[1]),
      OP("operator/(a, b)", OF(positive, positive), v[0] / v[1]),
      OP("operator/(a, b)", OF(positive, Operand{{2, 1}, 0.5, 2.5}), v[0] / v[1]),
      OP("operator-(a)", OF(x), -v[0]),

      OP("exp(x)", OF(x), exp(v[0])),
      OP("log(x)", OF(positive), log(v[0])),
      OP("sqrt(x)", OF(positive), sqrt(v[0])),
      OP("square(x)", OF(x), square(v[0])),
      OP("abs(x)", OF(x), abs(v[0])),
      OP("sin(x)", OF(x), sin(v[0])),
      OP("cos(x)", OF(x), cos(v[0])),
      OP("pow(x, p)", OF(positive, positive), pow(v[0], v[1])),
      OP("minimum(a, b)", OF(x, x), minimum(v[0], v[1])),
      OP("maximum(a, b)", OF(x, x), maximum(v[0], v[1])),
      OP("clamp(x, low, high)", OF(x, Operand{{2, 3}, -1, -0.2}, Operand{{2, 3}, 0.2, 1}), clamp(v[0], v[1], v[2])),
      OP("operator<(a, b)", OF(x, x), v[0] < v[1]),
      OP("operator<=(a, b)", OF(x, x), v[0] <= v[1]),
      OP("operator>(a, b)", OF(x, x), v[0] > v[1]),
      OP("operator>=(a, b)", OF(x, x), v[0] >= v[1]),
      OP("where(condition, a, b)", OF(x, x, x), where(Var<double>(v[0] > 0), v[1], v[2])),
      OP("where(condition, a, b)", OF(x, x, x), where(v[0], v[1], v[2])),
      OP("sigmoid(x)", OF(x), sigmoid(v[0])),
      OP("tanh(x)", OF(x), tanh(v[0])),
      OP("relu(x)", OF(x), relu(v[0])),
      OP("leaky_relu(x, slope)", OF(x, x), leaky_relu(v[0], v[1])),
      OP("leaky_relu(x)", OF(x), leaky_relu(v[0])),
      OP("elu(x, alpha)", OF(x, x), elu(v[0], v[1])),
      OP("elu(x)", OF(x), elu(v[0])),
      OP("gelu(x)", OF(x), gelu(v[0])),
      OP("softplus(x)", OF(x), softplus(v[0])),

      OP("affine(operands)", OF(x, Operand{{3, 2}}, Operand{{2}}), affine(v[0], v[1], v[2])),
      OP("affine(operands)", OF(square_matrix, square_matrix), affine(v[0], v[1])),
      OP("affine(operands)", OF(square_matrix, square_matrix, square_matrix, square_matrix, row),
         affine(v[0], v[1], v[2], v[3], v[4])),
      OP("affine(operands)", OF(stack_of_matrices, square_matrix, stack_of_matrices, square_matrix),
         affine(v[0], v[1], v[2], v[3])),
      OP("matmul(a, b)", OF(x, Operand{{3, 4}}), matmul(v[0], v[1])),
      OP("matmul(a, b)", OF(square_matrix, square_matrix), matmul(v[0], v[1])),
      OP("matmul(a, b)", OF(Operand{{2, 3, 3}}, Operand{{2, 3, 3}}), matmul(v[0], v[1])),
      OP("matmul(a, b)", OF(stack_of_matrices, square_matrix), matmul(v[0], v[1])),
      OP("matmul(a, b)", OF(Operand{{3, 2}}, Operand{{2, 2, 3}}), matmul(v[0], v[1])),

      OP("concat(values, axis)", OF(x, x), concat({v[0], v[1]}, 1)),
      OP("concat(values, axis)", OF(x, Operand{{1, 3}}, x), concat({v[0], v[1], v[2]}, 0)),
      OP("flip(x, axis)", OF(x), flip(v[0], 0)),
      OP("flip(x, axis)", OF(x), flip(v[0], 1)),
      OP("broadcast_to(x, shape)", OF(row), broadcast_to(v[0], {2, 2, 3})),
      OP("broadcast_to(x, shape)", OF(x), broadcast_to(v[0], {2, 3})),
      OP("gather(x, axis, indices)", OF(x), gather(v[0], 1, {2, 0, 2})),
      OP("gather(x, axis, indices)", OF(x), gather(v[0], 0, {1})),

      OP("conv2d(x, w, b, options)", OF(image, kernel, channels), conv2d(v[0], v[1], v[2])),
      OP("conv2d(x, w, b, options)", OF(image, kernel, channels), conv2d(v[0], v[1], v[2], {.stride = 2, .padding = 1})),
      OP("conv2d(x, w, b, options)", OF(Operand{{2, 2, 3, 2}}, Operand{{2, 2, 3, 2}}, Operand{{2}}),
         conv2d(v[0], v[1], v[2], {.padding = 1})),
      OP("max_pool2d(x, options)", OF(image), max_pool2d(v[0])),
      OP("max_pool2d(x, options)", OF(image), max_pool2d(v[0], {.size = 2, .stride = 1})),
      OP("dropout(x, rate, key)", OF(Operand{{4, 5}}), dropout(v[0], 0.4, key)),
      OP("dropout(x, rate, key)", OF(x), dropout(v[0], 0, key)),
      OP("embed(table, ids, leading)", OF(x), embed(v[0], std::vector<Index>{1, 0, 1, 1}, {2, 2})),
      OP("embed(table, ids)", OF(square_matrix), embed(v[0], ids)),
      OP("layer_norm(x, gain, bias, epsilon)", OF(x, row, row), layer_norm(v[0], v[1], v[2])),
      OP("layer_norm(x, gain, bias, epsilon)", OF(row, row, row), layer_norm(v[0], v[1], v[2])),

      OP("sum(x)", OF(x), sum(v[0])),
      OP("sum(x, axis)", OF(x), sum(v[0], 0)),
      OP("sum(x, axis)", OF(x), sum(v[0], 1)),
      OP("mean(x)", OF(x), mean(v[0])),
      OP("mean(x, axis)", OF(x), mean(v[0], 0)),
      OP("mean(x, axis)", OF(x), mean(v[0], 1)),
      OP("max(x)", OF(x), max(v[0])),
      OP("max(x, axis)", OF(x), max(v[0], Axis{0})),
      OP("max(x, axis)", OF(x), max(v[0], Axis{1})),

      OP("packed(x)", OF(x), packed(v[0])),
      OP("reshape(x, shape)", OF(x), reshape(v[0], {3, 2})),
      OP("slice(x, axis, from, to)", OF(x), slice(v[0], 1, 1, 3)),
      OP("slice(x, axis, from, to)", OF(x), slice(v[0], 0, 0, 2)),
      OP("at(x, axis, at)", OF(x), at(v[0], 1, 2)),
      OP("at(x, axis, at)", OF(x), at(v[0], 0, 1)),
      OP("last(x)", OF(x), last(v[0])),
      OP("transpose(x, a, b)", OF(x), transpose(v[0])),
      OP("transpose(x, a, b)", OF(stack_of_matrices), transpose(v[0], 0, 2)),
      OP("stack(values)", OF(x, x, x), stack({v[0], v[1], v[2]})),
      OP("split(x, axis)", OF(x), split<3>(v[0])[1]),
      OP("split(x, axis)", OF(x), split<2>(v[0], 0)[0]),
      OP("split(x, axis)", OF(Operand{{2, 4}}), concat(split<2>(v[0]), 0)),

      OP("softmax(x, axis)", OF(x), softmax(v[0])),
      OP("softmax(x, axis)", OF(x), softmax(v[0], 0)),
      OP("log_softmax(x, axis)", OF(x), log_softmax(v[0])),
      OP("log_softmax(x, axis)", OF(x), log_softmax(v[0], 0)),
      OP("logsumexp(x)", OF(x), logsumexp(v[0])),
      OP("logsumexp(x, axis)", OF(x), logsumexp(v[0], 0)),
      OP("logsumexp(x, axis)", OF(x), logsumexp(v[0], 1)),
  };
  return all;
}

}  // namespace

TEST_CASE("the gradients of every op are right, whatever else uses its operands") {
  for (const test::Op& op : all_ops()) test::check_uses(op);
}
