// What a command's file gives to the application.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "myct/manager/request.hpp"

namespace myct {
class Error;
}

namespace myct::cli {

/// What the command line turned out to mean; called after parsing. Returns the exit status, throws Error.
using Action = std::function<int(const manager::Context&)>;

/// Whether a command works on what only root may see.
enum class NeedsRoot : uint8_t { No, Yes };

struct Command {
  const char* name;
  const char* summary;
  /// Adds the command's options and sets its action. Called only for the command that was named, because building
  /// the options of all of them would cost every start.
  void (*define)(CLI::App& command, Action& action);
  NeedsRoot needs_root;
};

void define_run(CLI::App& command, Action& action);
void define_ps(CLI::App& command, Action& action);
void define_rm(CLI::App& command, Action& action);
void define_import(CLI::App& command, Action& action);
void define_images(CLI::App& command, Action& action);
void define_rmi(CLI::App& command, Action& action);
void define_version(CLI::App& command, Action& action);

/// What --help shows first ("Usage: myct ps [OPTIONS]"); CLI11 would make up a line of its own.
void set_usage(CLI::App& command, std::string usage);

/// Prints the one line of an error on stderr; returns the exit status that it stands for.
int print_error(const Error& error);

/// Does `work` for each target. One that fails is named on stderr and does not keep the others from being done; the
/// status is then 1, as docker's is.
[[nodiscard]] int for_each_target(const std::vector<std::string>& targets,
                                  const std::function<void(const std::string&)>& work);

/// Replaces a "--" that ends the options of `command` by a word that stops CLI11 without meaning anything to it: it
/// would hand what follows to the application instead.
void mark_end_of_options(const CLI::App& command, int argc, char** argv);

/// Of the words that follow a command's options the first is no option: throws Error{Usage} for one that looks like it.
/// The mark that stands for "--" is taken away.
void reject_unknown_option(std::vector<std::string>& words);

}  // namespace myct::cli
