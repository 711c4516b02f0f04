#include "parse_error.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace myct::cli {
namespace {

bool looks_like_option(const std::string& word) { return word.starts_with('-'); }

Error usage_error(std::string what, std::string hint, int status = kExitOwnFailure) {
  Error error(ErrorKind::Usage, std::move(what), 0, std::move(hint));
  error.set_exit_status(status);
  return error;
}

/// The words that nothing was found for; an option first.
Error explain_extras(const std::vector<std::string>& extras, std::string hint) {
  const auto option = std::find_if(extras.begin(), extras.end(), looks_like_option);
  if (option != extras.end())
    return usage_error(fmt::format("unknown option '{}'", option->substr(0, option->find('='))), std::move(hint));
  const std::string word = extras.empty() ? std::string() : extras.front();
  return usage_error(fmt::format("unexpected word '{}'", word), std::move(hint), kExitFailure);
}

std::string with_article(const std::string& noun) {
  constexpr std::string_view kVowels = "AEIOU";
  const bool vowel = noun == "N" || (!noun.empty() && kVowels.find(noun.front()) != std::string_view::npos);
  return (vowel ? "an " : "a ") + noun;
}

/// CLI11's texts begin with the option's name, and its errors have nothing but their text.
const CLI::Option* option_named_in(const CLI::App& command, const std::string& text) {
  return command.get_option_no_throw(text.substr(0, text.find_first_of(": ")));
}

/// "Could not convert: --rm = maybe": of all our options, only flags are converted by CLI11.
std::string explain_conversion(const std::string& text) {
  constexpr std::string_view kBefore = "Could not convert: ";
  constexpr std::string_view kBetween = " = ";
  const size_t between = text.find(kBetween);
  if (!text.starts_with(kBefore) || between == std::string::npos) return text;
  return fmt::format("{}: '{}' is neither true nor false", text.substr(kBefore.size(), between - kBefore.size()),
                     text.substr(between + kBetween.size()));
}

}  // namespace

Error explain_parse_error(const CLI::App& app, const CLI::App& command, const CLI::ParseError& error,
                          std::string hint) {
  std::string text = error.what();
  if (const size_t end = text.find('\n'); end != std::string::npos) text.resize(end);
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr)
    return explain_extras(app.remaining(/*recurse=*/true), std::move(hint));
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr)
    return usage_error(text, std::move(hint), kExitFailure);
  if (dynamic_cast<const CLI::ConversionError*>(&error) != nullptr)
    return usage_error(explain_conversion(text), std::move(hint));
  const CLI::Option* option = option_named_in(command, text);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && option != nullptr)
    return usage_error(fmt::format("{}: needs {}", option->get_name(), with_article(option->get_type_name())),
                       std::move(hint));
  return usage_error(text, std::move(hint));
}

}  // namespace myct::cli
