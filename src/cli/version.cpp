// myct version.
#include "command.hpp"
#include "output.hpp"

namespace myct::cli {

void define_version(CLI::App& command, Action& action) {
  set_usage(command, "Usage: myct version");
  action = [](const manager::Context&) {
    print_line(version_line());
    return 0;
  };
}

}  // namespace myct::cli
