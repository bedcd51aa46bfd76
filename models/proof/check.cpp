#include <carousel/models/proof/check.hpp>

#include <algorithm>

#include <carousel/models/sequence/scan.hpp>
#include <carousel/ops/reduce.hpp>

namespace carousel {

namespace {

/// One way to run a cell.
struct Run {
  Index steps;
  std::vector<Index> lengths;  // empty: all
  bool reverse, given_start;

  std::string name() const {
    return std::to_string(steps) + (steps == 1 ? " step" : " steps") + (lengths.empty() ? "" : ", ragged") +
           (reverse ? ", in reverse" : "") + (given_start ? ", from a given state" : "");
  }
};

/// Lengths from all steps down to none; half of them for an example alone.
std::vector<Index> ragged(Index steps, Index batch) {
  if (batch == 1) return {steps / 2};
  std::vector<Index> lengths;
  for (Index i = 0; i < batch; ++i) lengths.push_back(steps - i * steps / (batch - 1));
  return lengths;
}

/// All tensors of a run: the sequence, the first state, and the weights of the loss.
struct Data {
  Tensor<double> xs, output_weights;
  std::vector<Tensor<double>> start, end_weights;

  Data(const AnyCell<double>& cell, const Run& run, const CellCheckOptions& options) {
    Random random(options.seed);
    const auto draw = init::uniform<double>(-1, 1);
    std::vector<Shape> members;
    {
      Tape<double> tape;
      auto state = cell.start(options.batch);
      for (const Var<double>& member : state.members()) members.push_back(member.shape());
    }
    xs = draw({run.steps, options.batch, options.in}, random);
    Shape outputs{run.steps};
    for (Index extent : members[0]) outputs.push_back(extent);
    output_weights = draw(outputs, random);
    for (const Shape& member : members) end_weights.push_back(draw(member, random));
    if (run.given_start)
      for (const Shape& member : members) start.push_back(draw(member, random));
  }
};

/// The parameters that a tape has met.
std::vector<const Parameter<double>*> parameters_of(Tape<double>& tape) {
  std::vector<const Parameter<double>*> all;
  for (std::uint32_t i = 0; i < tape.size(); ++i)
    if (const Parameter<double>* const p = tape.node(i).parameter) all.push_back(p);
  return all;
}

/// How many characters of their paths are the folder that holds all of them.
std::size_t common_folder(const std::vector<const Parameter<double>*>& parameters) {
  if (parameters.empty()) return 0;
  std::string_view folder = parameters[0]->path;
  const auto up = [&] { folder = folder.substr(0, folder.empty() ? 0 : folder.substr(0, folder.size() - 1).rfind('/') + 1); };
  up();
  for (const Parameter<double>* p : parameters)
    while (!p->path.starts_with(folder)) up();
  return folder.size();
}

class Checker {
 public:
  Checker(const AnyCell<double>& cell, Registry<double>& registry, const CellCheckOptions& options)
      : cell_(cell), registry_(registry), options_(options) {}

  void check(const Run& run) {
    const Data data(cell_, run, options_);
    const auto f = [&](std::span<const Var<double>> v) { return loss(run, data, v); };
    std::vector<CheckedInput> inputs{{"xs", data.xs, true}};
    for (std::size_t m = 0; m < data.start.size(); ++m) inputs.push_back({"start " + std::to_string(m), data.start[m]});
    const GradcheckResult result = gradcheck(f, inputs, &registry_, options_.gradcheck);
    for (const CheckedTensor& tensor : result.tensors) add(tensor, run);
    checks_ += result.checks;
    if (options_.by_hand) compare_by_hand(run, data);
  }

  CellCheck result() const {
    CellCheck all{tensors_, checks_, 0, 0, false};
    for (const CheckedCellTensor& tensor : tensors_) {
      all.worst_error = std::max(all.worst_error, tensor.numeric.worst_error);
      if (tensor.by_hand) all.worst_by_hand = std::max(all.worst_by_hand, tensor.by_hand->worst_error);
    }
    all.passed =
        checks_ > 0 && all.worst_error <= options_.gradcheck.tolerance && all.worst_by_hand <= options_.by_hand_tolerance;
    return all;
  }

 private:
  /// v: xs, then the first state where it is given.
  Var<double> loss(const Run& run, const Data& data, std::span<const Var<double>> v) const {
    Tape<double>& tape = Tape<double>::active();
    auto state = cell_.start(options_.batch);
    for (std::size_t m = 0; m + 1 < v.size(); ++m) state.members()[m] = v[m + 1];
    auto scanned = scan(cell_, v[0], state, {.lengths = run.lengths, .reverse = run.reverse});
    Var<double> total = sum(tape.constant(data.output_weights) * scanned.outputs);
    for (std::size_t m = 0; m < data.end_weights.size(); ++m)
      total = total + sum(tape.constant(data.end_weights[m]) * scanned.state.members()[m]);
    return total;
  }

