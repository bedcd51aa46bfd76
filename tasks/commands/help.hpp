#pragma once
/// Help pages of commands.

#include <CLI/CLI.hpp>

namespace carousel {

/// A page: what it does, how it is called, what there is to give, an example.
class Help : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode mode) const override;
};

/// The name of a command with those above it, without the program's: "train echo"; empty for the program itself.
std::string full_name(const CLI::App* app);

}  // namespace carousel
