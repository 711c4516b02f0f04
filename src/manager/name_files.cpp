// The files that tell a container's resolver names: its own, added ones, and which servers to ask.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <iterator>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/network/name_server.hpp"
#include "myct/network/network.hpp"
#include "myct/network/resolver.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

constexpr const char* kHostNetwork = "host";
constexpr std::string_view kHostGateway = "host-gateway";

std::string host_file(const char* path) {
  try {
    return try_read_file(path).value_or("");
  } catch (const Error& error) {
    log::warning("the container's copy is empty: {}", error.what());
    return {};
  }
}

/// `gateway`: the host's address as the container sees it; entries that name it are left out as long as it is empty.
std::vector<network::HostEntry> added_hosts(const state::Settings& settings, const std::string& gateway) {
  std::vector<network::HostEntry> entries;
  for (const std::string& text : settings.extra_hosts) {
    const size_t colon = text.find(':');
    if (colon == std::string::npos) continue;
    network::HostEntry entry{.address = text.substr(colon + 1), .name = text.substr(0, colon)};
    if (entry.address == kHostGateway) entry.address = gateway;
    if (!entry.address.empty()) entries.push_back(std::move(entry));
  }
  return entries;
}

std::string hosts_file(const Container& container) {
  const state::Settings& settings = container.record.settings;
  const bool is_host = settings.network == kHostNetwork;
  if (is_host && settings.extra_hosts.empty()) return host_file("/etc/hosts");
  return network::build_hosts({}, container.spec.hostname, added_hosts(settings, is_host ? "127.0.0.1" : ""));
}

network::ResolverChoice choice_of(const state::Settings& settings) {
  return {.servers = settings.dns, .searches = settings.dns_search, .options = settings.dns_options};
}

/// The host's, with servers that others reach, too.
std::string host_resolver_file() {
  std::string text = host_file("/etc/resolv.conf");
  return network::is_systemd_stub(text) ? host_file("/run/systemd/resolve/resolv.conf") : text;
}

/// What a container whose network is the host's, or none, or the default one, asks. On another the start knows it. What
/// a namespace has that is not ours nobody knows.
std::string resolver_file(const state::Settings& settings) {
  if (settings.network == kHostNetwork || settings.network == "none")
    return network::override_resolv_conf(host_file("/etc/resolv.conf"), choice_of(settings));
  return network::build_resolv_conf(host_resolver_file(), choice_of(settings),
                                    settings.uses_networks() ? network::HasIpv6::No : network::HasIpv6::Yes);
}

void write_file(const Container& container, const char* name, std::string_view text) {
  write_file_at(FdRef(AT_FDCWD), container.directory + "/" + name, text);
}

/// With a time without fractions, by which what nobody has changed is told from what somebody has.
void write_resolver_file(const Container& container, std::string_view text) {
  const std::string path = container.directory + "/resolv.conf";
  write_file(container, "resolv.conf", text);
  struct stat status {};
  if (::stat(path.c_str(), &status) == -1) throw_errno("inspect '{}'", path);
  const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT}, {.tv_sec = status.st_mtim.tv_sec, .tv_nsec = 0}};
  if (::utimensat(AT_FDCWD, path.c_str(), times, 0) == -1) throw_errno("set the time of '{}'", path);
}

/// They are not synced when they are made: a loss of power may leave them missing or empty.
bool is_lost(const struct stat& status) { return status.st_size == 0; }

struct stat status_of_file(const Container& container, const char* name) {
  struct stat status {};
  const std::string path = container.directory + "/" + name;
  if (::stat(path.c_str(), &status) == -1) return {};
  return status;
}

std::vector<std::string> addresses_of(const network::Presence& presence) {
  std::vector<std::string> addresses;
  for (const network::Endpoint& endpoint : presence.endpoints)
    std::ranges::move(endpoint.addresses(), std::back_inserter(addresses));
  return addresses;
}

bool has_ipv6(const network::Presence& presence) {
  return std::ranges::any_of(presence.endpoints,
                             [](const network::Endpoint& endpoint) { return !endpoint.address6.empty(); });
}

/// Of networks that know names: their server in resolv.conf(5), unless somebody has changed it, and the user's own
/// servers for that server.
void tell_servers(const Context& context, const Container& container, const network::Presence& presence) {
  const state::Settings& settings = container.record.settings;
  std::vector<std::string> servers;
  for (const network::Endpoint& endpoint : presence.endpoints)
    if (!endpoint.names.empty()) servers.push_back(endpoint.gateway);
  if (servers.empty()) {
    if (!has_ipv6(presence) || status_of_file(container, "resolv.conf").st_mtim.tv_nsec != 0) return;
    return write_resolver_file(
        container, network::build_resolv_conf(host_resolver_file(), choice_of(settings), network::HasIpv6::Yes));
  }
  if (!settings.dns.empty()) {
    std::string lines;
    for (const std::string& server : settings.dns) lines.append("nameserver ").append(server).push_back('\n');
    write_file_at(FdRef(AT_FDCWD), context.paths.run_container(container.record.id) + "/" + network::kResolversFile,
                  lines);
  }
  if (status_of_file(container, "resolv.conf").st_mtim.tv_nsec != 0) return;
  write_resolver_file(container, network::build_named_resolv_conf(host_resolver_file(), servers, choice_of(settings)));
}

}  // namespace

void write_name_files(const Container& container) {
  write_file(container, "hosts", hosts_file(container));
  write_file(container, "hostname", container.spec.hostname + "\n");
  write_resolver_file(container, resolver_file(container.record.settings));
}

void renew_name_files(const Container& container) {
  if (is_lost(status_of_file(container, "hosts"))) write_file(container, "hosts", hosts_file(container));
  if (is_lost(status_of_file(container, "hostname"))) write_file(container, "hostname", container.spec.hostname + "\n");
  const struct stat resolver = status_of_file(container, "resolv.conf");
  if (is_lost(resolver) || resolver.st_mtim.tv_nsec == 0)
    write_resolver_file(container, resolver_file(container.record.settings));
}

void complete_name_files(const Context& context, const Container& container, const network::Presence& presence) {
  const std::vector<std::string> addresses = addresses_of(presence);
  const std::string gateway = presence.endpoints.empty() ? "" : presence.endpoints.front().gateway;
  write_file(container, "hosts",
             network::build_hosts(addresses, container.spec.hostname, added_hosts(container.record.settings, gateway)));
  tell_servers(context, container, presence);
}

void follow_networks(const Context& context, const Container& container, const network::Presence& before,
                     const network::Presence& after) {
  const std::string path = container.directory + "/hosts";
  write_file(container, "hosts",
             network::change_hosts(try_read_file(path).value_or(""), container.spec.hostname, addresses_of(before),
                                   addresses_of(after)));
  renew_name_files(container);
  tell_servers(context, container, after);
}

}  // namespace myct::manager
