#include "command.hpp"

#include <cstdio>
#include <memory>

#include "myct/base/error.hpp"

namespace myct::cli {
namespace {

class UsageFormatter : public CLI::Formatter {
 public:
  explicit UsageFormatter(std::string usage) : usage_(std::move(usage)) { column_width(36); }
  std::string make_usage(const CLI::App* /*app*/, std::string /*name*/) const override { return usage_ + "\n"; }

 private:
  std::string usage_;
};

constexpr const char* kEndOfOptions = "\x01--";

bool takes_value(const CLI::App& command, const std::string& name) {
  const CLI::Option* option = command.get_option_no_throw(name);
  return option != nullptr && option->get_items_expected_max() > 0;
}

/// Whether the value of the option in `word` ("--name", "-n", "-itn") is the next word.
bool value_follows(const CLI::App& command, const std::string& word) {
  if (word.starts_with("--")) return word.find('=') == std::string::npos && takes_value(command, word);
  for (size_t index = 1; index < word.size(); ++index)
    if (takes_value(command, std::string("-") + word[index])) return index + 1 == word.size();
  return false;
}

}  // namespace

void set_usage(CLI::App& command, std::string usage) {
  command.formatter(std::make_shared<UsageFormatter>(std::move(usage)));
}

int print_error(const Error& error) {
  std::fprintf(stderr, "myct: %s\n", error.what());
  return error.exit_status();
}

int for_each_target(const std::vector<std::string>& targets, const std::function<void(const std::string&)>& work) {
  int status = 0;
  for (const std::string& target : targets) {
    try {
      work(target);
    } catch (const Error& error) {
      print_error(error);
      status = 1;
    }
  }
  return status;
}

void mark_end_of_options(const CLI::App& command, int argc, char** argv) {
  int index = 1;
  while (index < argc && argv[index] != command.get_name()) ++index;
  for (++index; index < argc; ++index) {
    const std::string word = argv[index];
    if (word == "--") {
      argv[index] = const_cast<char*>(kEndOfOptions);
      return;
    }
    if (word.size() < 2 || word.front() != '-') return;
    if (value_follows(command, word)) ++index;
  }
}

void reject_unknown_option(std::vector<std::string>& words) {
  if (words.empty()) return;
  if (words.front() == kEndOfOptions) {
    words.erase(words.begin());
    return;
  }
  if (words.front().size() > 1 && words.front().starts_with('-'))
    throw Error(ErrorKind::Usage, fmt::format("unknown option '{}'", words.front()), 0, "see 'myct run --help'");
}

}  // namespace myct::cli
