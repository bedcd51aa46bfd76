/// Comparison with PyTorch, in double: our half. See cases.py for the other, and for what a case holds.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <map>

#include <carousel/lib/error.hpp>
#include <carousel/ops/elementwise.hpp>
#include <carousel/ops/reduce.hpp>

#include "case.hpp"

namespace carousel::compare {

Case::Case(const std::string& path, std::string name) : file_(read_safetensors(path)), name_(std::move(name)) {}

const StoredTensor& Case::stored(const std::string& name) const {
  const auto found = file_.tensors.find(name);
  if (found == file_.tensors.end()) bad_file("there is no ", name);
  return found->second;
}

Tensor<double> Case::tensor(const std::string& name) const {
  return to_tensor<double>(stored(name), name);
}

std::vector<Index> Case::integers(const std::string& name) const {
  const Tensor<std::int64_t> values = to_tensor<std::int64_t>(stored(name), name);
  return {values.data(), values.data() + values.size()};
}

Shape Case::shape(const std::string& name) const {
  return stored(name).shape;
}

std::string Case::word(const std::string& name, const std::string& otherwise) const {
  const auto found = file_.metadata.find(name);
  return found == file_.metadata.end() ? otherwise : found->second;
}

double Case::number(const std::string& name, double otherwise) const {
  const auto found = file_.metadata.find(name);
  return found == file_.metadata.end() ? otherwise : std::stod(found->second);
}

Index Case::integer(const std::string& name) const {
  const auto found = file_.metadata.find(name);
  if (found == file_.metadata.end()) bad_file("there is no ", name);
  return std::stol(found->second);
}

Safetensors Case::role(std::string_view role) const {
  Safetensors some;
  for (const auto& [name, tensor] : file_.tensors)
    if (name.starts_with(role) && name.substr(role.size()).starts_with('.')) some.tensors[name.substr(role.size() + 1)] = tensor;
  return some;
}

void Case::expect(const std::string& name, const Tensor<double>& ours) {
  const Tensor<double> theirs = tensor(name);
  if (!(shape_of(ours) == shape_of(theirs))) bad_file(name, " is ", shape_of(ours), " here, ", shape_of(theirs), " there");
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const double apart = std::abs(ours.data()[i] - theirs.data()[i]);
    difference = std::isnan(apart) ? HUGE_VAL : std::max(difference, apart);
    largest = std::max(largest, std::abs(theirs.data()[i]));
  }
  const double error = difference == 0 ? 0 : difference / largest;
  if (error >= worst_) {
    worst_ = error;
    worst_name_ = name;
  }
  compared_.insert(name);
}

Var<double> Case::loss(const std::vector<std::pair<std::string, Var<double>>>& outputs) const {
  Var<double> loss;
  for (const auto& [name, output] : outputs) {
    const Var<double> project = Tape<double>::active().constant(tensor("project." + name));
    const Var<double> term = sum(project * output);
    loss = loss.serial() == 0 ? term : Var<double>(loss + term);
  }
  return loss;
}

std::vector<std::string> Case::forgotten() const {
  std::vector<std::string> names;
  for (const auto& [name, tensor] : file_.tensors)
    if ((name.starts_with("out.") || name.starts_with("grad.")) && !compared_.contains(name)) names.push_back(name);
  return names;
}

namespace {

constexpr double tolerance = 1e-9;

const std::map<std::string, Compute, std::less<>> computes = {
    {"recurrent", recurrent}, {"linear", layer},      {"embedding", layer},
    {"layer_norm", layer},    {"conv2d", layer},      {"max_pool2d", layer},
    {"optimizer", optimizer}, {"training", training}, {"cross_entropy", cross_entropy},
    {"attention", attention}, {"ctc", ctc},
};

/// Whether all of a case agrees; says so.
bool agrees(const std::filesystem::path& path, const std::string& ours) {
  const std::string name = path.stem().string();
  try {
    Case with(path.string(), name);
    const auto compute = computes.find(with.word("kind", ""));
    if (compute == computes.end()) bad_file("a case of kind ", with.word("kind", "none"));
    compute->second(with, ours);
    const std::vector<std::string> forgotten = with.forgotten();
    if (!forgotten.empty()) bad_file("nothing to compare with ", forgotten.front());
    std::printf("%-40s %8.1e  %s\n", name.c_str(), with.worst(), with.worst_name().c_str());
    return with.worst() <= tolerance;
  } catch (const std::exception& error) {
    std::printf("%-40s %s\n", name.c_str(), error.what());
    return false;
  }
}

}  // namespace

}  // namespace carousel::compare

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: compare-torch FOLDER of cases by tests/torch/cases.py\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1], ours = folder / "ours";
  std::filesystem::create_directories(ours);
  std::vector<std::filesystem::path> cases;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".safetensors") cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  std::size_t passed = 0;
  for (const std::filesystem::path& path : cases) passed += carousel::compare::agrees(path, ours.string());
  std::printf("%zu passed, %zu failed\n", passed, cases.size() - passed);
  return passed > 0 && passed == cases.size() ? 0 : 1;
}
