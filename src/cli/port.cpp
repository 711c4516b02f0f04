// myct port.
#include <limits>
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/units.hpp"
#include "myct/manager/manager.hpp"
#include "output.hpp"

namespace myct::cli {
namespace {

/// "80/tcp" for "80". Throws Error{Usage}.
std::string parse_port(const std::string& word) {
  const size_t slash = word.find('/');
  const std::optional<uint64_t> number = parse_unsigned(word.substr(0, slash));
  if (!number || *number > std::numeric_limits<uint16_t>::max())
    throw_error(ErrorKind::Usage, "invalid port '{}': it is a number up to 65535", word.substr(0, slash));
  return slash == std::string::npos ? word + "/tcp" : word;
}

/// All of them, or only where the container's port `wanted` ("80/tcp") is.
void print_ports(const std::vector<state::PublishedPort>& ports, const std::string& container,
                 const std::string& wanted) {
  bool found = false;
  for (const state::PublishedPort& port : ports) {
    const std::string inside = fmt::format("{}/{}", port.container_port, state::protocol_word(port.protocol));
    const std::string outside = fmt::format("{}:{}", state::address_text(port), port.host_port);
    if (wanted.empty()) print_line(inside + " -> " + outside);
    if (inside != wanted) continue;
    print_line(outside);
    found = true;
  }
  if (!wanted.empty() && !found)
    throw_error(ErrorKind::NotFound, "no public port '{}' published for {}", wanted, container);
}

}  // namespace

void define_port(CLI::App& command, Action& action) {
  struct Flags {
    std::string container;
    std::string port;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct port CONTAINER [PORT[/PROTOCOL]]");
  command.add_option("CONTAINER", flags->container, "A name, an id, or the unique beginning of an id")->required();
  command.add_option("PORT", flags->port, "A port of the container; tcp unless '/udp' or '/sctp' follows");
  action = [flags](const manager::Context& context) {
    return for_each_target({flags->container}, [&](const std::string& name) {
      print_ports(manager::published_ports(context, name), name,
                  flags->port.empty() ? std::string() : parse_port(flags->port));
    });
  };
}

}  // namespace myct::cli
