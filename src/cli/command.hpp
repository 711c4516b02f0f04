// What a command's file gives to the application.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
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

/// Which containers shell completions offer where the command's usage says CONTAINER.
enum class Offer : uint8_t { All, Running, Stopped, Paused };

/// What the exit status tells, beyond 0 for success and 125 for a bad option.
enum class ExitRule : uint8_t {
  Plain,     ///< 1: something could not be done
  Template,  ///< as Plain, and 64 for a --format that is no template
  Program,   ///< the program's own, 126 and 127 when it could not be executed; 1: something else could not be done
  Run,       ///< as Program, but 125 for all that is not the program's doing
};

struct Command {
  const char* name;  ///< one word, or two separated by a blank ("system check")
  const char* summary;
  /// Adds the command's options and sets its action. Called only for the command that was named, because building
  /// the options of all of them would cost every start.
  void (*define)(CLI::App& command, Action& action);
  NeedsRoot needs_root;
  Offer offer = Offer::All;
  ExitRule exit_rule = ExitRule::Plain;
  const char* aliases = "";      ///< other names, separated by blanks
  const char* description = "";  ///< what --help and the manual page say beyond the summary
};

/// All commands, in the order of --help (app.cpp).
[[nodiscard]] std::span<const Command> commands();

void define_run(CLI::App& command, Action& action);
void define_create(CLI::App& command, Action& action);
void define_start(CLI::App& command, Action& action);
void define_attach(CLI::App& command, Action& action);
void define_wait(CLI::App& command, Action& action);
void define_stop(CLI::App& command, Action& action);
void define_restart(CLI::App& command, Action& action);
void define_kill(CLI::App& command, Action& action);
void define_pause(CLI::App& command, Action& action);
void define_unpause(CLI::App& command, Action& action);
void define_exec(CLI::App& command, Action& action);
void define_healthcheck_run(CLI::App& command, Action& action);
void define_rename(CLI::App& command, Action& action);
void define_update(CLI::App& command, Action& action);
void define_events(CLI::App& command, Action& action);
void define_prune(CLI::App& command, Action& action);
void define_system_check(CLI::App& command, Action& action);
void define_ps(CLI::App& command, Action& action);
void define_logs(CLI::App& command, Action& action);
void define_inspect(CLI::App& command, Action& action);
void define_rm(CLI::App& command, Action& action);
void define_cp(CLI::App& command, Action& action);
void define_diff(CLI::App& command, Action& action);
void define_top(CLI::App& command, Action& action);
void define_stats(CLI::App& command, Action& action);
void define_port(CLI::App& command, Action& action);
void define_network_connect(CLI::App& command, Action& action);
void define_network_create(CLI::App& command, Action& action);
void define_network_disconnect(CLI::App& command, Action& action);
void define_network_inspect(CLI::App& command, Action& action);
void define_network_ls(CLI::App& command, Action& action);
void define_network_prune(CLI::App& command, Action& action);
void define_network_rm(CLI::App& command, Action& action);
void define_pull(CLI::App& command, Action& action);
void define_push(CLI::App& command, Action& action);
void define_login(CLI::App& command, Action& action);
void define_logout(CLI::App& command, Action& action);
void define_commit(CLI::App& command, Action& action);
void define_export(CLI::App& command, Action& action);
void define_import(CLI::App& command, Action& action);
void define_save(CLI::App& command, Action& action);
void define_load(CLI::App& command, Action& action);
void define_tag(CLI::App& command, Action& action);
void define_history(CLI::App& command, Action& action);
void define_image_inspect(CLI::App& command, Action& action);
void define_image_prune(CLI::App& command, Action& action);
void define_system_df(CLI::App& command, Action& action);
void define_images(CLI::App& command, Action& action);
void define_rmi(CLI::App& command, Action& action);
void define_completion(CLI::App& command, Action& action);
void define_version(CLI::App& command, Action& action);

/// What --help shows first ("Usage: myct ps [OPTIONS]"); CLI11 would make up a line of its own.
void set_usage(CLI::App& command, std::string usage);

/// That text, without "Usage: ".
[[nodiscard]] std::string usage_of(const CLI::App& command);

/// Prints the one line of an error on stderr.
void print_error_line(const std::string& what);
/// The same of an Error; returns the exit status that it stands for.
int print_error(const Error& error);

/// Does `work` for each target. One that fails is named on stderr and does not keep the others from being done; the
/// status is then 1, as docker's is.
[[nodiscard]] int for_each_target(const std::vector<std::string>& targets,
                                  const std::function<void(const std::string&)>& work);

/// The same for work that may wait: several at once, in a process each, so that none waits for another. What they print
/// and their errors appear in the order of the targets; what they change in this process's memory is lost.
[[nodiscard]] int for_all_targets_at_once(const std::vector<std::string>& targets,
                                          const std::function<void(const std::string&)>& work);

/// The command that `word` names by itself, by name or alias; nullptr if there is none.
[[nodiscard]] const Command* find_command(std::string_view word);
/// The command that two words name: "system check", or one of docker's ("container ls", "image rm").
[[nodiscard]] const Command* find_command(std::string_view noun, std::string_view word);
/// What may follow `noun` to name a command; empty if it is no noun.
[[nodiscard]] std::vector<std::string> words_after(std::string_view noun);
/// The first words that are no commands by themselves.
[[nodiscard]] std::vector<std::string> nouns();

/// Makes `app` the command: its options, and the texts of --help that come from the table.
void define_command(const Command& command, CLI::App& app, Action& action);
/// What the exit statuses of the command mean, one of them a line.
[[nodiscard]] std::vector<std::string> exit_statuses(const Command& command);
/// The names that the command has besides its own, as they are typed ("myct ls").
[[nodiscard]] std::vector<std::string> other_names(const Command& command);

/// The command's name as CLI11 takes it, without a blank.
[[nodiscard]] std::string subcommand_name(const Command& command);

/// The option in `word` ("--name", "-n", "-itn") whose value is the next word, or nullptr.
[[nodiscard]] const CLI::Option* option_awaiting_value(const CLI::App& command, const std::string& word);

/// What "--" is replaced by where it ends the options of a command whose other words are a program's: it stops CLI11
/// without meaning anything to it, which would hand what follows "--" to the application.
constexpr const char* kEndOfOptions = "\x01--";

/// A word of short options as CLI11 takes it: "-m1g" for "-m=1g", "--detach=false" for "-d=false".
[[nodiscard]] std::string without_short_equals(const CLI::App& command, std::string word);

/// Of the words that follow a command's options the first is no option: throws Error{Usage} for one that looks like it.
/// The mark that stands for "--" is taken away. `command` is for the message.
void reject_unknown_option(std::vector<std::string>& words, const char* command);

}  // namespace myct::cli
