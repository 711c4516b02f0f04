// myct system check.
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/check.hpp"
#include "output.hpp"

namespace myct::cli {

void define_system_check(CLI::App& command, Action& action) {
  const auto repair = std::make_shared<bool>(false);
  set_usage(command, "Usage: myct system check [OPTIONS]");
  command.add_flag("--repair", *repair, "Mend what is found");
  action = [repair](const manager::Context& context) {
    int status = 0;
    for (const manager::Finding& finding : manager::check(context)) {
      if (!*repair) {
        print_line(fmt::format("{}: {} (--repair {})", finding.object, finding.problem, finding.remedy));
        status = kExitFailure;
        continue;
      }
      try {
        finding.repair();
        print_line(fmt::format("{}: {}: {}: done", finding.object, finding.problem, finding.remedy));
      } catch (const Error& error) {
        print_error(error);
        status = kExitFailure;
      }
    }
    return status;
  };
}

}  // namespace myct::cli
