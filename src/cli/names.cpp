// Which words name which command: its own name, its aliases, and docker's nouns ("container ls").
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include "command.hpp"
#include "flags.hpp"

namespace myct::cli {
namespace {

/// Commands that may be written after a noun of docker's, of those that there are.
struct Noun {
  std::string_view noun;
  std::string_view commands;
};

constexpr std::array kNouns = {
    Noun{
        "container",
        "attach commit cp create diff exec export inspect kill logs ls pause port prune ps rename restart rm run start "
        "stats stop top unpause update wait"},
    Noun{"image", "build history import load pull push save tag"},
};

/// Words that mean something else after a noun than by themselves.
struct Meaning {
  std::string_view noun;
  std::string_view word;
  std::string_view command;
};

constexpr std::array kMeanings = {
    Meaning{"container", "list", "ps"},
    Meaning{"image", "ls", "images"},
    Meaning{"image", "list", "images"},
    Meaning{"image", "rm", "rmi"},
};

bool has_word(std::string_view list, std::string_view word) {
  const std::vector<std::string> words = split(list, ' ');
  return !word.empty() && std::find(words.begin(), words.end(), word) != words.end();
}

/// "check" of "system check", or nothing.
std::string_view second_word(std::string_view name, std::string_view noun) {
  if (!name.starts_with(noun) || name.size() <= noun.size() || name[noun.size()] != ' ') return {};
  return name.substr(noun.size() + 1);
}

}  // namespace

const Command* find_command(std::string_view word) {
  for (const Command& command : commands())
    if (word == command.name || has_word(command.aliases, word)) return &command;
  return nullptr;
}

const Command* find_command(std::string_view noun, std::string_view word) {
  for (const Command& command : commands())
    if (const std::string_view second = second_word(command.name, noun); !second.empty() && second == word)
      return &command;
  for (const Meaning& meaning : kMeanings)
    if (meaning.noun == noun && meaning.word == word) return find_command(meaning.command);
  for (const Noun& known : kNouns)
    if (known.noun == noun && has_word(known.commands, word)) return find_command(word);
  return nullptr;
}

std::vector<std::string> words_after(std::string_view noun) {
  std::vector<std::string> words;
  const auto add = [&](std::string_view word) {
    if (!word.empty() && find_command(noun, word) != nullptr) words.emplace_back(word);
  };
  for (const Command& command : commands()) add(second_word(command.name, noun));
  for (const Meaning& meaning : kMeanings)
    if (meaning.noun == noun) add(meaning.word);
  for (const Noun& known : kNouns)
    if (known.noun == noun)
      for (const std::string& word : split(known.commands, ' ')) add(word);
  return words;
}

std::vector<std::string> nouns() {
  std::vector<std::string> found;
  const auto add = [&](std::string_view noun) {
    if (std::find(found.begin(), found.end(), noun) == found.end()) found.emplace_back(noun);
  };
  for (const Noun& known : kNouns) add(known.noun);
  for (const Command& command : commands())
    if (const std::string_view name = command.name; name.find(' ') != std::string_view::npos)
      add(name.substr(0, name.find(' ')));
  return found;
}

std::vector<std::string> other_names(const Command& command) {
  std::vector<std::string> names;
  for (const std::string& alias : split(command.aliases, ' '))
    if (!alias.empty()) names.push_back("myct " + alias);
  for (const Noun& known : kNouns)
    for (const std::string& word : words_after(known.noun))
      if (find_command(known.noun, word) == &command) names.push_back(fmt::format("myct {} {}", known.noun, word));
  return names;
}

}  // namespace myct::cli
