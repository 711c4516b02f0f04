#include "globals.hpp"

#include <limits.h>
#include <unistd.h>

#include <cstdlib>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

std::string from_environment(const char* name, const char* otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::string absolute_path(std::string path) {
  if (path.starts_with('/')) return path;
  char buffer[PATH_MAX];
  if (::getcwd(buffer, sizeof buffer) == nullptr) throw_errno("read the working directory");
  return std::string(buffer) + "/" + path;
}

manager::CgroupManager parse_cgroup_manager(const std::string& text) {
  if (text == "cgroupfs") return manager::CgroupManager::Cgroupfs;
  if (text == "systemd") return manager::CgroupManager::Systemd;
  throw_error(ErrorKind::Usage, "unknown cgroup manager '{}': cgroupfs or systemd", text);
}

}  // namespace

void define_program(CLI::App& app, Globals& globals) {
  app.set_version_flag("-v,--version", version_line());
  app.require_subcommand(0, 1);
  app.failure_message(CLI::FailureMessage::simple);
  set_usage(app, "Usage: myct [OPTIONS] COMMAND [ARG...]");
  app.add_option("--root", globals.root, "Where images, containers and volumes are kept (MYCT_ROOT; /var/lib/myct)")
      ->type_name("DIR");
  app.add_option("--runtime-dir", globals.runtime_dir,
                 "Where state that dies with the boot is kept (MYCT_RUNTIME_DIR; /run/myct)")
      ->type_name("DIR");
  app.add_option("--cgroup-manager", globals.cgroup_manager,
                 "Who makes control groups: cgroupfs or systemd (MYCT_CGROUP_MANAGER; cgroupfs)")
      ->type_name("MANAGER");
  app.add_option("--bridge-subnet", globals.bridge_subnet,
                 "The default network's addresses, when it is first used after a boot (MYCT_BRIDGE_SUBNET; the first "
                 "free one from 10.88.0.0/16 on)")
      ->type_name("SUBNET");
  app.add_flag("--debug", globals.debug, "Say what is done and how long each step takes, on stderr");
}

manager::Context make_context(const Globals& globals) {
  const std::string root = globals.root.empty() ? from_environment("MYCT_ROOT", "/var/lib/myct") : globals.root;
  const std::string runtime_dir =
      globals.runtime_dir.empty() ? from_environment("MYCT_RUNTIME_DIR", "/run/myct") : globals.runtime_dir;
  return {.paths = {absolute_path(root), absolute_path(runtime_dir)},
          .cgroup_manager =
              parse_cgroup_manager(globals.cgroup_manager.empty() ? from_environment("MYCT_CGROUP_MANAGER", "cgroupfs")
                                                                  : globals.cgroup_manager),
          .bridge_subnet =
              globals.bridge_subnet.empty() ? from_environment("MYCT_BRIDGE_SUBNET", "") : globals.bridge_subnet};
}

}  // namespace myct::cli
