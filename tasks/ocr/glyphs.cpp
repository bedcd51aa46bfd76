#include <carousel/tasks/ocr/glyphs.hpp>

#include <ft2build.h>
#include FT_FREETYPE_H

#include <algorithm>
#include <filesystem>
#include <memory>

#include <carousel/lib/error.hpp>

namespace carousel {

namespace {

namespace fs = std::filesystem;

constexpr const char* usual_folder = "/usr/share/fonts/truetype/dejavu";
constexpr const char* usual_faces[] = {"DejaVuSans",          "DejaVuSans-Bold", "DejaVuSansMono",
                                       "DejaVuSansMono-Bold", "DejaVuSerif",     "DejaVuSerif-Bold"};

struct Closer {
  void operator()(FT_Library library) const { FT_Done_FreeType(library); }
  void operator()(FT_Face face) const { FT_Done_Face(face); }
};
using Library = std::unique_ptr<FT_LibraryRec_, Closer>;
using OpenFace = std::unique_ptr<FT_FaceRec_, Closer>;

Glyph draw(const std::string& path, FT_Face face, char digit) {
  const FT_UInt index = FT_Get_Char_Index(face, static_cast<FT_ULong>(digit));
  if (index == 0) bad_file("read ", path, ": has no ", digit, ": must be a font with digits");
  if (FT_Load_Glyph(face, index, FT_LOAD_NO_HINTING | FT_LOAD_NO_BITMAP) != 0 ||
      FT_Render_Glyph(face->glyph, FT_RENDER_MODE_NORMAL) != 0)
    bad_file("read ", path, ": its ", digit, " cannot be drawn: must be a font of outlines");
  const FT_Bitmap& bitmap = face->glyph->bitmap;
  Glyph glyph{.height = static_cast<Index>(bitmap.rows),
              .width = static_cast<Index>(bitmap.width),
              .ink = {},
              .left = face->glyph->bitmap_left,
              .top = face->glyph->bitmap_top,
              .advance = static_cast<double>(face->glyph->linearHoriAdvance) / 65536};
  for (Index i = 0; i < glyph.height; ++i) {
    const unsigned char* row = bitmap.buffer + i * bitmap.pitch;
    for (Index j = 0; j < glyph.width; ++j) glyph.ink.push_back(static_cast<float>(row[j]) / 255);
  }
  return glyph;
}

Face load_face(FT_Library library, const fs::path& file) {
  const std::string path = file.string();
  FT_Face opened = nullptr;
  if (FT_New_Face(library, path.c_str(), 0, &opened) != 0) bad_file("read ", path, ": must be a font, TrueType or OpenType");
  const OpenFace face(opened);
  if (FT_Set_Pixel_Sizes(face.get(), 0, static_cast<FT_UInt>(em)) != 0)
    bad_file("read ", path, ": has no size of ", em, " pixels: must be a font of outlines");
  Face out{file.stem().string(), {}};
  for (std::size_t digit = 0; digit < out.digits.size(); ++digit)
    out.digits[digit] = draw(path, face.get(), static_cast<char>('0' + digit));
  return out;
}

/// By its name, *.ttf or *.otf, in small letters or capitals.
bool is_font(const fs::path& path) {
  std::string ending = path.extension().string();
  for (char& letter : ending)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return ending == ".ttf" || ending == ".otf";
}

std::vector<fs::path> files_of(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  if (folder.empty()) {
    for (const char* face : usual_faces) {
      files.push_back(fs::path(usual_folder) / (std::string(face) + ".ttf"));
      if (!fs::exists(files.back(), error))
        bad_file("read ", files.back().string(),
                 ": is not there: install the package fonts-dejavu-core, or name a folder of fonts with --fonts");
    }
    return files;
  }
  fs::directory_iterator entries(folder, error);
  if (error) bad_file("--fonts ", folder, ": ", error.message(), ": must be a folder of fonts");
  for (const fs::directory_entry& entry : entries)
    if (is_font(entry.path())) files.push_back(entry.path());
  if (files.empty()) bad_file("--fonts ", folder, ": has no *.ttf or *.otf: must be a folder of fonts");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<Face> load_faces(const std::string& folder) {
  const std::vector<fs::path> files = files_of(folder);
  FT_Library made = nullptr;
  if (FT_Init_FreeType(&made) != 0) bad_file("FreeType does not start");
  const Library library(made);
  std::vector<Face> faces;
  for (const fs::path& file : files) faces.push_back(load_face(library.get(), file));
  return faces;
}

}  // namespace carousel
