// Which command a command line names.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.hpp"

namespace myct::cli {

/// A command line as CLI11 is to see it: the words that name the command made one, its own name.
struct CommandLine {
  std::vector<std::string> storage;
  std::vector<char*> words;
  const Command* command = nullptr;
  std::string noun;  ///< what help is wanted of, if it is no command by itself: "container"
};

/// "help" is an option behind the command's name, too. Throws Error{Usage} for what is no command.
[[nodiscard]] CommandLine parse_command_line(int argc, char** argv);

/// Makes the command's options such as CLI11 takes them.
void adapt_options(const CLI::App& command, CommandLine& line);

/// The commands that may follow a noun, as --help prints them.
[[nodiscard]] std::string help_of_noun(const std::string& noun);

}  // namespace myct::cli
