#pragma once
/// Who trains in a folder: one at a time.

#include <string>

#include <carousel/lib/files/held_folder.hpp>

namespace carousel {

/// The folder of a run, held for the one training that writes there; it is free again when this goes, and when the program ends
/// in whatever way. Where the file system knows no locks (flock(2)), others are not kept out. What this training writes and reads
/// there is in this folder, whatever stands under its path later: see HeldFolder.
class RunLock {
 public:
  /// Throws std::runtime_error if another training holds it; one second passes until it is sure of that.
  explicit RunLock(const std::string& folder);

  /// Whether a training holds that folder.
  static bool held(const std::string& folder);

 private:
  HeldFolder folder_;
};

}  // namespace carousel
