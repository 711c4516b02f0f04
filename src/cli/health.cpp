// myct healthcheck run.
#include "myct/manager/health.hpp"

#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

void check(const manager::Context& context, const std::string& container) {
  const std::optional<state::ProbeResult> failure = manager::run_health_check(context, container);
  if (!failure) return;
  std::string output = failure->output.substr(0, failure->output.find_last_not_of('\n') + 1);
  // A command without a status has its reason there.
  std::string what = failure->exit_code < 0 ? "" : fmt::format("exit status {}", failure->exit_code);
  if (!what.empty() && !output.empty()) what += ": ";
  throw Error(ErrorKind::System,
              fmt::format("the health check of container '{}' has failed: {}{}", container, what, output));
}

}  // namespace

void define_healthcheck_run(CLI::App& command, Action& action) {
  const auto container = std::make_shared<std::string>();
  set_usage(command, "Usage: myct healthcheck run CONTAINER");
  command.add_option("CONTAINER", *container, "Name, id, or unique beginning of an id")->required();
  action = [container](const manager::Context& context) {
    return for_each_target({*container}, [&](const std::string& name) { check(context, name); });
  };
}

}  // namespace myct::cli
