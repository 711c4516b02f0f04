// myct version.
#include <sys/utsname.h>

#include <memory>

#include "command.hpp"
#include "format.hpp"
#include "myct/base/error.hpp"
#include "myct/base/process.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

/// The members of docker's document that mean something here. Scripts ask for .Client or for .Server: there is one
/// program for both.
Json version_document() {
  utsname kernel{};
  if (::uname(&kernel) == -1) throw_errno("ask for the kernel's name");
  const Json program = {
      {"Version", MYCT_VERSION}, {"Os", "linux"}, {"Arch", machine_architecture()}, {"KernelVersion", kernel.release}};
  return {{"Client", program}, {"Server", program}};
}

}  // namespace

void define_version(CLI::App& command, Action& action) {
  const auto format = std::make_shared<std::string>();
  set_usage(command, "Usage: myct version [OPTIONS]");
  command.add_option("-f,--format", *format, "json, or a Go template")->type_name("FORMAT")->take_last();
  action = [format](const manager::Context&) {
    if (format->empty())
      print_line(version_line());
    else if (*format == "json")
      print_line(version_document().dump());
    else
      print_line(Template(replace_escapes(*format)).render({.root = version_document()}));
    return 0;
  };
}

}  // namespace myct::cli
