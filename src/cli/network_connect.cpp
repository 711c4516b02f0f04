// myct network connect and disconnect.
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "flags.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/network.hpp"
#include "network_options.hpp"

namespace myct::cli {

void define_network_connect(CLI::App& command, Action& action) {
  struct Flags {
    std::string network;
    std::string container;
    AttachmentFlags attachment;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct network connect [OPTIONS] NETWORK CONTAINER");
  command.add_option("NETWORK", flags->network, "Name, id, or unique beginning of an id")->required();
  command.add_option("CONTAINER", flags->container, "Name, id, or unique beginning of an id")->required();
  add_list(command, "--alias", flags->attachment.aliases, "Another name for it on the network", "NAME");
  add_attachment_options(command, flags->attachment, "on the network");
  action = [flags](const manager::Context& context) {
    state::NetworkAttachment attachment{.network = manager::find_network(context, flags->network).name};
    apply_attachment_flags(flags->attachment, attachment);
    check_attachment(attachment);
    manager::connect_to_network(context, flags->container, std::move(attachment));
    return 0;
  };
}

void define_network_disconnect(CLI::App& command, Action& action) {
  struct Flags {
    std::string network;
    std::string container;
    bool force = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct network disconnect [OPTIONS] NETWORK CONTAINER");
  command.add_option("NETWORK", flags->network, "Name, id, or unique beginning of an id")->required();
  command.add_option("CONTAINER", flags->container, "Name, id, or unique beginning of an id")->required();
  command.add_flag("-f,--force", flags->force, "One that is not on the network, or does not exist, is no error");
  action = [flags](const manager::Context& context) {
    try {
      manager::disconnect_from_network(context, flags->container, flags->network);
    } catch (const Error& error) {
      if (!flags->force || error.kind() != ErrorKind::NotFound) throw;
    }
    return 0;
  };
}

}  // namespace myct::cli
