#include <carousel/tasks/base/options.hpp>

#include <cstdlib>
#include <filesystem>
#include <optional>

#include <doctest/doctest.h>

#include "tests/support/folder.hpp"

using namespace carousel;

namespace {
/// Sets a variable of the environment, or removes it, until it goes.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    value ? setenv(name, value, 1) : unsetenv(name);
  }
  ~Variable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};
}  // namespace

TEST_CASE("data sets lie in $CAROUSEL_DATA, or else in a folder of the user's, if it is there") {
  const test::Folder folder;
  const Variable share("XDG_DATA_HOME", (folder / "").c_str());
  {
    const Variable data("CAROUSEL_DATA", "from/environment");
    CHECK(detail::data_folder() == "from/environment");
  }
  const Variable data("CAROUSEL_DATA", nullptr);
  CHECK(detail::data_folder().empty());
  std::filesystem::create_directory(folder / "carousel");
  CHECK(detail::data_folder() == detail::usual_data_folder());
  const Variable empty("CAROUSEL_DATA", "");
  CHECK(detail::data_folder().empty());
}

TEST_CASE("the usual folder of data sets is that of the XDG specification") {
  const Variable home("HOME", "/who");
  {
    const Variable share("XDG_DATA_HOME", "/share");
    CHECK(detail::usual_data_folder() == "/share/carousel");
  }
  for (const char* none : {"", "relative"}) {
    const Variable share("XDG_DATA_HOME", none);
    CHECK(detail::usual_data_folder() == "/who/.local/share/carousel");
  }
  const Variable share("XDG_DATA_HOME", nullptr), nobody("HOME", nullptr);
  CHECK(detail::usual_data_folder().empty());
}

TEST_CASE("a file is found by its name in the folder of data sets, unless one lies where it is named") {
  const test::Folder folder;
  const Variable data("CAROUSEL_DATA", (folder / "").c_str());
  std::filesystem::create_directory(folder / "text");
  test::write_text(folder / "text/plays.txt", "to be");
  CHECK(detail::find_on_shelf("plays", "text") == folder / "" + "/text/plays.txt");
  CHECK(detail::find_on_shelf("plays.txt", "text") == folder / "" + "/text/plays.txt");
  CHECK(detail::find_on_shelf("poems", "text") == "poems");
  CHECK(detail::find_on_shelf("./plays", "text") == "./plays");
  CHECK(detail::find_on_shelf("/dev/null", "text") == "/dev/null");
  CHECK(detail::find_on_shelf("", "text").empty());
}
