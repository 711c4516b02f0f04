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

}  // namespace

void set_usage(CLI::App& command, std::string usage) {
  command.formatter(std::make_shared<UsageFormatter>(std::move(usage)));
}

int for_each_target(const std::vector<std::string>& targets, const std::function<void(const std::string&)>& work) {
  int status = 0;
  for (const std::string& target : targets) {
    try {
      work(target);
    } catch (const Error& error) {
      std::fprintf(stderr, "myct: %s\n", error.what());
      status = 1;
    }
  }
  return status;
}

void reject_unknown_option(std::vector<std::string>& words) {
  if (words.empty()) return;
  if (words.front() == "--") {
    words.erase(words.begin());
    return;
  }
  if (words.front().size() > 1 && words.front().starts_with('-'))
    throw Error(ErrorKind::Usage, fmt::format("unknown option '{}'", words.front()), 0, "see 'myct run --help'");
}

}  // namespace myct::cli
