#include "man.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "command.hpp"
#include "flags.hpp"
#include "globals.hpp"
#include "myct/base/fd.hpp"
#include "myct/base/file.hpp"
#include "topics.hpp"

namespace myct::cli {
namespace {

struct Variable {
  const char* name;
  const char* text;
};

constexpr std::array kStateVariables = {
    Variable{"MYCT_ROOT", "What --root is if it is not given: where images, containers and volumes are kept."},
    Variable{"MYCT_RUNTIME_DIR",
             "What --runtime-dir is if it is not given: where state that dies with the boot is kept."},
};
constexpr Variable kImagePathVariable = {"MYCT_IMAGE_PATH",
                                         "Directories to look for image tarballs in, separated by ':', after those of "
                                         "--image-path."};

/// Text that troff takes as it is. A hyphen is the one of ASCII, so that options can be copied.
std::string escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\')
      escaped += "\\e";
    else if (c == '-')
      escaped += "\\-";
    else
      escaped += c;
    if (c == '\n') escaped += "\\&";
  }
  // A line that begins so would be a request.
  if (escaped.starts_with('.') || escaped.starts_with('\'')) escaped.insert(0, "\\&");
  return escaped;
}

std::string bold(std::string_view text) { return fmt::format("\\fB{}\\fR", escape(text)); }
std::string italic(std::string_view text) { return fmt::format("\\fI{}\\fR", escape(text)); }

/// One page; the members write what their names say, in the order of a page.
class Page {
 public:
  explicit Page(const std::string& name) {
    std::string title = name;
    std::transform(title.begin(), title.end(), title.begin(), [](unsigned char c) { return std::toupper(c); });
    text_ = fmt::format(".TH \"{}\" 1 \"\" \"myct {}\" \"User Commands\"\n", escape(title), MYCT_VERSION);
  }

  void section(std::string_view title) { text_ += fmt::format(".SH {}\n", title); }
  void paragraph(std::string_view text) { text_ += fmt::format(".PP\n{}\n", escape(text)); }
  void line(std::string_view text) { text_ += escape(text) + "\n"; }
  /// `name` is troff already.
  void term(std::string_view name, std::string_view text) {
    text_ += fmt::format(".TP\n{}\n{}\n", name, escape(text.empty() ? " " : text));
  }
  void bold_term(std::string_view name, std::string_view text) { term(bold(name), text); }
  void variable(const Variable& variable) { bold_term(variable.name, variable.text); }
  /// Lines as they are, the words that are typed in bold.
  void usage(const std::string& usage) {
    bool first = true;
    for (const std::string& line : split(usage, '\n')) {
      const size_t begin = line.find_first_not_of(' ');
      if (begin == std::string::npos) continue;
      std::string words;
      bool typed = true;
      for (const std::string& word : split(std::string_view(line).substr(begin), ' ')) {
        typed = typed && std::islower(static_cast<unsigned char>(word.empty() ? ' ' : word.front())) != 0 &&
                word.find('|') == std::string::npos;
        words.append(words.empty() ? "" : " ").append(typed ? bold(word) : escape(word));
      }
      text_.append(first ? "" : ".br\n").append(words).append("\n");
      first = false;
    }
  }
  void see_also(std::vector<std::string> pages) {
    section("SEE ALSO");
    for (size_t index = 0; index < pages.size(); ++index)
      text_ += fmt::format(".BR {} (1){}\n", escape(pages[index]), index + 1 < pages.size() ? "," : "");
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string page_name(const Command& command) {
  std::string name = std::string("myct-") + command.name;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

void write_options(Page& page, const CLI::App& app) {
  const auto write = [&](const CLI::Option& option) {
    std::string names;
    const auto add = [&](const std::string& name) { names.append(names.empty() ? "" : ", ").append(bold(name)); };
    for (const std::string& name : option.get_snames()) add("-" + name);
    for (const std::string& name : option.get_lnames()) add("--" + name);
    if (option.get_items_expected_max() > 0) names.append(" ").append(italic(option.get_type_name()));
    page.term(names, option.get_description());
  };
  page.section("OPTIONS");
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional()) page.term(italic(option->get_name(true)), option->get_description());
  for (const CLI::Option* option : app.get_options())
    if (option->nonpositional()) write(*option);
}

void write_exit_statuses(Page& page, const Command& command) {
  page.section("EXIT STATUS");
  for (const std::string& status : exit_statuses(command)) {
    const size_t blank = status.find(' ');
    page.bold_term(status.substr(0, blank), status.substr(blank + 1));
  }
}

void write_topics(Page& page, const Command& command) {
  for (const Topic& topic : topics()) {
    if (topic.command != command.name) continue;
    page.section(topic.title);
    page.line(topic.text);
    for (const Term& term : topic.terms) page.bold_term(term.name, term.text);
  }
}

std::string command_page(const Command& command) {
  CLI::App app;
  Action action;
  command.define(app, action);
  Page page(page_name(command));
  page.section("NAME");
  page.line(fmt::format("{} - {}", page_name(command), command.summary));
  page.section("SYNOPSIS");
  page.usage(usage_of(app));
  page.section("DESCRIPTION");
  page.line(fmt::format("{}.", command.summary));
  if (*command.description != '\0') page.paragraph(command.description);
  if (const std::vector<std::string> names = other_names(command); !names.empty())
    page.paragraph(fmt::format("Also: {}.", fmt::join(names, ", ")));
  write_options(page, app);
  write_topics(page, command);
  write_exit_statuses(page, command);
  if (command.needs_root == NeedsRoot::Yes) {
    page.section("ENVIRONMENT");
    for (const Variable& variable : kStateVariables) page.variable(variable);
    if (app.get_option_no_throw("--image-path") != nullptr) page.variable(kImagePathVariable);
  }
  page.see_also({"myct"});
  return page.text();
}

std::string program_page() {
  Globals globals;
  CLI::App app("Containers on one machine, without a daemon");
  define_program(app, globals);
  Page page("myct");
  page.section("NAME");
  page.line("myct - " + app.get_description());
  page.section("SYNOPSIS");
  page.usage(usage_of(app));
  page.section("DESCRIPTION");
  page.line(
      "Makes containers from images and runs programs in them. Commands, options and exit statuses are those of "
      "Docker, without a service in the background. It must be run by root.");
  write_options(page, app);
  page.section("COMMANDS");
  std::vector<std::string> pages;
  for (const Command& command : commands()) {
    page.bold_term(command.name, command.summary);
    pages.push_back(page_name(command));
  }
  page.section("ENVIRONMENT");
  for (const Variable& variable : kStateVariables) page.variable(variable);
  page.variable(kImagePathVariable);
  page.see_also(pages);
  return page.text();
}

}  // namespace

int write_manual(const std::string& directory) {
  make_directories(directory);
  const Fd fd = open_path(directory, O_RDONLY | O_DIRECTORY);
  write_file_at(fd.ref(), "myct.1", program_page());
  for (const Command& command : commands()) write_file_at(fd.ref(), page_name(command) + ".1", command_page(command));
  return 0;
}

}  // namespace myct::cli
