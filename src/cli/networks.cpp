// myct network create, ls, inspect, rm and prune.
#include <algorithm>
#include <array>
#include <memory>

#include "command.hpp"
#include "container_flags.hpp"
#include "documents.hpp"
#include "flags.hpp"
#include "format.hpp"
#include "myct/base/error.hpp"
#include "myct/manager/network.hpp"
#include "myct/state/record.hpp"
#include "network_document.hpp"
#include "output.hpp"
#include "prune.hpp"

#include <nlohmann/json.hpp>

namespace myct::cli {
namespace {

constexpr std::string_view kBridgeName = "com.docker.network.bridge.name";
constexpr std::string_view kIpv6Mode = "com.docker.network.bridge.gateway_mode_ipv6";
constexpr const char* kTable = "{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}";

struct CreateFlags {
  std::string name;
  std::string driver = "bridge";
  std::vector<std::string> subnets;
  std::vector<std::string> gateways;
  std::vector<std::string> ip_ranges;
  std::vector<std::string> labels;
  std::vector<std::string> options;
  bool ipv6 = false;
  bool internal = false;
};

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, value) != words.end();
}

/// Whether there is such an option of the network's driver.
bool take_option(const std::string& key, const std::string& value, network::DefinitionRequest& request) {
  if (request.driver == network::kBridgeDriver) {
    if (key == kBridgeName) request.bridge = value;
    if (key == kIpv6Mode) request.routed6 = value == "routed";
    return (key == kBridgeName && !value.empty()) || (key == kIpv6Mode && is_one_of(value, {"nat", "routed"}));
  }
  if (key == "parent") request.parent = value;
  if (key == "parent") return !value.empty();
  const bool is_macvlan = request.driver == network::kMacvlanDriver;
  if (key != (is_macvlan ? "macvlan_mode" : "ipvlan_mode")) return false;
  request.mode = value;
  return is_macvlan ? is_one_of(value, {"bridge", "private", "vepa", "passthru"})
                    : is_one_of(value, {"l2", "l3", "l3s"});
}

std::string options_of(const std::string& driver) {
  if (driver == network::kMacvlanDriver) return "parent=INTERFACE and macvlan_mode=bridge|private|vepa|passthru";
  if (driver == network::kIpvlanDriver) return "parent=INTERFACE and ipvlan_mode=l2|l3|l3s";
  return fmt::format("{}=NAME and {}=nat|routed", kBridgeName, kIpv6Mode);
}

network::DefinitionRequest build_definition(const CreateFlags& flags) {
  constexpr std::array<std::string_view, 3> kDrivers = {network::kBridgeDriver, network::kMacvlanDriver,
                                                        network::kIpvlanDriver};
  if (std::ranges::find(kDrivers, flags.driver) == kDrivers.end())
    throw_error(ErrorKind::Usage, "unknown network driver '{}': bridge, macvlan or ipvlan", flags.driver);
  network::DefinitionRequest request{.name = flags.name,
                                     .driver = flags.driver,
                                     .bridge = {},
                                     .parent = {},
                                     .mode = {},
                                     .subnets = flags.subnets,
                                     .gateways = flags.gateways,
                                     .ip_ranges = flags.ip_ranges,
                                     .ipv6 = flags.ipv6,
                                     .routed6 = false,
                                     .internal = flags.internal,
                                     .labels = parse_labels(flags.labels),
                                     .options = {}};
  for (const std::string& text : flags.options) {
    const size_t mark = text.find('=');
    const std::string key = text.substr(0, mark);
    const std::string value = mark == std::string::npos ? std::string() : text.substr(mark + 1);
    if (!take_option(key, value, request))
      throw_error(ErrorKind::Usage, "unknown option '{}' of a {} network: {}", text, request.driver,
                  options_of(request.driver));
    request.options[key] = value;
  }
  if (request.driver == network::kBridgeDriver) return request;
  if (request.parent.empty())
    throw_error(ErrorKind::Usage, "a {} network needs the host's interface that it shares: -o parent=INTERFACE",
                request.driver);
  if (request.internal) throw_error(ErrorKind::Usage, "--internal needs the driver bridge");
  if (request.mode.empty()) request.mode = request.driver == network::kMacvlanDriver ? "bridge" : "l2";
  return request;
}

