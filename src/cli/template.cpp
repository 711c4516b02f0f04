// Walking over a parsed template.
#include "template.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "go_value.hpp"
#include "myct/base/error.hpp"
#include "template_functions.hpp"
#include "template_syntax.hpp"

namespace myct::cli {
namespace {

using go::Value;
using syntax::Block;
using syntax::Command;
using syntax::Node;
using syntax::Operand;
using syntax::Pipeline;

enum class Flow : uint8_t { Normal, Break, Continue };

[[noreturn]] void fail_at(std::string_view place, const std::string& why, std::string hint = {}) {
  Error error(ErrorKind::Invalid, fmt::format("execute template at '{}': {}", place, why), 0, std::move(hint));
  error.set_exit_status(1);
  throw error;
}

std::string hint_of_members(const Json& object) {
  std::string hint;
  for (const auto& [key, value] : object.items()) hint += (hint.empty() ? "fields are " : ", ") + key;
  return hint;
}

/// Docker's title for a label's column: what is behind its last dot.
std::string label_title(const std::string& key) {
  std::string title = key.substr(key.rfind('.') + 1);
  std::replace_if(
      title.begin(), title.end(), [](char c) { return c == '-' || c == '_'; }, ' ');
  return title;
}

class Execution {
 public:
  explicit Execution(const TemplateData& data) : data_(data), variables_{{"$", go::borrow(data.root)}} {}

  std::string run(const Block& block) {
    run_block(block, go::borrow(data_.root));
    return std::move(out_);
  }

 private:
  Flow run_block(const Block& block, const Value& dot) {
    const size_t visible = variables_.size();
    Flow flow = Flow::Normal;
    for (const Node& node : block.nodes) {
      flow = run_node(node, dot);
      if (flow != Flow::Normal) break;
    }
    variables_.resize(visible);
    return flow;
  }

  Flow run_node(const Node& node, const Value& dot) {
    switch (node.kind) {
      case Node::Kind::Text:
        out_ += node.text;
        return Flow::Normal;
      case Node::Kind::Break:
        return Flow::Break;
      case Node::Kind::Continue:
        return Flow::Continue;
      case Node::Kind::Print: {
        const Value value = evaluate(node.pipeline, dot);
        if (node.pipeline.variables.empty()) out_ += go::print(value);
        return Flow::Normal;
      }
      default:
        return run_control(node, dot);
    }
  }

  Flow run_control(const Node& node, const Value& dot) {
    const size_t visible = variables_.size();
    Flow flow = Flow::Normal;
    if (node.kind == Node::Kind::Range) {
      flow = run_range(node, dot);
    } else {
      const Value value = evaluate(node.pipeline, dot);
      if (!go::is_true(value))
        flow = run_block(node.otherwise, dot);
      else
        flow = run_block(node.body, node.kind == Node::Kind::With ? value : dot);
    }
    variables_.resize(visible);
    return flow;
  }

  Flow run_range(const Node& node, const Value& dot) {
    const Value value = compute(node.pipeline, dot);
    std::vector<std::pair<Value, Value>> elements = elements_of(node.pipeline, value);
    if (elements.empty()) return run_block(node.otherwise, dot);
    for (const auto& [key, element] : elements) {
      const size_t visible = variables_.size();
      const std::vector<std::string>& names = node.pipeline.variables;
      if (names.size() == 1) assign(node.pipeline, names[0], element);
      if (names.size() == 2) {
        assign(node.pipeline, names[0], key);
        assign(node.pipeline, names[1], element);
      }
      const Flow flow = run_block(node.body, element);
      variables_.resize(visible);
      if (flow == Flow::Break) break;
    }
    return Flow::Normal;
  }

  static std::vector<std::pair<Value, Value>> elements_of(const Pipeline& pipeline, const Value& value) {
    std::vector<std::pair<Value, Value>> elements;
    if (value.is_null()) return elements;
    const std::string place = pipeline.commands.back().words.front().text();
    if (value.node->is_array()) {
      for (const Json& element : *value.node)
        elements.emplace_back(go::own(elements.size()), go::child(value, {}, element));
    } else if (value.node->is_number_integer()) {
      constexpr int64_t kMost = 1'000'000;
      const int64_t count = value.node->get<int64_t>();
      if (count > kMost) fail_at(place, fmt::format("range over {} is out of range", count));
      for (int64_t number = 0; number < count; ++number) elements.emplace_back(go::own(number), go::own(number));
    } else if (value.node->is_object() && value.shape == go::Shape::Map) {
      for (auto member = value.node->begin(); member != value.node->end(); ++member)
        elements.emplace_back(go::own(member.key()), go::child(value, member.key(), *member));
      std::sort(elements.begin(), elements.end(),
                [](const auto& a, const auto& b) { return *a.first.node < *b.first.node; });
    } else {
      fail_at(place, fmt::format("range can't iterate over {}", go::type_name(value)));
    }
    return elements;
  }

  void assign(const Pipeline& pipeline, const std::string& name, const Value& value) {
    if (pipeline.declares)
      variables_.emplace_back(name, value);
    else
      variable(name) = value;
  }

  /// The innermost of the name; the parser has made sure that there is one.
  Value& variable(const std::string& name) {
    return std::find_if(variables_.rbegin(), variables_.rend(), [&](const auto& v) { return v.first == name; })->second;
  }

