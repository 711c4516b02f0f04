// Words to a tree, by recursive descent; see text/template/parse for the grammar.
#include <fmt/format.h>

#include <algorithm>

#include "template_lexer.hpp"
#include "template_syntax.hpp"

namespace myct::cli::syntax {
namespace {

using Kind = Token::Kind;

/// Nothing that a person writes is deeper; the parser and the execution recurse.
constexpr int kDeepest = 100;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), tokens_(tokenize(text)) {}

  Block run() {
    Block block = parse_block();
    if (peek().kind != Kind::End) fail(tokens_[at_ + 1], fmt::format("unexpected {{{{{}}}}}", tokens_[at_ + 1].text));
    return block;
  }

 private:
  [[nodiscard]] const Token& peek() const noexcept { return tokens_[at_]; }
  const Token& next() noexcept { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  [[nodiscard]] bool is_mark(std::string_view mark) const noexcept {
    return peek().kind == Kind::Punctuation && peek().text == mark;
  }
  [[noreturn]] void fail(const Token& token, const std::string& why) const { throw_syntax(text_, token.offset, why); }

  /// Whether the next action is {{end}} or {{else ...}}, which end a block.
  [[nodiscard]] bool at_block_end() const noexcept {
    if (peek().kind == Kind::End) return true;
    if (peek().kind != Kind::Open) return false;
    const Token& word = tokens_[at_ + 1];
    return word.kind == Kind::Word && (word.text == "end" || word.text == "else");
  }

  Block parse_block() {
    Block block;
    const size_t visible = variables_.size();
    while (!at_block_end()) {
      if (peek().kind == Kind::Text)
        block.nodes.push_back(
            {.kind = Node::Kind::Text, .text = next().text, .pipeline = {}, .body = {}, .otherwise = {}});
      else
        block.nodes.push_back(parse_action());
    }
    variables_.resize(visible);
    return block;
  }

  void expect_close() {
    if (peek().kind != Kind::Close) fail(peek(), "unexpected word in action");
    next();
  }

  Node parse_action() {
    const Token& open = next();
    Node node{.kind = Node::Kind::Print, .text = {}, .pipeline = {}, .body = {}, .otherwise = {}};
    const std::string word = peek().kind == Kind::Word ? peek().text : std::string();
    if (word == "if" || word == "range" || word == "with") {
      parse_control(open);
      return parse_branches(word);
    }
    if (word == "break" || word == "continue") {
      if (loops_ == 0) fail(open, "{{" + word + "}} outside {{range}}");
      next();
      node.kind = word == "break" ? Node::Kind::Break : Node::Kind::Continue;
    } else if (word == "define" || word == "block" || word == "template") {
      fail(open, "{{" + word + "}} is not supported");
    } else {
      node.pipeline = parse_pipeline();
    }
    expect_close();
    return node;
  }

  /// Steps over the control word.
  void parse_control(const Token& open) {
    if (++depth_ > kDeepest) fail(open, "nested too deeply");
    next();
  }

  /// From behind {{if, {{range or {{with to behind its {{end}}.
  Node parse_branches(const std::string& word) {
    Node node;
    node.kind = word == "if" ? Node::Kind::If : word == "range" ? Node::Kind::Range : Node::Kind::With;
    const size_t visible = variables_.size();
    node.pipeline = parse_pipeline(node.kind == Node::Kind::Range ? 2 : 1);
    expect_close();
    if (node.kind == Node::Kind::Range) ++loops_;
    node.body = parse_block();
    if (node.kind == Node::Kind::Range) --loops_;
    if (peek().kind == Kind::End) fail(peek(), "unexpected end: {{end}} is missing");
    next();
    if (next().text == "else") {
      if (peek().kind == Kind::Word && node.kind != Node::Kind::Range &&
          (peek().text == "if" || peek().text == "with")) {
        const std::string nested = peek().text;
        parse_control(peek());
        node.otherwise.nodes.push_back(parse_branches(nested));
        variables_.resize(visible);
        --depth_;
        return node;
      }
      expect_close();
      node.otherwise = parse_block();
      if (peek().kind == Kind::End || tokens_[at_ + 1].text != "end") fail(peek(), "{{end}} is missing");
      next();
      next();
    }
    expect_close();
    variables_.resize(visible);
    --depth_;
    return node;
  }

  Pipeline parse_pipeline(size_t most_variables = 1) {
    Pipeline pipeline;
    parse_variables(pipeline, most_variables);
    for (;;) {
      const Token& first = peek();
      Command command = parse_command();
      if (!pipeline.commands.empty() && !is_executable(command.words.front()))
        fail(first, "only a function can take what comes through '|'");
      pipeline.commands.push_back(std::move(command));
      if (!is_mark("|")) break;
      next();
    }
    if (pipeline.declares) variables_.insert(variables_.end(), pipeline.variables.begin(), pipeline.variables.end());
    return pipeline;
  }

  static bool is_executable(const Operand& operand) noexcept {
    return operand.kind == Operand::Kind::Function || !operand.fields.empty();
  }

  /// "$x :=", "$x =" or "$i, $e :=" in front of a pipeline.
  void parse_variables(Pipeline& pipeline, size_t most) {
    const size_t start = at_;
    std::vector<std::string> names;
    while (peek().kind == Kind::Variable) {
      names.push_back(next().text);
      if (!is_mark(",")) break;
      next();
    }
    const bool declares = is_mark(":=");
    if (names.empty() || (!declares && !is_mark("="))) {
      at_ = start;
      return;
    }
    if (names.size() > most) fail(tokens_[start], "too many variables");
    if (!declares)
      for (const std::string& name : names) check_variable(tokens_[start], name);
    next();
    pipeline.variables = std::move(names);
    pipeline.declares = declares;
  }

  void check_variable(const Token& token, const std::string& name) const {
    if (name != "$" && std::find(variables_.begin(), variables_.end(), name) == variables_.end())
      fail(token, fmt::format("undefined variable '{}'", name));
  }

  Command parse_command() {
    Command command;
    while (peek().kind != Kind::Close && !is_mark("|") && !is_mark(")")) command.words.push_back(parse_operand());
    if (command.words.empty()) fail(peek(), "missing value");
    const Operand& first = command.words.front();
    if (command.words.size() > 1 && !is_executable(first)) fail(peek(), first.text() + " is no function");
    if (first.kind == Operand::Kind::Nil) fail(peek(), "nil is not a command");
    return command;
  }

  Operand parse_operand() {
    const Token& token = next();
    Operand operand;
    switch (token.kind) {
      case Kind::Dot:
        break;
      case Kind::Field:
        operand.fields.push_back(token.text);
        break;
      case Kind::Variable:
        check_variable(token, token.text);
        operand.kind = Operand::Kind::Variable;
        operand.name = token.text;
        break;
      case Kind::Literal:
        operand.kind = Operand::Kind::Literal;
        operand.literal = token.literal;
        return operand;
      case Kind::Word:
        return parse_word(token);
      default:
        if (token.kind != Kind::Punctuation || token.text != "(") fail(token, "unexpected '" + token.text + "'");
        parse_nested(token, operand);
    }
    while (peek().kind == Kind::Field && !peek().after_blank) operand.fields.push_back(next().text);
    return operand;
  }

  void parse_nested(const Token& open, Operand& operand) {
    if (++depth_ > kDeepest) fail(open, "nested too deeply");
    operand.kind = Operand::Kind::Nested;
    operand.nested = std::make_shared<const Pipeline>(parse_pipeline());
    if (!is_mark(")")) fail(open, "unclosed left parenthesis");
    next();
    --depth_;
  }

  Operand parse_word(const Token& token) {
    Operand operand;
    operand.kind = Operand::Kind::Literal;
    if (token.text == "true" || token.text == "false") {
      operand.literal = token.text == "true";
    } else if (token.text == "nil") {
      operand.kind = Operand::Kind::Nil;
    } else {
      if (!is_function(token.text)) fail(token, fmt::format("function '{}' not defined", token.text));
      operand.kind = Operand::Kind::Function;
      operand.name = token.text;
    }
    return operand;
  }

  std::string_view text_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  int depth_ = 0;
  int loops_ = 0;
  std::vector<std::string> variables_;  ///< those in scope
};

}  // namespace

std::string Operand::text() const {
  std::string text;
  switch (kind) {
    case Kind::Dot:
      if (fields.empty()) return ".";
      break;
    case Kind::Literal:
      return literal.dump();
    case Kind::Nil:
      return "nil";
    case Kind::Nested:
      text = "(...)";
      break;
    default:
      text = name;
  }
  for (const std::string& field : fields) text += "." + field;
  return text;
}

Block parse(std::string_view text) { return Parser(text).run(); }

}  // namespace myct::cli::syntax
