#pragma once
/// Command lines: commands, what may follow them, and their help pages. CLI11 reads them, which takes seconds to compile:
/// command_line.cpp alone includes it, and all others know a command as a CLI::App that these functions change.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <carousel/tasks/base/options.hpp>

namespace carousel {

/// What a command line is for: the head, foot and version of its help.
struct CommandLine {
  std::string about, footer, version;
  std::function<void(CLI::App&)> declare;  ///< adds commands, options, arguments
};

/// Reads words in their order; false where help or the version was asked for, and printed. Throws std::invalid_argument for a
/// command, option or argument that there is not, or that is missing.
bool read_command_line(const CommandLine& line, std::vector<std::string> words);
/// The help page of the command that these words name.
std::string help_page(const CommandLine& line, const std::vector<std::string>& command = {});
/// Reads words that are options alone, and already known to be right.
void read_options(const std::function<void(CLI::App&)>& declare, std::vector<std::string> words);

namespace detail {

/// A line of a help page, a name and a description, folded to its width.
std::string help_row(const std::string& name, const std::string& description);

/// A command below another one.
CLI::App& declare_command(CLI::App& app, const std::string& name, const std::string& about, const std::string& footer);
/// Called when the command line has been read, and names this command.
void on_command(CLI::App& app, std::function<void()> call);
/// One of the commands below this one must be chosen; or may be.
void require_command(CLI::App& app);
void allow_command(CLI::App& app);
/// Whether one of the commands below this one was chosen.
bool has_command(const CLI::App& app);
/// The options that were given, without arguments.
std::vector<std::string> given_options(const CLI::App& app);

/// A word without an option before it, or as many as there are.
void declare_argument(CLI::App& app, const std::string& name, std::string& to, const std::string& help, bool required);
void declare_arguments(CLI::App& app, const std::string& name, std::vector<std::string>& to, const std::string& help);
/// `value` names what follows the option; empty: nothing does.
void declare_option(CLI::App& app, const std::string& name, const std::string& value, const std::string& help,
                    std::function<void(const std::string&)> read);
void declare_flag(CLI::App& app, const std::string& name, const std::string& help, std::function<void()> set);

/// An option whose value stays empty when it is not given.
template <class V>
void declare_optional(CLI::App& app, const std::string& name, const std::string& value, std::optional<V>& to,
                      const std::string& help, const Rule& rule = {}) {
  declare_option(app, name, value, help, [name, rule, &to](const std::string& text) {
    V given;
    read_value(name, text, rule, given);
    to = given;
  });
}

}  // namespace detail

}  // namespace carousel
