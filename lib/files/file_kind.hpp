#pragma once
/// What a file is that should be another kind of file, by its first bytes.

#include <optional>
#include <string>
#include <string_view>

namespace carousel {

/// A format that is not safetensors.
struct FileKind {
  std::string name;  ///< "a zip archive of torch.save"
  std::string help;  ///< what makes safetensors of it
};

/// How many bytes tell it.
inline constexpr std::size_t telling_bytes = 512;

/// What a file is that begins so: a page of HTML, a pointer of Git LFS, JSON, an archive, a net of another program. Nothing where
/// its bytes do not tell.
std::optional<FileKind> kind_of(std::string_view first_bytes);

}  // namespace carousel