  CheckedCellTensor& row(const std::string& name) {
    const auto found = std::find_if(tensors_.begin(), tensors_.end(), [&](const auto& t) { return t.numeric.name == name; });
    if (found != tensors_.end()) return *found;
    tensors_.emplace_back().numeric.name = name;
    tensors_.back().numeric.worst_error = -1;
    return tensors_.back();
  }

  void add(const CheckedTensor& tensor, const Run& run) {
    CheckedCellTensor& to = row(tensor.name);
    if (tensor.worst_error <= to.numeric.worst_error) return;
    to.numeric = tensor;
    to.run = run.name();
  }

  void compare_by_hand(const Run& run, const Data& data) {
    Tape<double> tape;
    std::vector<Var<double>> v{tape.variable(data.xs)};
    for (const Tensor<double>& member : data.start) v.push_back(tape.variable(member));
    tape.backward(loss(run, data, v));

    const std::vector<const Parameter<double>*> used = parameters_of(tape);
    const std::size_t folder = common_folder(used);
    const auto name = [&](const Parameter<double>& p) { return p.path.substr(folder); };
    reference::Problem problem{data.xs, data.start, data.output_weights, data.end_weights, run.lengths, run.reverse};
    if (data.start.empty()) problem.start = own_start();
    reference::Tensors parameters;
    for (const Parameter<double>* p : used) parameters.emplace(name(*p), p->value);
    const reference::Answer answer = options_.by_hand(parameters, problem);

    const auto compare = [&](const std::string& as, const Tensor<double>& ours, const std::string& theirs) {
      const auto found = answer.gradients.find(theirs);
      if (found == answer.gradients.end())
        wrong_argument("check_cell: by hand there is no gradient of ", theirs, ": must be one of each parameter, xs and start");
      CheckedTensor compared = compare_gradients(as, ours, found->second, 1);
      std::optional<CheckedTensor>& worst = row(as).by_hand;
      if (!worst || compared.worst_error > worst->worst_error) worst = std::move(compared);
    };
    compare("xs", tape.gradient(v[0]), "xs");
    for (std::size_t m = 0; m < data.start.size(); ++m)
      compare("start " + std::to_string(m), tape.gradient(v[m + 1]), "start " + std::to_string(m));
    for (const Parameter<double>* p : used)  // those of the start that the cell makes are not reached where another is given
      if (!p->frozen && (p->has_gradient || !run.given_start))
        compare(p->path, p->has_gradient ? p->gradient : zeros<double>(p->shape()), name(*p));
  }

  /// What the cell itself starts with.
  std::vector<Tensor<double>> own_start() const {
    Tape<double> tape;
    auto state = cell_.start(options_.batch);
    std::vector<Tensor<double>> start;
    for (const Var<double>& member : state.members()) tape.copy_value(member, start.emplace_back());
    return start;
  }

  const AnyCell<double>& cell_;
  Registry<double>& registry_;
  const CellCheckOptions& options_;
  std::vector<CheckedCellTensor> tensors_;
  Index checks_ = 0;
};

}  // namespace

std::string CellCheck::describe() const {
  if (tensors.empty()) wrong_order("check_cell: nothing was compared: there is no worst entry");
  const auto error = [](const CheckedCellTensor& t) { return t.numeric.worst_error; };
  const auto by_hand_error = [](const CheckedCellTensor& t) { return t.by_hand ? t.by_hand->worst_error : -1; };
  const auto worst_of = [&](auto e) {
    return *std::max_element(tensors.begin(), tensors.end(), [&](const auto& a, const auto& b) { return e(a) < e(b); });
  };
  const CheckedCellTensor worst = worst_of(error), by_hand = worst_of(by_hand_error);
  std::string line = worst.numeric.describe() + " (" + worst.run + ")";
  if (by_hand.by_hand) line += "; " + by_hand.by_hand->describe("by hand");
  return line;
}

CellCheck check_cell(const AnyCell<double>& cell, Registry<double>& registry, const CellCheckOptions& options) {
  Checker checker(cell, registry, options);
  for (const Index steps : options.steps)
    for (const bool is_ragged : {false, true})
      for (const bool reverse : {false, true})
        for (const bool given_start : {false, true})
          checker.check({steps, is_ragged ? ragged(steps, options.batch) : std::vector<Index>(), reverse, given_start});
  return checker.result();
}

}  // namespace carousel
