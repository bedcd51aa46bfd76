#include <carousel/models/proof/reference.hpp>

#include <cmath>
#include <set>

#include <doctest/doctest.h>

#include <carousel/lib/numbers/random.hpp>
#include <carousel/lib/tape/statement.hpp>
#include <carousel/lib/training/gradcheck.hpp>
#include <carousel/lib/training/init.hpp>

using namespace carousel;

// ---- the derivations
// -----------------------------------------------------------------------------------------------------------

namespace {

/// A cell by hand with its problem, all tensors random.
struct ByHand {
  reference::Cell cell;
  reference::Tensors parameters;
  reference::Problem problem;

  ByHand(reference::Cell c, Index blocks, bool second_bias, Index members, std::vector<Index> lengths, bool reverse)
      : cell(std::move(c)) {
    constexpr Index steps = 4, batch = 3, in = 2, hidden = 3;
    Random random(11);
    const auto draw = [&](const Shape& shape) { return init::uniform<double>(-1, 1)(shape, random); };
    parameters = {{"wx", draw({in, blocks * hidden})}, {"wh", draw({hidden, blocks * hidden})}, {"b", draw({blocks * hidden})}};
    if (second_bias) parameters.emplace("bh", draw({blocks * hidden}));
    problem.xs = draw({steps, batch, in});
    problem.d_outputs = draw({steps, batch, hidden});
    for (Index m = 0; m < members; ++m) {
      problem.start.push_back(draw({batch, hidden}));
      problem.d_end.push_back(zeros<double>({batch, hidden}));
    }
    problem.lengths = std::move(lengths);
    problem.reverse = reverse;
  }

  double loss() const {
    const Tensor<double> outputs = cell(parameters, problem).outputs;
    double sum = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i) sum += outputs.data()[i] * problem.d_outputs.data()[i];
    return sum;
  }

  void check(const std::string& name, Tensor<double>& x) {
    const Tensor<double> derived = cell(parameters, problem).gradients.at(name);
    const CheckedTensor compared = compare_gradients(name, derived, numeric_gradient([&] { return loss(); }, x));
    CHECK_MESSAGE(compared.worst_error < 1e-7, compared.describe());
  }
  void check_all() {
    for (auto& [name, value] : parameters) check(name, value);
    check("xs", problem.xs);
    for (std::size_t m = 0; m < problem.start.size(); ++m) check("start " + std::to_string(m), problem.start[m]);
  }
};

}  // namespace

TEST_CASE("the hand-derived gradients are the numeric ones of their own loops") {
  for (const bool reverse : {false, true})
    for (const std::vector<Index>& lengths : {std::vector<Index>{}, {4, 1, 0}}) {
      ByHand(reference::rnn_tanh, 1, false, 1, lengths, reverse).check_all();
      ByHand(reference::lstm, 4, false, 2, lengths, reverse).check_all();
      ByHand(reference::lstm_linear, 4, false, 2, lengths, reverse).check_all();
      ByHand(reference::gru, 3, true, 1, lengths, reverse).check_all();
    }
}

TEST_CASE("beyond its length an example has no output, no gradient, and its state stays") {
  ByHand hand(reference::lstm, 4, false, 2, {2, 4, 0}, false);
  for (Tensor<double>& d : hand.problem.d_end) std::fill(d.begin(), d.end(), 1.0);
  const reference::Answer answer = hand.cell(hand.parameters, hand.problem);
  for (Index t = 2; t < 4; ++t)
    for (Index j = 0; j < 3; ++j) CHECK(answer.outputs.data()[(t * 3 + 0) * 3 + j] == 0);
  for (Index t = 2; t < 4; ++t)
    for (Index j = 0; j < 2; ++j) CHECK(answer.gradients.at("xs").data()[(t * 3 + 0) * 2 + j] == 0);
  for (Index j = 0; j < 3; ++j) CHECK(answer.gradients.at("start 1").data()[2 * 3 + j] == 1);
}

TEST_CASE("hand-derived cells are found by the names of the cells") {
  CHECK(static_cast<bool>(reference::cell("lstm")));
  CHECK(static_cast<bool>(reference::cell("lstm-linear")));
  CHECK(static_cast<bool>(reference::cell("rnn-tanh")));
  CHECK(static_cast<bool>(reference::cell("gru")));
  CHECK_FALSE(static_cast<bool>(reference::cell("lstm-peephole")));
}

TEST_CASE("the hand-derived gradient of softmax cross-entropy is the numeric one") {
  Random random(3);
  Tensor<double> logits = init::normal<double>(0, 1)({3, 5}, random);
  const std::vector<Index> labels{4, 0, 2};
  const auto loss = [&] {
    double sum = 0;
    for (std::size_t at = 0; at < 3; ++at) {
      double total = 0;
      for (std::size_t j = 0; j < 5; ++j) total += std::exp(logits.data()[at * 5 + j]);
      sum -= std::log(std::exp(logits.data()[at * 5 + static_cast<std::size_t>(labels[at])]) / total);
    }
    return sum / 3;
  };
  const CheckedTensor compared =
      compare_gradients("logits", reference::cross_entropy_gradient(logits, labels), numeric_gradient(loss, logits));
  CHECK_MESSAGE(compared.worst_error < 1e-9, compared.describe());
}