struct Filter {
  std::vector<std::string> names;
  std::vector<std::string> ids;
  std::vector<std::string> labels;
  std::vector<std::string> drivers;
};

Filter parse_filter(const std::vector<std::string>& texts) {
  Filter filter;
  for (const std::string& text : texts) {
    const auto& [key, value] = parse_condition(text, {"name", "id", "label", "driver"});
    (key == "name"    ? filter.names
     : key == "id"    ? filter.ids
     : key == "label" ? filter.labels
                      : filter.drivers)
        .push_back(value);
  }
  return filter;
}

bool fits(const network::Definition& definition, const Filter& filter) {
  const auto any = [](const std::vector<std::string>& words, const auto& matches) {
    return words.empty() || std::ranges::any_of(words, matches);
  };
  return any(filter.names, [&](const std::string& name) { return definition.name.find(name) != std::string::npos; }) &&
         any(filter.ids, [&](const std::string& id) { return definition.id.starts_with(id); }) &&
         any(filter.drivers, [&](const std::string& driver) { return driver == definition.driver; }) &&
         std::ranges::all_of(filter.labels,
                             [&](const std::string& label) { return state::has_label(definition.labels, label); });
}

Row make_row(const network::Definition& definition, bool full_ids) {
  std::string labels;
  for (const auto& [key, value] : definition.labels)
    labels.append(labels.empty() ? "" : ",").append(key).append("=").append(value);
  const auto word = [](bool flag) { return flag ? "true" : "false"; };
  return {.fields = {{"CreatedAt", definition.created == SystemTime{} ? "" : format_time(definition.created)},
                     {"Driver", definition.driver},
                     {"ID", full_ids ? definition.id : short_id(definition.id)},
                     {"IPv4", "true"},
                     {"IPv6", word(!definition.subnet6.empty())},
                     {"Internal", word(definition.internal)},
                     {"Labels", labels},
                     {"Name", definition.name},
                     {"Scope", "local"}},
          .labels = definition.labels};
}

}  // namespace

void define_network_create(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<CreateFlags>();
  set_usage(command, "Usage: myct network create [OPTIONS] NAME");
  command.add_option("NAME", flags->name, "What it is called")->required();
  command
      .add_option("-d,--driver", flags->driver,
                  "What containers hang on: a bridge of their own (bridge), or an interface of the host's that they "
                  "share (macvlan, ipvlan)")
      ->type_name("DRIVER")
      ->take_last();
  add_list(command, "--subnet", flags->subnets,
           "Its addresses, as 10.90.0.0/24 or fd00:1::/64, or one of each; the next that are free without it",
           "SUBNET");
  add_list(command, "--gateway", flags->gateways, "The host's address on it; the first of the subnet without it",
           "ADDRESS");
  add_list(command, "--ip-range", flags->ip_ranges, "The part of the subnet that containers get addresses from",
           "SUBNET");
  command.add_flag("--ipv6", flags->ipv6, "Give it IPv6: local addresses (fd00::/8), unless --subnet names others");
  command.add_flag("--internal", flags->internal, "Nothing of it leads out, and nothing in");
  add_list(command, "--label", flags->labels, "A label", "KEY[=VALUE]");
  add_list(command, "-o,--opt", flags->options,
           "com.docker.network.bridge.name=NAME: the name of the host's interface; "
           "com.docker.network.bridge.gateway_mode_ipv6=nat|routed: whether IPv6 is translated on the way out; "
           "parent=INTERFACE, macvlan_mode=, ipvlan_mode= of these drivers",
           "KEY=VALUE");
  action = [flags](const manager::Context& context) {
    print_line(manager::create_network(context, build_definition(*flags)).id);
    return 0;
  };
}

