// fmt.Sprintf of Go over JSON values; see https://pkg.go.dev/fmt.
#include <fmt/format.h>

#include <algorithm>

#include "go_value.hpp"

namespace myct::cli::go {
namespace {

/// Wider than any terminal; a template must not be able to ask for gigabytes.
constexpr size_t kWidest = 10'000;

struct Verb {
  bool left = false;
  bool plus = false;
  bool sharp = false;
  bool zero = false;
  bool blank = false;
  size_t width = 0;
  int precision = -1;
  char letter = 0;
};

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string pad(const Verb& verb, std::string text, bool number) {
  const size_t length = characters(text);
  if (length >= verb.width) return text;
  const size_t missing = verb.width - length;
  if (verb.left) return text + std::string(missing, ' ');
  if (!verb.zero) return std::string(missing, ' ') + text;
  const bool has_sign = number && !text.empty() && (text.front() == '-' || text.front() == '+' || text.front() == ' ');
  return text.insert(has_sign ? 1 : 0, missing, '0');
}

std::string with_sign(const Verb& verb, bool negative, std::string digits) {
  if (negative || verb.plus || verb.blank) digits.insert(digits.begin(), negative ? '-' : verb.plus ? '+' : ' ');
  return digits;
}

std::string hex_of(const Verb& verb, std::string_view text) {
  std::string hex;
  for (const char c : text)
    hex += verb.letter == 'x' ? fmt::format("{:02x}", static_cast<unsigned char>(c))
                              : fmt::format("{:02X}", static_cast<unsigned char>(c));
  return hex;
}

std::string cut(const Verb& verb, const std::string& text) {
  if (verb.precision < 0) return text;
  size_t end = 0;
  for (int shown = 0; shown < verb.precision && end < text.size(); ++shown)
    for (++end; end < text.size() && (text[end] & 0xc0) == 0x80; ++end) {
    }
  return text.substr(0, end);
}

std::string bad_verb(const Verb& verb, const Value& value) {
  if (value.is_null()) return fmt::format("%!{}(<nil>)", verb.letter);
  return fmt::format("%!{}({}={})", verb.letter, type_name(value), print(value));
}

std::string format_text(const Verb& verb, const Value& value, const std::string& text) {
  switch (verb.letter) {
    case 'v':
      return pad(verb, verb.sharp ? quote(text) : cut(verb, text), /*number=*/false);
    case 's':
      return pad(verb, cut(verb, text), /*number=*/false);
    case 'q':
      return pad(verb, quote(cut(verb, text)), /*number=*/false);
    case 'x':
    case 'X':
      return pad(verb, hex_of(verb, text), /*number=*/false);
    default:
      return bad_verb(verb, value);
  }
}

std::string format_whole(const Verb& verb, const Value& value, int64_t number) {
  const uint64_t magnitude = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
  std::string digits;
  switch (verb.letter) {
    case 'v':
    case 'd':
      digits = fmt::format("{}", magnitude);
      break;
    case 'x':
      digits = fmt::format("{}{:x}", verb.sharp ? "0x" : "", magnitude);
      break;
    case 'X':
      digits = fmt::format("{}{:X}", verb.sharp ? "0X" : "", magnitude);
      break;
    case 'o':
      digits = fmt::format("{}{:o}", verb.sharp ? "0" : "", magnitude);
      break;
    case 'b':
      digits = fmt::format("{:b}", magnitude);
      break;
    case 'c':
      return pad(verb, std::string(1, static_cast<char>(number & 0x7f)), /*number=*/false);
    default:
      return bad_verb(verb, value);
  }
  return pad(verb, with_sign(verb, number < 0, std::move(digits)), /*number=*/true);
}

std::string format_real(const Verb& verb, const Value& value, double number) {
  const double magnitude = number < 0 ? -number : number;
  const int precision = verb.precision >= 0 ? verb.precision : 6;
  std::string digits;
  switch (verb.letter) {
    case 'v':
    case 'g':
      digits = verb.precision >= 0 ? fmt::format("{:.{}g}", magnitude, precision) : print_real(magnitude);
      break;
    case 'f':
    case 'F':
      digits = fmt::format("{:.{}f}", magnitude, precision);
      break;
    case 'e':
      digits = fmt::format("{:.{}e}", magnitude, precision);
      break;
    default:
      return bad_verb(verb, value);
  }
  return pad(verb, with_sign(verb, number < 0, std::move(digits)), /*number=*/true);
}

std::string format_one(const Verb& verb, const Value& value) {
  if (value.is_null()) {
    if (!value.exists() || value.shape == Shape::Struct)
      return verb.letter == 'v' ? pad(verb, "<nil>", /*number=*/false) : fmt::format("%!{}(<nil>)", verb.letter);
    return pad(verb, print(value), /*number=*/false);
  }
  const Json& json = *value.node;
  if (json.is_string()) return format_text(verb, value, json.get_ref<const std::string&>());
  if (json.is_number_float()) return format_real(verb, value, json.get<double>());
  if (json.is_number()) return format_whole(verb, value, json.get<int64_t>());
  if (json.is_boolean())
    return verb.letter == 'v' || verb.letter == 't' ? pad(verb, print(value), /*number=*/false) : bad_verb(verb, value);
  if (verb.letter == 'v' || verb.letter == 's') return pad(verb, print(value), /*number=*/false);
  if (!json.is_array()) return bad_verb(verb, value);
  // Each verb goes for the elements, as in "%q" of a list.
  std::string text = "[";
  for (const Json& element : json) {
    if (text.size() > 1) text += ' ';
    text += format_one(verb, child(value, {}, element));
  }
  return text + "]";
}

/// Reads flags, width, precision and the letter from behind the '%'; the letter is 0 at the end of the text.
Verb read_verb(std::string_view text, size_t& at) {
  Verb verb;
  for (; at < text.size(); ++at) {
    if (text[at] == '-')
      verb.left = true;
    else if (text[at] == '+')
      verb.plus = true;
    else if (text[at] == '#')
      verb.sharp = true;
    else if (text[at] == '0')
      verb.zero = true;
    else if (text[at] == ' ')
      verb.blank = true;
    else
      break;
  }
  const auto read_number = [&] {
    size_t number = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
      number = std::min(number * 10 + static_cast<size_t>(text[at] - '0'), kWidest);
    return number;
  };
  verb.width = read_number();
  if (at < text.size() && text[at] == '.') {
    ++at;
    verb.precision = static_cast<int>(read_number());
  }
  if (at < text.size()) verb.letter = text[at++];
  return verb;
}

}  // namespace

std::string format(std::string_view format, const std::vector<Value>& arguments) {
  std::string text;
  size_t used = 0;
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      text += format[at++];
      continue;
    }
    ++at;
    const Verb verb = read_verb(format, at);
    if (verb.letter == 0)
      text += "%!(NOVERB)";
    else if (verb.letter == '%')
      text += '%';
    else if (used == arguments.size())
      text += fmt::format("%!{}(MISSING)", verb.letter);
    else
      text += format_one(verb, arguments[used++]);
  }
  if (used == arguments.size()) return text;
  std::string extra;
  for (; used < arguments.size(); ++used) {
    extra += extra.empty() ? "" : ", ";
    extra +=
        arguments[used].is_null() ? "<nil>" : fmt::format("{}={}", type_name(arguments[used]), print(arguments[used]));
  }
  return text + "%!(EXTRA " + extra + ")";
}

std::string quote(std::string_view text) {
  constexpr std::string_view kSpecial = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view kNames = "abfnrtv\\\"";
  std::string quoted = "\"";
  for (const char c : text) {
    if (const size_t found = kSpecial.find(c); found != std::string_view::npos)
      quoted.append({'\\', kNames[found]});
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      quoted += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    else
      quoted += c;
  }
  return quoted + '"';
}

}  // namespace myct::cli::go
