// myct diff.
#include "myct/manager/diff.hpp"

#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

char letter_of(manager::ChangeKind kind) {
  switch (kind) {
    case manager::ChangeKind::Added:
      return 'A';
    case manager::ChangeKind::Deleted:
      return 'D';
    case manager::ChangeKind::Changed:
      break;
  }
  return 'C';
}

}  // namespace

void define_diff(CLI::App& command, Action& action) {
  const auto container = std::make_shared<std::string>();
  set_usage(command, "Usage: myct diff CONTAINER");
  command.add_option("CONTAINER", *container, "A name, an id, or the unique beginning of an id")->required();
  action = [container](const manager::Context& context) {
    return for_each_target({*container}, [&](const std::string& name) {
      for (const manager::Change& change : manager::diff(context, name))
        print_line(std::string(1, letter_of(change.kind)) + " " + change.path);
    });
  };
}

}  // namespace myct::cli
