#include "complete.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <span>

#include "command.hpp"
#include "flags.hpp"
#include "globals.hpp"
#include "myct/base/units.hpp"
#include "myct/image/store.hpp"
#include "myct/manager/manager.hpp"
#include "myct/manager/network.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

/// Collects what begins with the typed word.
class Candidates {
 public:
  explicit Candidates(std::string typed) : typed_(std::move(typed)) {}

  /// The word, or the part of it behind "--name=" that is a value.
  [[nodiscard]] std::string_view typed() const { return std::string_view(typed_).substr(prefix_.size()); }
  void begin_value(size_t length) { prefix_ = typed_.substr(0, length); }

  void add(std::string_view word, std::string_view description = {}) {
    if (!word.starts_with(typed())) return;
    std::string line = fmt::format("{}{}\t{}", prefix_, word, description);
    if (std::find(lines_.begin(), lines_.end(), line) == lines_.end()) lines_.push_back(std::move(line));
  }
  void add_words(std::string_view words) {
    for (const std::string& word : split(words, ' '))
      if (!word.empty()) add(word);
  }
  void ask_shell(std::string_view directive) { directive_ = directive; }

  void print() const {
    for (const std::string& line : lines_) print_line(line);
    if (!directive_.empty()) print_line(directive_);
  }

 private:
  std::string typed_;
  std::string prefix_;
  std::vector<std::string> lines_;
  std::string directive_;
};

/// What has been typed before the word in question.
struct Typed {
  const Command* command = nullptr;
  const CLI::Option* option = nullptr;  ///< whose value the word is
  bool options_over = false;
  bool image_given = false;  ///< by --image: the first operand is none
  std::vector<std::string> operands;
};

Typed read_words(const CLI::App& app, std::span<const std::string> words) {
  Typed typed;
  for (const std::string& word : words) {
    if (typed.option != nullptr) {
      typed.option = nullptr;
    } else if (!typed.options_over && word == "--") {
      typed.options_over = true;
    } else if (!typed.options_over && word.size() > 1 && word.starts_with('-')) {
      typed.option = option_awaiting_value(app, word);
      typed.image_given = typed.image_given || word == "--image" || word.starts_with("--image=");
    } else {
      typed.operands.push_back(word);
      if (app.get_prefix_command()) typed.options_over = true;
    }
  }
  return typed;
}

bool is_offered(Offer offer, state::Status status) {
  switch (offer) {
    case Offer::All:
      return true;
    case Offer::Running:
      return state::is_active(status);
    case Offer::Stopped:
      return !state::is_active(status);
    case Offer::Paused:
      return status == state::Status::Paused;
  }
  return false;
}

bool looks_like_id(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isxdigit(c) != 0; });
}

/// As short as ids are printed, or whole if more than that is typed already.
std::string id_for(std::string_view typed, const std::string& id) {
  const std::string brief = short_id(id);
  return typed.size() > brief.size() ? id : brief;
}

void add_containers(Candidates& candidates, const manager::Context& context, const Typed& typed,
                    std::string_view suffix) {
  if (::geteuid() != 0) return;
  const Offer offer = typed.command != nullptr ? typed.command->offer : Offer::All;
  for (const manager::ContainerSummary& container : manager::list_containers(context)) {
    const state::Record& record = container.record;
    const auto is_this = [&](const std::string& word) { return word == record.name || word == record.id; };
    if (!is_offered(offer, container.status) || std::any_of(typed.operands.begin(), typed.operands.end(), is_this))
      continue;
    const std::string description = fmt::format("{}, {}", record.image, state::status_word(container.status));
    candidates.add(record.name + std::string(suffix), description);
    if (looks_like_id(candidates.typed()))
      candidates.add(id_for(candidates.typed(), record.id) + std::string(suffix), record.name + ": " + description);
  }
}

void add_images(Candidates& candidates, const manager::Context& context) {
  if (::geteuid() != 0) return;
  const bool with_tag = candidates.typed().find(':') != std::string_view::npos;
  for (const image::ImageSummary& image : image::list(context.paths)) {
    const std::string description = human_size(image.size);
    if (!image.repository.empty() && !image.tag.empty()) {
      const bool default_tag = image.tag == "latest" && !with_tag;
      candidates.add(default_tag ? image.repository : image.repository + ":" + image.tag, description);
    }
    if (looks_like_id(candidates.typed())) candidates.add(short_id(image.id), image.repository + " " + description);
  }
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// `type` is what a usage or an option's help calls a value: "CONTAINER", "SRC_PATH|-", "NAME|ID", "bash|zsh|fish".
void add_values(Candidates& candidates, const manager::Context& context, const Typed& typed, std::string_view type) {
  const bool path = contains(type, "_PATH");  // of docker's cp: here, or CONTAINER:PATH
  const bool any_object = type == "NAME|ID";
  if (contains(type, "CONTAINER") || any_object || path) add_containers(candidates, context, typed, path ? ":" : "");
  if (contains(type, "IMAGE") || any_object) add_images(candidates, context);
  if (type == "NETWORK")
    for (const network::Definition& network : manager::list_networks(context)) candidates.add(network.name);
  if (contains(type, "FILE") || path) candidates.ask_shell(":file");
  if (contains(type, "DIR")) candidates.ask_shell(":directory");
  // Paths of the container's cannot be known here, nor what -v's options apply to.
  if (type.starts_with("[SOURCE:]") && !contains(candidates.typed(), ":")) candidates.ask_shell(":directory");
  if (!contains(type, "|")) return;
  for (const std::string& word : split(type, '|'))
    if (!word.empty() && std::islower(static_cast<unsigned char>(word.front())) != 0) candidates.add(word);
}

void add_option_values(Candidates& candidates, const manager::Context& context, const Typed& typed,
                       const CLI::Option& option) {
  add_values(candidates, context, typed, option.get_type_name());
  const std::string_view command = typed.command != nullptr ? typed.command->name : "";
  for (const std::string& name : option.get_lnames()) candidates.add_words(option_words(command, name));
}

void add_options(Candidates& candidates, const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) candidates.add("--" + name, option->get_description());
    for (const std::string& name : option->get_snames()) candidates.add("-" + name, option->get_description());
  }
}

