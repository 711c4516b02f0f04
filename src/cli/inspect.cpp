// myct inspect.
#include "myct/manager/inspect.hpp"

#include <memory>

#include "command.hpp"
#include "documents.hpp"
#include "myct/base/error.hpp"
#include "output.hpp"
#include "template.hpp"

#include <nlohmann/json.hpp>

namespace myct::cli {
namespace {

struct Flags {
  std::vector<std::string> names;
  std::string format;
  std::string type;
  bool size = false;
};

constexpr int kIndent = 4;

/// Containers before images, as docker does.
Json find_object(const manager::Context& context, const Flags& flags, const std::string& name) {
  const auto size = flags.size ? manager::WithSize::Yes : manager::WithSize::No;
  if (flags.type != "image")
    if (std::optional<Json> container = manager::try_inspect_container(context, name, size))
      return std::move(*container);
  if (flags.type != "container")
    if (std::optional<Json> image = manager::try_inspect_image(context, name)) return std::move(*image);
  throw_error(ErrorKind::NotFound, "no such {}: {}", flags.type.empty() ? "object" : flags.type, name);
}

int print_all(const std::vector<std::string>& names, const std::function<Json(const std::string&)>& look_up,
              int indent) {
  Json documents = Json::array();
  const int status = for_each_target(names, [&](const std::string& name) { documents.push_back(look_up(name)); });
  print_line(documents.dump(indent, ' ', false, Json::error_handler_t::replace));
  return status;
}

int print_rendered(const std::vector<std::string>& names, const std::function<Json(const std::string&)>& look_up,
                   const std::string& format) {
  const Template form(format);
  bool nothing = true;
  const int status = for_each_target(names, [&](const std::string& name) {
    const Json document = look_up(name);
    print_line(form.render({.root = document}));
    nothing = false;
  });
  if (nothing) print_line("");
  return status;
}

}  // namespace

int print_documents(const std::vector<std::string>& names, const std::string& format,
                    const std::function<Json(const std::string&)>& look_up) {
  if (format.empty()) return print_all(names, look_up, kIndent);
  return format == "json" ? print_all(names, look_up, -1) : print_rendered(names, look_up, format);
}

void define_inspect(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct inspect [OPTIONS] NAME [NAME...]");
  command.add_option("NAME", flags->names, "Names or ids of containers and images")->required();
  command.add_option("-f,--format", flags->format, "json, or a Go template for each")->type_name("FORMAT")->take_last();
  command.add_flag("-s,--size", flags->size, "Say what containers have written, too");
  command.add_option("--type", flags->type, "container or image: look for these only")->type_name("TYPE")->take_last();
  action = [flags](const manager::Context& context) {
    if (!flags->type.empty() && flags->type != "container" && flags->type != "image")
      throw_error(ErrorKind::Usage, "--type: '{}' is neither container nor image", flags->type);
    return print_documents(flags->names, flags->format,
                           [&](const std::string& name) { return find_object(context, *flags, name); });
  };
}

void define_image_inspect(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<Flags>();
  flags->type = "image";
  set_usage(command, "Usage: myct image inspect [OPTIONS] IMAGE [IMAGE...]");
  command.add_option("IMAGE", flags->names, "Names, or ids")->required();
  command.add_option("-f,--format", flags->format, "json, or a Go template for each")->type_name("FORMAT")->take_last();
  action = [flags](const manager::Context& context) {
    return print_documents(flags->names, flags->format,
                           [&](const std::string& name) { return find_object(context, *flags, name); });
  };
}

}  // namespace myct::cli
