// Command lines, a word a line: they are understood or refused by an Error, of whichever command, and nothing is done.
// For run and create up to the request that they make.
#include <CLI/CLI.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "command.hpp"
#include "command_line.hpp"
#include "container_flags.hpp"
#include "globals.hpp"
#include "myct/base/error.hpp"
#include "oci.hpp"
#include "parse_error.hpp"

namespace {

using namespace myct;
using namespace myct::cli;

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words = {"myct"};
  constexpr size_t kMost = 64;
  while (!text.empty() && words.size() < kMost) {
    const size_t end = text.find('\n');
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  // A NUL ends a word, as in any argument.
  for (std::string& word : words) word = word.c_str();
  return words;
}

void parse_request(std::vector<std::string> words) {
  CLI::App app("", "myct");
  ContainerFlags flags;
  add_container_flags(app, flags);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  app.parse(static_cast<int>(argv.size()), argv.data());
  flags.words = app.remaining();
  // What names files would be read.
  if (!flags.env_files.empty()) return;
  (void)build_request(flags, {.paths = {"/nonexistent/root", "/nonexistent/run"}});
}

void parse_command(std::vector<std::string> words) {
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  CommandLine line = parse_command_line(static_cast<int>(argv.size()), argv.data());
  if (line.command == nullptr) return;
  Globals globals;
  Action action;
  CLI::App app("", "myct");
  define_program(app, globals);
  CLI::App* subcommand = app.add_subcommand(subcommand_name(*line.command), "");
  define_command(*line.command, *subcommand, action);
  adapt_options(*subcommand, line);
  try {
    app.parse(static_cast<int>(line.storage.size()), line.words.data());
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) (void)explain_parse_error(app, *subcommand, error, "hint");
  }
}

void parse_oci(const std::vector<std::string>& words) {
  for (const OciCommand& command : oci_commands()) {
    if (words.size() < 2 || words[1] != command.name) continue;
    CLI::App app("", "myct oci");
    OciAction action;
    command.define(app, action);
    app.parse(std::vector<std::string>(words.rbegin(), words.rend() - 2));
  }
}

template <typename Work>
void try_part(const Work& work) {
  try {
    work();
  } catch (const Error&) {
  } catch (const CLI::ParseError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<std::string> words = words_of({reinterpret_cast<const char*>(data), size});
  try_part([&] { parse_command(words); });
  try_part([&] { parse_request(words); });
  try_part([&] { parse_oci(words); });
  return 0;
}
