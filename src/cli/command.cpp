#include "command.hpp"

#include <algorithm>
#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "flags.hpp"
#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

constexpr char kJoint = '+';

class UsageFormatter : public CLI::Formatter {
 public:
  explicit UsageFormatter(std::string usage) : usage_(std::move(usage)) { column_width(36); }
  [[nodiscard]] const std::string& usage() const { return usage_; }
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override { return usage_ + "\n"; }
  std::string make_subcommand(const CLI::App* command) const override {
    std::string line = CLI::Formatter::make_subcommand(command);
    std::replace(line.begin(), line.end(), kJoint, ' ');
    return line;
  }

 private:
  std::string usage_;
};

/// The option of that name, if it takes a value.
const CLI::Option* value_option(const CLI::App& command, const std::string& name) {
  const CLI::Option* option = command.get_option_no_throw(name);
  return option != nullptr && option->get_items_expected_max() > 0 ? option : nullptr;
}

/// Lines of at most `width` characters.
std::string wrap(const std::string& text, size_t width) {
  std::string lines;
  size_t length = 0;
  for (const std::string& word : split(text, ' ')) {
    if (length > 0 && length + 1 + word.size() > width) {
      lines += '\n';
      length = 0;
    } else if (length > 0) {
      lines += ' ';
      ++length;
    }
    lines += word;
    length += word.size();
  }
  return lines;
}

constexpr size_t kTextWidth = 100;

}  // namespace

void set_usage(CLI::App& command, std::string usage) {
  command.formatter(std::make_shared<UsageFormatter>(std::move(usage)));
}

std::string usage_of(const CLI::App& command) {
  const auto formatter = std::dynamic_pointer_cast<const UsageFormatter>(command.get_formatter());
  const std::string usage = formatter != nullptr ? formatter->usage() : std::string();
  constexpr std::string_view kPrefix = "Usage: ";
  return usage.starts_with(kPrefix) ? usage.substr(kPrefix.size()) : usage;
}

std::string subcommand_name(const Command& command) {
  std::string name = command.name;
  std::replace(name.begin(), name.end(), ' ', kJoint);
  return name;
}

std::vector<std::string> exit_statuses(const Command& command) {
  const std::vector<std::string> programs = {"126 the program cannot be executed", "127 there is no such program",
                                             "128+n signal n killed the program"};
  std::vector<std::string> statuses;
  switch (command.exit_rule) {
    case ExitRule::Plain:
    case ExitRule::Template:
      statuses = {"0 all is done", "1 something could not be done, or the number of words is wrong",
                  "125 an option or its value is wrong"};
      if (command.exit_rule == ExitRule::Template)
        statuses.insert(statuses.begin() + 2, "64 the template cannot be parsed");
      return statuses;
    case ExitRule::Program:
      statuses = {"1 something could not be done, or the number of words is wrong",
                  "125 an option or its value is wrong"};
      break;
    case ExitRule::Run:
      statuses = {"1 no image is given", "125 the container could not be started, or an option is wrong"};
      break;
  }
  statuses.insert(statuses.end(), programs.begin(), programs.end());
  statuses.emplace_back("else the program's own");
  return statuses;
}

void define_command(const Command& command, CLI::App& app, Action& action) {
  command.define(app, action);
  if (*command.description != '\0')
    app.description(std::string(command.summary) + "\n\n" + wrap(command.description, kTextWidth) + "\n");
  // Made when it is asked for: the names cost more than all the rest of a start.
  app.footer([&command] {
    std::string footer;
    if (const std::vector<std::string> names = other_names(command); !names.empty())
      footer += fmt::format("Also: {}\n\n", fmt::join(names, ", "));
    footer += "Exit status:";
    for (const std::string& status : exit_statuses(command)) {
      const size_t blank = status.find(' ');
      footer += fmt::format("\n  {:<32}  {}", status.substr(0, blank), status.substr(blank + 1));
    }
    return footer;
  });
}

void print_error_line(const std::string& what) { std::fprintf(stderr, "myct: %s\n", what.c_str()); }

int print_error(const Error& error) {
  print_error_line(error.what());
  return error.exit_status();
}

const CLI::Option* option_awaiting_value(const CLI::App& command, const std::string& word) {
  if (word.starts_with("--")) return word.find('=') == std::string::npos ? value_option(command, word) : nullptr;
  for (size_t index = 1; index < word.size(); ++index)
    if (const CLI::Option* option = value_option(command, std::string("-") + word[index]); option != nullptr)
      return index + 1 == word.size() ? option : nullptr;
  return nullptr;
}

std::string without_short_equals(const CLI::App& command, std::string word) {
  if (word.starts_with("--")) return word;
  for (size_t index = 1; index < word.size(); ++index) {
    const CLI::Option* option = command.get_option_no_throw(std::string("-") + word[index]);
    const bool has_equals = index + 1 < word.size() && word[index + 1] == '=';
    if (option == nullptr) return word;
    if (option->get_items_expected_max() > 0) return has_equals ? word.erase(index + 1, 1) : word;
    if (has_equals && index == 1 && !option->get_lnames().empty())
      return "--" + option->get_lnames().front() + word.substr(2);
  }
  return word;
}

void reject_unknown_option(std::vector<std::string>& words, const char* command) {
  if (words.empty()) return;
  if (words.front() == kEndOfOptions) {
    words.erase(words.begin());
    return;
  }
  if (words.front().size() > 1 && words.front().starts_with('-'))
    throw Error(ErrorKind::Usage, fmt::format("unknown option '{}'", words.front()), 0,
                fmt::format("see 'myct {} --help'", command));
}

}  // namespace myct::cli