void define_network_ls(CLI::App& command, Action& action) {
  struct Flags {
    bool quiet = false;
    bool full_ids = false;
    std::string format;
    std::vector<std::string> filters;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct network ls [OPTIONS]");
  command.add_flag("-q,--quiet", flags->quiet, "Print ids only");
  command.add_flag("--no-trunc", flags->full_ids, "Print whole ids");
  command.add_option("--format", flags->format, "table, table TEMPLATE, json, or a Go template for each")
      ->type_name("FORMAT")
      ->take_last();
  add_list(command, "-f,--filter", flags->filters, "Only those that fit: name=, id=, label=, driver=", "KEY=VALUE");
  action = [flags](const manager::Context& context) {
    const ListFormat format(flags->format, kTable);
    const Filter filter = parse_filter(flags->filters);
    std::vector<Row> rows;
    for (const network::Definition& definition : manager::list_networks(context)) {
      if (!fits(definition, filter)) continue;
      if (!flags->quiet)
        rows.push_back(make_row(definition, flags->full_ids));
      else
        print_line(flags->full_ids ? definition.id : short_id(definition.id));
    }
    const std::vector<Column> columns = {
        {"CreatedAt", "CREATED AT"}, {"Driver", "DRIVER"}, {"ID", "NETWORK ID"}, {"IPv4", "IPV4"},  {"IPv6", "IPV6"},
        {"Internal", "INTERNAL"},    {"Labels", "LABELS"}, {"Name", "NAME"},     {"Scope", "SCOPE"}};
    if (const std::string text = flags->quiet ? "" : format.render(columns, rows); !text.empty()) print_line(text);
    return 0;
  };
}

void define_network_inspect(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> networks;
    std::string format;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct network inspect [OPTIONS] NETWORK [NETWORK...]");
  command.add_option("NETWORK", flags->networks, "Names, ids, or unique beginnings of ids")->required();
  command.add_option("-f,--format", flags->format, "json, or a Go template for each")->type_name("FORMAT")->take_last();
  action = [flags](const manager::Context& context) {
    const auto look_up = [&](const std::string& reference) { return build_network_document(context, reference); };
    return print_documents(flags->networks, flags->format, look_up);
  };
}

void define_network_rm(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> networks;
    bool force = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct network rm [OPTIONS] NETWORK [NETWORK...]");
  command.add_option("NETWORK", flags->networks, "Names, ids, or unique beginnings of ids")->required();
  command.add_flag("-f,--force", flags->force, "One that does not exist is no error");
  action = [flags](const manager::Context& context) {
    return for_each_target(flags->networks, [&](const std::string& reference) {
      try {
        manager::remove_network(context, reference);
      } catch (const Error& error) {
        if (!flags->force || error.kind() != ErrorKind::NotFound) throw;
        return;
      }
      print_line(reference);
    });
  };
}

void define_network_prune(CLI::App& command, Action& action) {
  struct Flags {
    std::vector<std::string> filters;
    bool force = false;
  };
  const auto flags = std::make_shared<Flags>();
  set_usage(command, "Usage: myct network prune [OPTIONS]");
  command.add_flag("-f,--force", flags->force, "Do not ask");
  add_list(command, "--filter", flags->filters, "Only those that fit: until=TIME, label=KEY[=VALUE], label!=...",
           "KEY=VALUE");
  action = [flags](const manager::Context& context) {
    const manager::PruneRequest request = parse_prune_filters(flags->filters);
    if (!flags->force && !is_confirmed("all networks that no container is on")) return 0;
    const std::vector<std::string> removed = manager::prune_networks(context, request);
    if (!removed.empty()) print_line("Deleted Networks:");
    for (const std::string& name : removed) print_line(name);
    return 0;
  };
}

}  // namespace myct::cli