  Value evaluate(const Pipeline& pipeline, const Value& dot) {
    Value value = compute(pipeline, dot);
    for (const std::string& name : pipeline.variables) assign(pipeline, name, value);
    return value;
  }

  Value compute(const Pipeline& pipeline, const Value& dot) {
    const Value* through = nullptr;
    Value value;
    for (const Command& command : pipeline.commands) {
      value = run_command(command, dot, through);
      through = &value;
    }
    return value;
  }

  /// `through` is what came from the command before, and becomes the last argument.
  Value run_command(const Command& command, const Value& dot, const Value* through) {
    const Operand& first = command.words.front();
    if (first.kind == Operand::Kind::Function) return run_function(command, dot, through);
    if (command.words.size() == 1 && through == nullptr) return operand(first, dot);
    if (first.fields.back() != "Label" || data_.labels == nullptr || first.fields.size() > 1)
      fail_at(first.text(), "it takes no arguments");
    const Value argument = through != nullptr ? *through : operand(command.words[1], dot);
    if (command.words.size() + (through != nullptr ? 1 : 0) != 2 || !argument.exists() || !argument.node->is_string())
      fail_at(first.text(), "it takes one argument, a label's key");
    const auto& key = argument.node->get_ref<const std::string&>();
    if (data_.titles) return go::own(label_title(key));
    const auto found = data_.labels->find(key);
    return go::own(found != data_.labels->end() ? found->second : std::string());
  }

  Value run_function(const Command& command, const Value& dot, const Value* through) {
    const Operand& function = command.words.front();
    // and, or: evaluation ends with the first argument that decides.
    const bool is_and = function.name == "and";
    const bool is_lazy = is_and || function.name == "or";
    std::vector<Value> arguments;
    for (size_t index = 1; index < command.words.size(); ++index) {
      arguments.push_back(operand(command.words[index], dot));
      if (is_lazy && go::is_true(arguments.back()) != is_and) return arguments.back();
    }
    if (through != nullptr) arguments.push_back(*through);
    if (data_.titles && syntax::keeps_titles(function.name) && !arguments.empty()) return arguments.front();
    try {
      return syntax::call_function(function.name, arguments);
    } catch (const Error& error) {
      fail_at(function.name, error.subject());
    }
  }

  Value operand(const Operand& operand, const Value& dot) {
    Value value;
    switch (operand.kind) {
      case Operand::Kind::Dot:
        value = dot;
        break;
      case Operand::Kind::Variable:
        value = variable(operand.name);
        break;
      case Operand::Kind::Literal:
        return go::borrow(operand.literal);
      case Operand::Kind::Nil:
        return {};
      case Operand::Kind::Function:
        return run_function({.words = {operand}}, dot, nullptr);
      case Operand::Kind::Nested:
        value = compute(*operand.nested, dot);
        break;
    }
    for (const std::string& name : operand.fields) value = field(value, name, operand);
    return value;
  }

  Value field(const Value& value, const std::string& name, const Operand& operand) const {
    if (!value.exists()) return {};
    if (value.node->is_object()) {
      const auto found = value.node->find(name);
      if (found != value.node->end()) return go::child(value, found.key(), *found);
      if (value.shape == go::Shape::Map) return {};
      if (value.node.get() == &data_.root)
        if (const Json* member = member_called(name)) return go::child(value, name, *member);
      fail_at(operand.text(), fmt::format("can't evaluate field {}", name), hint_of_members(*value.node));
    }
    if (value.is_null() && value.shape == go::Shape::Map) return {};
    // Titles have no fields of their own: {{.Names.X}} fails on the rows.
    if (data_.titles) return value;
    fail_at(operand.text(), fmt::format("can't evaluate field {} in type {}", name, go::type_name(value)));
  }

  /// The root's member by its other name, or nullptr.
  [[nodiscard]] const Json* member_called(const std::string& field) const {
    for (const FieldName& known : data_.field_names) {
      if (known.field != field) continue;
      const auto found = data_.root.find(known.member);
      return found != data_.root.end() ? &*found : nullptr;
    }
    return nullptr;
  }

  const TemplateData& data_;
  std::vector<std::pair<std::string, Value>> variables_;
  std::string out_;
};

/// Whether an operand of the block, or of what is inside it, is such a one.
template <typename Test>
bool any_operand(const Pipeline& pipeline, Test test) {
  for (const Command& command : pipeline.commands)
    for (const Operand& operand : command.words)
      if (test(operand) || (operand.nested && any_operand(*operand.nested, test))) return true;
  return false;
}

template <typename Test>
bool any_operand(const Block& block, Test test) {
  return std::any_of(block.nodes.begin(), block.nodes.end(), [&](const Node& node) {
    return any_operand(node.pipeline, test) || any_operand(node.body, test) || any_operand(node.otherwise, test);
  });
}

}  // namespace

Template::Template(std::string_view text) : tree_(std::make_shared<const Block>(syntax::parse(text))) {}

std::string Template::render(const TemplateData& data) const { return Execution(data).run(*tree_); }

bool Template::mentions(std::string_view field) const {
  return any_operand(*tree_, [&](const Operand& o) { return !o.fields.empty() && o.fields.front() == field; });
}

}  // namespace myct::cli
