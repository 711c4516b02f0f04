// myct exec.
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/manager.hpp"

namespace myct::cli {
namespace {

struct ExecFlags {
  std::vector<std::string> env;
  std::vector<std::string> env_files;
  std::optional<std::string> user;
  std::optional<std::string> workdir;
  std::optional<std::string> detach_keys;
  bool interactive = false;
  bool tty = false;
  bool detach = false;
  bool privileged = false;
};

int exec(const ExecFlags& flags, std::vector<std::string> words, const manager::Context& context) {
  reject_unknown_option(words, "exec");
  if (words.size() < 2)
    throw Error(ErrorKind::Usage, words.empty() ? "no container given" : "no command given", 0,
                "see 'myct exec --help'")
        .set_exit_status(1);
  if (flags.workdir && !flags.workdir->starts_with('/'))
    throw_error(ErrorKind::Usage, "the working directory '{}' is not an absolute path", *flags.workdir);
  const std::string container = words.front();
  words.erase(words.begin());
  const std::optional<int> status = manager::exec(context, container,
                                                  {.command = std::move(words),
                                                   .env = parse_environment(flags.env_files, flags.env),
                                                   .user = flags.user,
                                                   .workdir = flags.workdir,
                                                   .interactive = flags.interactive,
                                                   .tty = flags.tty,
                                                   .detach_keys = parse_detach_keys_option(flags.detach_keys),
                                                   .detach = flags.detach,
                                                   .privileged = flags.privileged});
  if (status) return *status;
  throw detached_error("command");
}

}  // namespace

void define_exec(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<ExecFlags>();
  set_usage(command, "Usage: myct exec [OPTIONS] CONTAINER COMMAND [ARG...]");
  command.add_flag("-i,--interactive", flags->interactive, "Keep standard input open to the command");
  command.add_flag("-t,--tty", flags->tty, "Give the command a terminal");
  command.add_flag("-d,--detach", flags->detach, "Leave it running, without any streams");
  add_list(command, "-e,--env", flags->env, "Set a variable; NAME alone copies yours", "NAME[=VALUE]");
  add_list(command, "--env-file", flags->env_files, "Set the variables that a file lists, one a line", "FILE");
  command.add_option("-u,--user", flags->user, "The user and group, by name in the container or by number")
      ->type_name("USER[:GROUP]")
      ->take_last();
  command.add_option("-w,--workdir", flags->workdir, "The working directory; the container's if it is not given")
      ->type_name("DIR")
      ->take_last();
  add_detach_keys(command, flags->detach_keys, "The keys that leave the command running, with -it (ctrl-p,ctrl-q)");
  command.add_flag("--privileged", flags->privileged, "Give it all capabilities, and filter nothing");
  command.prefix_command();
  action = [flags, &command](const manager::Context& context) { return exec(*flags, command.remaining(), context); };
}

}  // namespace myct::cli
