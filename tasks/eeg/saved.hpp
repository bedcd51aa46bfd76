#pragma once
/// Nets that a training of the task eeg has saved.

#include <string>
#include <vector>

#include <carousel/lib/files/safetensors.hpp>
#include <carousel/lib/numbers/random.hpp>
#include <carousel/tasks/eeg/model.hpp>

namespace carousel {

/// Under what name metadata of a checkpoint hold what was taken off the channels, see offsets_of().
inline constexpr const char* eeg_offsets_key = "offsets";
/// That, of each channel; nothing of checkpoints that were saved before it was done. Throws as parse_offsets() does.
std::vector<double> saved_offsets(const Metadata& saved, Index channels);

/// Such a net, and what its training knew of the channels.
struct SavedEeg {
  std::vector<std::string> channels;
  std::vector<double> offsets;
  Registry<float> registry = {};
  Random random{1};
  EegModel model;

  /// `options` are those that the checkpoint says. Throws std::runtime_error, with the file's name, for one that holds no such
  /// net.
  SavedEeg(const EegOptions& options, const Safetensors& checkpoint, const std::string& file);
};

}  // namespace carousel