// ---- a wrong derivation
// --------------------------------------------------------------------------------------------------------

namespace {

/// The faults of the hand-written backward pass of qixianbiao/RNN (rnn.py, 2016), each by itself.
enum Fault : unsigned {
  no_recurrence = 1,     // ∂L/∂h goes from step to step without Whh (1 − h²): it is only summed
  skips_last_step = 2,   // the loop over the steps starts at the last but one
  wraps_round = 4,       // the state before the first step is taken from the end of the list: h[−1]
  shares_memory = 8,     // the gradient at the last step and the running one are the same array, changed in place
  counts_a_phantom = 16  // the second bias, which the forward pass leaves out, receives a gradient
};
constexpr unsigned original = no_recurrence | skips_last_step | wraps_round | shares_memory | counts_a_phantom;

using Vector = std::vector<double>;

/// z += v W and its ways back, for W: [rows, columns].
void add_product(const double* v, std::size_t rows, const double* w, Vector& z) {
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t j = 0; j < z.size(); ++j) z[j] += v[k] * w[k * z.size() + j];
}
Vector product_back(const double* w, std::size_t rows, const Vector& dz) {
  Vector dv(rows);
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t j = 0; j < dz.size(); ++j) dv[k] += w[k * dz.size() + j] * dz[j];
  return dv;
}
void add_outer(const double* v, std::size_t rows, const Vector& dz, Vector& dw) {
  for (std::size_t k = 0; k < rows; ++k)
    for (std::size_t j = 0; j < dz.size(); ++j) dw[k * dz.size() + j] += v[k] * dz[j];
}
void add(const Vector& from, Vector& to) {
  for (std::size_t j = 0; j < from.size(); ++j) to[j] += from[j];
}

/// The recurrent network that counts from one digit to the next: h = tanh(x Wxh + bxh + h Whh), p = softmax(h Why + bhy), the
/// loss the sum of −log p of the digits that follow. As one op, whose backward pass was written by hand.
struct Counting {
  static constexpr std::size_t steps = 9, digits = 10, hidden = 4;
  enum { wxh, whh, bxh, bhh, why, bhy, h0, operands };
  static constexpr const char* names[] = {"Wxh", "Whh", "bxh", "bhh", "Why", "bhy", "h0"};

  static std::vector<CheckedInput> inputs() {
    const Shape shapes[] = {{digits, hidden}, {hidden, hidden}, {hidden}, {hidden}, {hidden, digits}, {digits}, {hidden}};
    Random random(5);
    std::vector<CheckedInput> all;
    for (std::size_t i = 0; i < operands; ++i) all.push_back({names[i], init::uniform<double>(-1, 1)(shapes[i], random)});
    return all;
  }

  struct Closure {
    std::uint32_t nodes[operands];
    unsigned faults;
  };

  static std::size_t input(std::size_t t) { return (3 + t) % 9; }
  static std::size_t target(std::size_t t) { return (4 + t) % 9; }

  /// States before the first step and after each, and the predicted probabilities.
  static void forward(const double* const* p, std::vector<Vector>& hs, std::vector<Vector>& ps) {
    hs.assign(1, Vector(p[h0], p[h0] + hidden));
    for (std::size_t t = 0; t < steps; ++t) {
      Vector h(p[bxh], p[bxh] + hidden);
      for (std::size_t j = 0; j < hidden; ++j) h[j] += p[wxh][input(t) * hidden + j];
      add_product(hs.back().data(), hidden, p[whh], h);
      for (double& v : h) v = std::tanh(v);
      Vector y(p[bhy], p[bhy] + digits);
      add_product(h.data(), hidden, p[why], y);
      double total = 0;
      for (double& v : y) total += v = std::exp(v);
      for (double& v : y) v /= total;
      hs.push_back(h);
      ps.push_back(y);
    }
  }

  static Var<double> loss(std::span<const Var<double>> v, unsigned faults) {
    Tape<double>& tape = Tape<double>::active();
    Closure closure{{}, faults};
    const double* p[operands];
    for (std::size_t i = 0; i < operands; ++i) p[i] = tape.data(v[i]), closure.nodes[i] = v[i].index();
    std::vector<Vector> hs, ps;
    forward(p, hs, ps);
    double value = 0;
    for (std::size_t t = 0; t < steps; ++t) value -= std::log(ps[t][target(t)]);
    const Var<double> out = tape.record(Shape{}, tape.recording());
    *tape.node(out).value = value;
    static constexpr detail::Operation<double> operation{"counting", &backward};
    tape.set_backward(out, operation, closure);
    return out;
  }