/// What the usage calls the operand number `index`: "CONTAINER" of "myct rm [OPTIONS] CONTAINER [CONTAINER...]".
std::string operand_type(const std::string& usage, const Typed& typed) {
  std::vector<std::string> types = split(std::string_view(usage).substr(0, usage.find('\n')), ' ');
  const size_t name_words = typed.command != nullptr ? split(typed.command->name, ' ').size() : 0;
  types.erase(types.begin(), types.begin() + static_cast<ptrdiff_t>(std::min(types.size(), 1 + name_words)));
  std::erase(types, "[OPTIONS]");
  if (types.empty()) return {};
  const bool repeated = types.back().find("...") != std::string::npos;
  const size_t index = typed.operands.size();
  std::string type = index < types.size() ? types[index] : repeated ? types.back() : "";
  std::erase_if(type, [](char c) { return c == '[' || c == ']' || c == '.'; });
  return type;
}

/// The words of a command's own, behind its name.
void add_for_command(Candidates& candidates, const manager::Context& context, const CLI::App& app, const Typed& typed) {
  if (typed.option != nullptr) return add_option_values(candidates, context, typed, *typed.option);
  const std::string word(candidates.typed());
  if (!typed.options_over && word.starts_with('-')) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) return add_options(candidates, app);
    const CLI::Option* option = app.get_option_no_throw(word.substr(0, equals));
    if (option == nullptr || option->get_items_expected_max() == 0) return;
    candidates.begin_value(equals + 1);
    return add_option_values(candidates, context, typed, *option);
  }
  if (typed.image_given) return;
  add_values(candidates, context, typed, operand_type(usage_of(app), typed));
}

void add_command_names(Candidates& candidates) {
  for (const Command& command : commands())
    if (!contains(command.name, " ")) candidates.add(command.name, command.summary);
  for (const std::string& noun : nouns())
    if (const std::vector<std::string> words = words_after(noun); !words.empty())
      candidates.add(noun, fmt::format("{}", fmt::join(words, ", ")));
}

void add_candidates(Candidates& candidates, std::span<const std::string> words) {
  Globals globals;
  CLI::App program;
  define_program(program, globals);
  program.prefix_command();
  // Only what precedes the command: read_words stops to see options at the first other word.
  const Typed before = read_words(program, words);
  const size_t options = words.size() - before.operands.size();
  std::vector<std::string> reversed(words.rend() - static_cast<ptrdiff_t>(options), words.rend());
  if (before.option != nullptr) reversed.erase(reversed.begin());
  program.parse(reversed);
  const manager::Context context = make_context(globals);
  if (before.operands.empty()) {
    add_for_command(candidates, context, program, before);
    if (before.option == nullptr) add_command_names(candidates);
    return;
  }

  const std::string& first = before.operands.front();
  const Command* command = find_command(first);
  size_t used = 1;
  if (command == nullptr && before.operands.size() == 1) {
    for (const std::string& word : words_after(first)) candidates.add(word, find_command(first, word)->summary);
    return;
  }
  if (command == nullptr) {
    command = find_command(first, before.operands[1]);
    used = 2;
  }
  if (command == nullptr) return;
  CLI::App app;
  Action action;
  command->define(app, action);
  Typed typed = read_words(app, words.subspan(options + used));
  typed.command = command;
  add_for_command(candidates, context, app, typed);
}

}  // namespace

int print_candidates(std::vector<std::string> words) {
  // Warnings of what is asked would end up in the middle of the user's line.
  if (const int null = ::open("/dev/null", O_WRONLY | O_CLOEXEC); null >= 0) ::dup2(null, STDERR_FILENO);
  try {
    if (words.empty()) words.emplace_back();
    Candidates candidates(words.back());
    words.pop_back();
    add_candidates(candidates, words);
    candidates.print();
    flush_output();
  } catch (const std::exception&) {
    // Nothing to offer.
    return 0;
  }
  return 0;
}

}  // namespace myct::cli
