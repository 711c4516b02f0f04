// The words of a template: text between actions, and what stands in the actions.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "template.hpp"

namespace myct::cli::syntax {

struct Token {
  enum class Kind : uint8_t { Text, Open, Close, Dot, Field, Variable, Word, Literal, Punctuation, End };
  Kind kind = Kind::End;
  std::string text;  ///< a field's without its dot; a variable's with its "$"; "(", ")", "|", ",", ":=", "="
  Json literal;
  size_t offset = 0;         ///< in the template
  bool after_blank = false;  ///< "(x) .A" are two words, "(x).A" is one
};

/// Comments and trimmed blanks are gone from the result, which ends with Kind::End. Throws Error{Usage}.
[[nodiscard]] std::vector<Token> tokenize(std::string_view text);

[[noreturn]] void throw_syntax(std::string_view text, size_t offset, const std::string& why);

}  // namespace myct::cli::syntax
