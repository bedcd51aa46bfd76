#include <carousel/tasks/eeg/saved.hpp>

#include <stdexcept>

#include <carousel/lib/training/checkpoint.hpp>
#include <carousel/tasks/base/text.hpp>
#include <carousel/tasks/training/arguments.hpp>

namespace carousel {

namespace {

std::vector<std::string> saved_channels(const Safetensors& checkpoint, const std::string& file) {
  return split(detail::saved_value(checkpoint.metadata, "channels", file), ",");
}

std::vector<double> offsets_in(const Safetensors& checkpoint, Index channels, const std::string& file) {
  try {
    return saved_offsets(checkpoint.metadata, channels);
  } catch (const std::invalid_argument& error) {
    detail::bad_saved_value(file, error.what());
  }
}

}  // namespace

std::vector<double> saved_offsets(const Metadata& saved, Index channels) {
  const auto found = saved.find(eeg_offsets_key);
  return found == saved.end() ? std::vector<double>() : parse_offsets(found->second, channels);
}

SavedEeg::SavedEeg(const EegOptions& options, const Safetensors& checkpoint, const std::string& file)
    : channels(saved_channels(checkpoint, file)),
      offsets(offsets_in(checkpoint, std::ssize(channels), file)),
      model(Scope<float>(registry, random), options, std::ssize(channels)) {
  load(registry, checkpoint, file);
}

}  // namespace carousel
