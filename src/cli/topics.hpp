// What manual pages say beyond the options: which words an option takes, and what a template may ask for.
#pragma once

#include <span>
#include <string_view>

namespace myct::cli {

struct Term {
  const char* name;
  const char* text;
};

/// A section of a command's page.
struct Topic {
  std::string_view command;
  const char* title;
  const char* text;  ///< before the terms
  std::span<const Term> terms;
};

/// Those of all commands, in the order of the pages' sections.
[[nodiscard]] std::span<const Topic> topics();

}  // namespace myct::cli
