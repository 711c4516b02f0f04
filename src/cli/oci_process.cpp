// myct oci exec.
#include <algorithm>
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "myct/security/capabilities.hpp"
#include "oci.hpp"

namespace myct::cli {
namespace {

struct ProcessFlags {
  std::string id;
  std::string process;
  std::string user;
  std::string cwd;
  std::string apparmor;
  std::string label;
  std::vector<std::string> env;
  std::vector<std::string> capabilities;
  std::vector<uint32_t> groups;
  bool terminal = false;
  bool no_new_privileges = false;
  runtime::ExecRequest request;
};

uint32_t parse_number(const std::string& text, const std::string& user) {
  const std::optional<uint64_t> number = parse_unsigned(text);
  if (!number || *number >= UINT32_MAX) throw_error(ErrorKind::Usage, "user '{}' is none: UID[:GID], by number", user);
  return static_cast<uint32_t>(*number);
}

void set_user(const std::string& text, oci::User& user) {
  if (text.empty()) return;
  const size_t colon = text.find(':');
  user.uid = parse_number(text.substr(0, colon), text);
  if (colon != std::string::npos) user.gid = parse_number(text.substr(colon + 1), text);
}

void add_capabilities(const std::vector<std::string>& names, oci::Process& process) {
  if (names.empty()) return;
  if (!process.capabilities) process.capabilities.emplace();
  oci::Capabilities& sets = *process.capabilities;
  for (const std::string& name : names) {
    const std::string known = security::capability_name(security::parse_capability(name));
    for (std::vector<std::string>* set : {&sets.bounding, &sets.effective, &sets.permitted})
      if (std::ranges::find(*set, known) == set->end()) set->push_back(known);
  }
}

/// The container's own process is what it begins with.
void change_process(const ProcessFlags& flags, const std::vector<std::string>& args, oci::Process& process) {
  if (!flags.process.empty()) {
    process = oci::process_from_json(read_file(flags.process), flags.process);
    return;
  }
  process.args = args;
  process.terminal = flags.terminal;
  process.console_size.reset();
  if (!flags.cwd.empty()) process.cwd = flags.cwd;
  if (!flags.apparmor.empty()) process.apparmor_profile = flags.apparmor;
  if (!flags.label.empty()) process.selinux_label = flags.label;
  if (flags.no_new_privileges) process.no_new_privileges = true;
  set_user(flags.user, process.user);
  process.user.additional_gids.insert(process.user.additional_gids.end(), flags.groups.begin(), flags.groups.end());
  process.env.insert(process.env.end(), flags.env.begin(), flags.env.end());
  add_capabilities(flags.capabilities, process);
}

}  // namespace

void define_oci_exec(CLI::App& command, OciAction& action) {
  const auto flags = std::make_shared<ProcessFlags>();
  command.add_option("-p,--process", flags->process, "The process, as the member \"process\" of a config.json")
      ->type_name("FILE");
  command.add_option("-u,--user", flags->user, "Who it runs as")->type_name("UID[:GID]");
  command.add_option("-g,--additional-gids", flags->groups, "One more group (repeatable)")
      ->type_name("GID")
      ->allow_extra_args(false);
  command.add_option("--cwd", flags->cwd, "Its working directory")->type_name("DIR");
  command.add_option("-e,--env", flags->env, "Set a variable (repeatable)")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  command.add_flag("-t,--tty", flags->terminal, "Give it a terminal");
  command.add_option("-c,--cap", flags->capabilities, "Give it one more capability (repeatable)")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command.add_flag("--no-new-privs", flags->no_new_privileges, "Let it gain no privileges");
  command.add_option("--apparmor", flags->apparmor, "Its AppArmor profile")->type_name("PROFILE");
  command.add_option("--process-label", flags->label, "Its SELinux label")->type_name("LABEL");
  command.add_option("--console-socket", flags->request.console_socket, "Give the terminal to who listens there")
      ->type_name("SOCKET");
  command.add_option("--pid-file", flags->request.pid_file, "Write its pid into a file")->type_name("FILE");
  command
      .add_option("--preserve-fds", flags->request.preserved_descriptors,
                  "Leave that many descriptors, from 3 on, open")
      ->type_name("N")
      ->check(CLI::Range(0, 1 << 16));
  command.add_flag("-d,--detach", flags->request.detach, "Do not wait for its end");
  command.add_flag("--ignore-paused", flags->request.ignore_paused, "Execute it in a paused container, too");
  add_container_id(command, flags->id);
  // What follows the container is the program's even if it looks like an option.
  command.prefix_command();
  action = [flags, &command](const runtime::Context& context) {
    const std::vector<std::string> args = command.remaining();
    if (flags->process.empty() == args.empty())
      throw Error(ErrorKind::Usage, args.empty() ? "no process given" : "there is both --process and a command", 0,
                  "see 'myct oci exec --help'");
    flags->request.change = [&](oci::Process& process) { change_process(*flags, args, process); };
    return runtime::exec(context, flags->id, flags->request);
  };
}

}  // namespace myct::cli
