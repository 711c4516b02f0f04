// A template taken apart: what the parser makes and the execution walks over.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "template.hpp"

namespace myct::cli::syntax {

struct Pipeline;

/// One word of a command: what it begins with, and the fields that follow without a blank ("$x.A.B", "(f).A").
struct Operand {
  enum class Kind : uint8_t { Dot, Variable, Literal, Nil, Function, Nested };
  Kind kind = Kind::Dot;
  std::string name;  ///< a variable's with its "$", or a function's
  std::vector<std::string> fields;
  Json literal;
  std::shared_ptr<const Pipeline> nested;

  /// As it was written, for messages.
  [[nodiscard]] std::string text() const;
};

struct Command {
  std::vector<Operand> words;
};

struct Pipeline {
  std::vector<std::string> variables;  ///< on the left of ":=" or "="
  bool declares = false;               ///< ":=": they are new
  std::vector<Command> commands;
};

struct Node;
struct Block {
  std::vector<Node> nodes;
};

struct Node {
  enum class Kind : uint8_t { Text, Print, If, Range, With, Break, Continue };
  Kind kind = Kind::Text;
  std::string text;
  Pipeline pipeline;
  Block body;
  Block otherwise;
};

/// Throws Error{Usage}.
[[nodiscard]] Block parse(std::string_view text);

/// Whether a function of this name exists.
[[nodiscard]] bool is_function(std::string_view name) noexcept;

}  // namespace myct::cli::syntax