  static void backward(Tape<double>& tape, std::uint32_t self, const void* saved) {
    const auto& nodes = static_cast<const Closure*>(saved)->nodes;
    const unsigned faults = static_cast<const Closure*>(saved)->faults;
    const double* p[operands];
    Vector d[operands];
    for (std::size_t i = 0; i < operands; ++i) {
      p[i] = tape.node(nodes[i]).value;
      d[i].resize(static_cast<std::size_t>(tape.node(nodes[i]).shape.size()));
    }
    std::vector<Vector> hs, ps;
    forward(p, hs, ps);
    const auto state = [&](std::size_t t) -> Vector& { return hs[t + 1]; };  // after step t
    const auto before = [&](std::size_t t) -> Vector& { return t == 0 && (faults & wraps_round) ? hs.back() : hs[t]; };
    const auto error_of = [&](std::size_t t) {  // ∂L/∂(h Why + bhy) = p − y
      Vector dy = ps[t];
      dy[target(t)] -= 1;
      return dy;
    };
    const auto through_tanh = [&](std::size_t t, const Vector& dh) {
      Vector dz(hidden);
      for (std::size_t j = 0; j < hidden; ++j) dz[j] = dh[j] * (1 - state(t)[j] * state(t)[j]);
      return dz;
    };
    const auto send = [&](std::size_t t, const Vector& dh) {
      const Vector dz = through_tanh(t, dh), dy = error_of(t);
      for (std::size_t j = 0; j < hidden; ++j) d[wxh][input(t) * hidden + j] += dz[j];
      add(dz, d[bxh]);
      if (faults & counts_a_phantom) add(dz, d[bhh]);
      add_outer(before(t).data(), hidden, dz, d[whh]);
      add_outer(state(t).data(), hidden, dy, d[why]);
      add(dy, d[bhy]);
    };

    Vector at_last_step = product_back(p[why], hidden, error_of(steps - 1)), copy = at_last_step;
    Vector& dh = faults & shares_memory ? at_last_step : copy;
    for (std::size_t t = steps - 1; t-- > 0;) {
      if (!(faults & no_recurrence)) dh = product_back(p[whh], hidden, through_tanh(t + 1, dh));
      add(product_back(p[why], hidden, error_of(t)), dh);
      send(t, dh);
    }
    if (!(faults & skips_last_step)) send(steps - 1, at_last_step);
    if (!(faults & no_recurrence)) dh = product_back(p[whh], hidden, through_tanh(0, dh));
    d[h0] = dh;
    const double dloss = *tape.gradient_buffer(self);
    for (Vector& each : d)
      for (double& v : each) v *= dloss;
    for (std::size_t i = 0; i < operands; ++i)
      if (tape.node(nodes[i]).needs_gradient) detail::add_to_gradient(tape, nodes[i], static_cast<const double*>(d[i].data()));
  }

  static GradcheckResult check(unsigned faults) {
    return gradcheck([&](std::span<const Var<double>> v) { return loss(v, faults); }, inputs());
  }
};

std::set<std::string> wrong_tensors(const GradcheckResult& result) {
  std::set<std::string> names;
  for (const CheckedTensor& tensor : result.tensors)
    if (tensor.worst_error > 1e-6) names.insert(tensor.name);
  return names;
}

}  // namespace

TEST_CASE("the backward pass of qixianbiao/RNN, written by hand with five faults, is rejected in every parameter") {
  const GradcheckResult result = Counting::check(original);
  CHECK_FALSE(result.passed);
  CHECK(wrong_tensors(result) == std::set<std::string>{"Wxh", "Whh", "bxh", "bhh", "Why", "bhy", "h0"});
}

TEST_CASE("the rejection names the parameter, the entry and both numbers") {
  const GradcheckResult result = Counting::check(skips_last_step);
  for (const CheckedTensor& tensor : result.tensors)
    if (tensor.name == "bhy") {
      // The digit that follows the last one: (p − y) of that step is missing.
      CHECK(tensor.describe().starts_with("bhy[" + std::to_string(Counting::target(Counting::steps - 1)) + "]: tape "));
      CHECK(tensor.describe().find(", numeric ") != std::string::npos);
    }
}

TEST_CASE("each of the five faults alone is found, in the parameters that it spoils") {
  using Names = std::set<std::string>;
  CHECK(wrong_tensors(Counting::check(no_recurrence)) == Names{"Wxh", "Whh", "bxh", "h0"});
  CHECK(wrong_tensors(Counting::check(skips_last_step)) == Names{"Wxh", "Whh", "bxh", "Why", "bhy"});
  CHECK(wrong_tensors(Counting::check(wraps_round)) == Names{"Whh"});
  CHECK(wrong_tensors(Counting::check(shares_memory)) == Names{"Wxh", "Whh", "bxh"});
  CHECK(wrong_tensors(Counting::check(counts_a_phantom)) == Names{"bhh"});
}

TEST_CASE("without its faults the same backward pass is accepted") {
  const GradcheckResult result = Counting::check(0);
  CHECK_MESSAGE(result.passed, result.worst().describe());
}
