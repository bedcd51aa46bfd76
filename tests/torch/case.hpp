#pragma once
/// One case of the comparison with PyTorch: what tests/torch/cases.py wrote, and how far ours is from it.

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/lib/tape/tape.hpp>

namespace carousel::compare {

class Case {
 public:
  Case(const std::string& path, std::string name);

  const std::string& name() const { return name_; }
  bool has(const std::string& tensor) const { return file_.tensors.contains(tensor); }
  Tensor<double> tensor(const std::string& name) const;
  /// An integer tensor, row by row.
  std::vector<Index> integers(const std::string& name) const;
  Shape shape(const std::string& name) const;
  /// A word of the metadata; `otherwise` where there is none.
  std::string word(const std::string& name, const std::string& otherwise) const;
  double number(const std::string& name, double otherwise) const;
  Index integer(const std::string& name) const;
  /// The tensors whose names begin with `role` and a dot, without these.
  Safetensors role(std::string_view role) const;

  /// Ours against the tensor of that name: |ours − theirs| by the largest |theirs|.
  void expect(const std::string& name, const Tensor<double>& ours);
  /// The loss Σ w∘outputs of the case.
  ///   outputs: by name
  Var<double> loss(const std::vector<std::pair<std::string, Var<double>>>& outputs) const;

  /// The tensors of these roles that nothing was compared with.
  std::vector<std::string> forgotten() const;
  double worst() const { return worst_; }
  const std::string& worst_name() const { return worst_name_; }

 private:
  const StoredTensor& stored(const std::string& name) const;

  Safetensors file_;
  std::string name_, worst_name_ = "nothing";
  double worst_ = 0;
  std::set<std::string> compared_;
};

/// Computes one case. `folder` is for state_dicts of ours, which PyTorch is to read.
using Compute = void (*)(Case& with, const std::string& folder);
void recurrent(Case& with, const std::string& folder);
void layer(Case& with, const std::string& folder);
void cross_entropy(Case& with, const std::string& folder);
void attention(Case& with, const std::string& folder);
void ctc(Case& with, const std::string& folder);
void optimizer(Case& with, const std::string& folder);
void training(Case& with, const std::string& folder);

}  // namespace carousel::compare
