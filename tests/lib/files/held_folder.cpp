#include <carousel/lib/files/held_folder.hpp>

#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>

#include <fcntl.h>

#include <doctest/doctest.h>

#include <carousel/lib/files/file.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/message_of.hpp"

using namespace carousel;

namespace {

void put(const std::string& path, const std::string& text) {
  NewFile file(path, text.size());
  file.write(std::as_bytes(std::span(text)));
  file.publish();
}

}  // namespace

TEST_CASE("in a held folder files are written, read and removed as elsewhere") {
  const test::Folder folder;
  std::filesystem::create_directories(folder / "run/deep");
  for (const std::string& run : {folder / "run", folder / "run//"}) {
    const HeldFolder held(run);
    CHECK(held.in_place());
    for (const char* name : {"/a", "//b", "/deep/c"}) {
      put(run + name, "one");
      GrowingFile growing(run + name);
      growing.add(std::as_bytes(std::span("two", 3)));
      CHECK(test::read_text(run + name) == "onetwo");
      CHECK(InputFile(run + name).size() == 6);
      remove_file(run + name);
      CHECK_FALSE(std::filesystem::exists(run + name));
    }
    put(folder / "running", "beside it");  // not below it, though its path begins so
    CHECK(InputFile(folder / "running").size() == 9);
  }
}

TEST_CASE("what stands under the path of a held folder that was moved or removed is left alone") {
  for (const bool removed : {false, true})
    for (const bool another : {false, true}) {
      CAPTURE(removed);
      CAPTURE(another);
      const test::Folder folder;
      const std::string run = folder / "run", file = run + "/a";
      std::filesystem::create_directory(run);
      std::optional<HeldFolder> held(run);
      put(file, "mine");
      GrowingFile growing(file);
      NewFile half(file, 4);
      if (removed)
        std::filesystem::remove_all(run);
      else
        std::filesystem::rename(run, folder / "moved");
      if (another) {
        std::filesystem::create_directory(run);
        test::write_text(file, "another's");
      }
      CHECK_FALSE(held->in_place());
      const auto refusal = [&](const char* doing) {
        return doing + (" " + file) + ": " + run +
               " was removed or moved, and is not the folder any more that was opened: must stay while it is in use; nothing was "
               "changed there";
      };
      CHECK(message_of<std::runtime_error>([&] { InputFile{file}; }) == refusal("read"));
      CHECK(message_of<std::runtime_error>([&] { put(file, "mine"); }) == refusal("write"));
      CHECK(message_of<std::runtime_error>([&] { half.publish(); }) == refusal("write"));
      CHECK(message_of<std::runtime_error>([&] { growing.add({}); }) == refusal("write"));
      CHECK(message_of<std::runtime_error>([&] { GrowingFile{file}; }) == refusal("write"));
      CHECK(message_of<std::runtime_error>([&] { remove_file(file); }) == refusal("remove"));
      if (another) CHECK(test::read_text(file) == "another's");
      if (!removed) CHECK(test::read_text(folder / "moved/a") == "mine");
      held.reset();  // it is nobody's any more
      if (another) CHECK(InputFile(file).size() == 9);
    }
}

TEST_CASE("a folder that is not there is not held, and keeps nobody from anything") {
  const test::Folder folder;
  const HeldFolder held(folder / "run");
  CHECK(held.descriptor() == -1);
  std::filesystem::create_directory(folder / "run");
  put(folder / "run/a", "x");
  CHECK(detail::place_of(folder / "run/a", "read ").folder == AT_FDCWD);
}
