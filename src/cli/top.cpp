// myct top.
#include "myct/manager/top.hpp"

#include <algorithm>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

/// Docker's columns: at least twenty wide, three blanks between them.
constexpr size_t kNarrowestColumn = 20 - 3;

void print_processes(const ProcessTable& table) {
  std::vector<std::vector<std::string>> rows = {table.titles};
  rows.insert(rows.end(), table.rows.begin(), table.rows.end());
  for (std::vector<std::string>& row : rows)
    for (size_t column = 0; column + 1 < row.size(); ++column)
      row[column].resize(std::max(row[column].size(), kNarrowestColumn), ' ');
  print_line(format_table(rows));
}

}  // namespace

void define_top(CLI::App& command, Action& action) {
  set_usage(command, "Usage: myct top CONTAINER [PS OPTION...]");
  // What follows the container belongs to ps(1) even if it looks like an option of ours.
  command.prefix_command();
  action = [&command](const manager::Context& context) {
    std::vector<std::string> words = command.remaining();
    reject_unknown_option(words, "top");
    if (words.empty()) throw Error(ErrorKind::Usage, "no container given", 0, "see 'myct top --help'");
    const std::vector<std::string> ps_options(words.begin() + 1, words.end());
    return for_each_target({words.front()},
                           [&](const std::string& name) { print_processes(manager::top(context, name, ps_options)); });
  };
}

}  // namespace myct::cli
