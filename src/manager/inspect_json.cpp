#include "inspect_json.hpp"

#include <signal.h>
#include <string.h>

#include <fmt/format.h>

#include <algorithm>

#include "inspect_empty.hpp"

namespace myct::manager {
namespace {

using Json = nlohmann::ordered_json;

/// Go's zero time, which docker shows for what has not happened.
std::string time_text(const std::optional<SystemTime>& time) {
  return time ? format_time(*time) : "0001-01-01T00:00:00Z";
}

/// Docker shows lists that nobody set as null.
Json list_or_null(const std::vector<std::string>& list) { return list.empty() ? Json(nullptr) : Json(list); }

Json set_of(const std::vector<std::string>& members) {
  Json object = Json::object();
  for (const std::string& member : members) object[member] = Json::object();
  return object;
}

Json map_of(const std::map<std::string, std::string>& members) {
  Json object = Json::object();
  for (const auto& [key, value] : members) object[key] = value;
  return object;
}

Json build_health(const state::Health& health) {
  Json log = Json::array();
  for (const state::ProbeResult& result : health.log)
    log.push_back({{"Start", format_time(result.start)},
                   {"End", format_time(result.end)},
                   {"ExitCode", result.exit_code},
                   {"Output", result.output}});
  return {
      {"Status", state::health_word(health.status)}, {"FailingStreak", health.failing_streak}, {"Log", std::move(log)}};
}

/// As Docker's configurations of images and of containers have it.
Json build_healthcheck(const oci::Healthcheck& check) {
  Json object = Json::object();
  const auto add_time = [&object](const char* key, std::chrono::nanoseconds time) {
    if (time.count() != 0) object[key] = time.count();
  };
  if (!check.test.empty()) object["Test"] = check.test;
  add_time("Interval", check.interval);
  add_time("Timeout", check.timeout);
  add_time("StartPeriod", check.start_period);
  add_time("StartInterval", check.start_interval);
  if (check.retries != 0) object["Retries"] = check.retries;
  return object;
}

Json build_state(const InspectInputs& inputs) {
  const ContainerSummary& container = inputs.container;
  const state::Record& record = container.record;
  const bool active = state::is_active(container.status);
  const bool has_process = container.status == state::Status::Running || container.status == state::Status::Paused;
  Json state = {{"Status", state::status_word(container.status)},
                {"Running", active},
                {"Paused", container.status == state::Status::Paused},
                {"Restarting", container.status == state::Status::Restarting},
                {"OOMKilled", inputs.oom_killed || (record.outcome && record.outcome->oom_killed)},
                {"Dead", false},
                {"Pid", has_process && container.run ? container.run->init.pid : 0},
                {"ExitCode", has_process ? 0 : exit_code_of(record)},
                {"Error", record.outcome ? record.outcome->error : ""},
                {"StartedAt", time_text(record.started_at)},
                {"FinishedAt", time_text(record.outcome ? record.outcome->finished_at : std::nullopt)}};
  if (container.health) state["Health"] = build_health(*container.health);
  return state;
}

/// The values of an option of the root's overlay mount: "lowerdir+=/a" or "upperdir=/b".
std::string overlay_option(const oci::Spec& spec, const std::string& name) {
  std::string values;
  for (const oci::Mount& mount : spec.mounts) {
    if (mount.destination != "/") continue;
    for (const std::string& option : mount.options)
      if (option.starts_with(name)) {
        if (!values.empty()) values += ':';
        values += option.substr(name.size());
      }
  }
  return values;
}

Json build_graph_driver(const InspectInputs& inputs) {
  return {{"Name", "overlay2"},
          {"Data",
           {{"LowerDir", overlay_option(*inputs.spec, "lowerdir+=")},
            {"MergedDir", inputs.spec->root.path},
            {"UpperDir", overlay_option(*inputs.spec, "upperdir=")},
            {"WorkDir", overlay_option(*inputs.spec, "workdir=")}}}};
}

Json build_ulimits(const oci::Spec& spec) {
  Json ulimits = Json::array();
  constexpr std::string_view kPrefix = "RLIMIT_";
  for (const oci::Rlimit& limit : spec.process.rlimits) {
    std::string name = limit.type.substr(limit.type.starts_with(kPrefix) ? kPrefix.size() : 0);
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    // Unlimited is -1 in docker's document.
    ulimits.push_back(
        {{"Name", name}, {"Hard", static_cast<int64_t>(limit.hard)}, {"Soft", static_cast<int64_t>(limit.soft)}});
  }
  return ulimits;
}

/// The options are those that the user gave, as docker shows them: not what they are without that.
Json build_log_config(const state::LogConfig& log) {
  Json options = Json::object();
  for (const std::string& option : log.options) {
    const size_t equals = option.find('=');
    options[option.substr(0, equals)] = option.substr(equals + 1);
  }
  return {{"Type", state::driver_word(log.driver)}, {"Config", std::move(options)}};
}

bool is_anonymous(const state::Record& record, const std::string& volume) {
  return std::find(record.anonymous_volumes.begin(), record.anonymous_volumes.end(), volume) !=
         record.anonymous_volumes.end();
}

/// "source:/destination[:ro]" of those mounts that have a source of the user's.
std::vector<std::string> binds_of(const state::Record& record) {
  std::vector<std::string> binds;
  for (const state::MountPoint& mount : record.settings.mounts) {
    if (mount.type == "tmpfs" || is_anonymous(record, mount.name)) continue;
    const std::string& source = mount.type == "volume" ? mount.name : mount.source;
    binds.push_back(fmt::format("{}:{}{}", source, mount.destination, mount.writable ? "" : ":ro"));
  }
  return binds;
}

/// "80/tcp" to where it is to be found; `ports` with the host's port 0 say what was asked for.
Json build_ports(const std::vector<state::PublishedPort>& ports) {
  Json object = Json::object();
  for (const state::PublishedPort& port : ports) {
    const std::string inside = fmt::format("{}/{}", port.container_port, state::protocol_word(port.protocol));
    const std::string host_port = port.host_port == 0 ? std::string() : std::to_string(port.host_port);
    const bool decided = port.host_port != 0 && port.host_address.empty();
    object[inside].push_back({{"HostIp", decided ? "0.0.0.0" : port.host_address}, {"HostPort", host_port}});
  }
  return object;
}

Json build_port_bindings(const state::Settings& settings) {
  std::vector<state::PublishedPort> ports;
  for (const std::string& text : settings.ports)
    if (std::optional<state::PublishedPort> port = state::published_port_from_text(text)) ports.push_back(*port);
  return build_ports(ports);
}

Json build_host_config(const InspectInputs& inputs) {
  const state::Record& record = inputs.container.record;
  const state::Settings& settings = record.settings;
  Json config = {
      {"Binds", list_or_null(binds_of(record))},
      {"PublishAllPorts", settings.publish_all},
      {"LogConfig", build_log_config(record.log)},
      {"NetworkMode", settings.network},
      {"PortBindings", build_port_bindings(settings)},
      {"Dns", settings.dns},
      {"DnsSearch", settings.dns_search},
      {"DnsOptions", settings.dns_options},
      {"ExtraHosts", list_or_null(settings.extra_hosts)},
      {"RestartPolicy",
       {{"Name", state::restart_word(record.restart.policy)}, {"MaximumRetryCount", record.restart.max_attempts}}},
      {"AutoRemove", record.auto_remove},
      {"CapAdd", list_or_null(settings.cap_add)},
      {"CapDrop", list_or_null(settings.cap_drop)},
      {"Privileged", settings.privileged},
      {"SecurityOpt", list_or_null(settings.security_options)},
      {"Init", settings.init}};
  add_limits(inputs, config);
  if (!inputs.spec) return config;
  config["ReadonlyRootfs"] = inputs.spec->root.readonly;
  config["Ulimits"] = build_ulimits(*inputs.spec);
  config["MaskedPaths"] = inputs.spec->linux_.masked_paths;
  config["ReadonlyPaths"] = inputs.spec->linux_.readonly_paths;
  return config;
}

Json build_mounts(const state::Record& record) {
  Json mounts = Json::array();
  for (const state::MountPoint& mount : record.settings.mounts) {
    Json object = {{"Type", mount.type}};
    if (!mount.name.empty()) object["Name"] = mount.name;
    object["Source"] = mount.source;
    object["Destination"] = mount.destination;
    if (mount.type == "volume") object["Driver"] = "local";
    object["Mode"] = mount.writable ? "" : "ro";
    object["RW"] = mount.writable;
    object["Propagation"] = mount.propagation;
    mounts.push_back(std::move(object));
  }
  return mounts;
}

Json build_config(const InspectInputs& inputs) {
  const state::Record& record = inputs.container.record;
  Json config = Json::object();
  if (inputs.spec) {
    config["Hostname"] = inputs.spec->hostname;
    config["Domainname"] = inputs.spec->domainname;
  }
  config["User"] = record.settings.user;
  config["Tty"] = record.tty;
  config["OpenStdin"] = record.interactive;
  if (inputs.spec) config["Env"] = inputs.spec->process.env;
  config["Cmd"] = list_or_null(record.settings.cmd);
  config["Image"] = record.image;
  if (!record.settings.exposed.empty()) config["ExposedPorts"] = set_of(record.settings.exposed);
  std::vector<std::string> anonymous;
  for (const state::MountPoint& mount : record.settings.mounts)
    if (mount.type == "volume" && is_anonymous(record, mount.name)) anonymous.push_back(mount.destination);
  config["Volumes"] = anonymous.empty() ? Json(nullptr) : set_of(anonymous);
  if (inputs.spec) config["WorkingDir"] = inputs.spec->process.cwd;
  config["Entrypoint"] = list_or_null(record.settings.entrypoint);
  config["Labels"] = map_of(record.labels);
  if (const char* name = ::sigabbrev_np(record.stop_signal); name != nullptr)
    config["StopSignal"] = fmt::format("SIG{}", name);
  else
    config["StopSignal"] = std::to_string(record.stop_signal);  // a real-time one
  config["StopTimeout"] = record.stop_seconds;
  if (record.healthcheck) {
    config["Healthcheck"] = build_healthcheck(*record.healthcheck);
    if (!record.healthcheck->shell.empty()) config["Shell"] = record.healthcheck->shell;
  }
  return config;
}

Json build_endpoint(const network::Endpoint& endpoint) {
  return {{"EndpointID", endpoint.id},
          {"IPAddress", endpoint.address},
          {"IPPrefixLen", endpoint.prefix},
          {"Gateway", endpoint.gateway},
          {"GlobalIPv6Address", endpoint.address6},
          {"GlobalIPv6PrefixLen", endpoint.prefix6},
          {"IPv6Gateway", endpoint.gateway6},
          {"MacAddress", endpoint.mac}};
}

/// Docker's members at the top are those of the default network.
Json build_network_settings(const InspectInputs& inputs) {
  const state::Settings& wanted = inputs.container.record.settings;
  const network::Presence presence = inputs.presence.value_or(network::Presence{});
  Json settings = {{"Bridge", ""}, {"Ports", build_ports(presence.published_ports())}};
  if (inputs.presence && (!wanted.uses_networks() || !presence.endpoints.empty()))
    for (const std::string& port : wanted.exposed)
      if (!settings["Ports"].contains(port)) settings["Ports"][port] = nullptr;
  Json networks = Json::object();
  network::Endpoint on_default;
  for (const network::Endpoint& endpoint : presence.endpoints) {
    if (endpoint.network == network::kDefaultNetwork) on_default = endpoint;
    Json& network = networks[endpoint.network] = build_endpoint(endpoint);
    if (!endpoint.names.empty()) network["DNSNames"] = endpoint.names;
  }
  for (const state::NetworkAttachment& attachment : wanted.networks) {
    Json& network = networks[attachment.network];
    if (network.is_null()) network = build_endpoint({});
    network["Aliases"] = list_or_null(attachment.aliases);
    Json wanted_addresses = Json::object();
    if (!attachment.address.empty()) wanted_addresses["IPv4Address"] = attachment.address;
    if (!attachment.address6.empty()) wanted_addresses["IPv6Address"] = attachment.address6;
    if (!wanted_addresses.empty()) network["IPAMConfig"] = wanted_addresses;
  }
  for (const auto& [name, id] : inputs.network_ids)
    if (networks.contains(name)) networks[name]["NetworkID"] = id;
  if (!wanted.uses_networks()) networks[wanted.network] = build_endpoint({});
  settings.update(build_endpoint(on_default));
  settings["Networks"] = networks;
  return settings;
}

Json build_image_config(const oci::ImageConfig& image) {
  Json config = {{"User", image.user},
                 {"Env", image.env},
                 {"Cmd", list_or_null(image.cmd)},
                 {"Entrypoint", list_or_null(image.entrypoint)},
                 {"WorkingDir", image.working_dir},
                 {"Volumes", image.volumes.empty() ? Json(nullptr) : set_of(image.volumes)},
                 {"ExposedPorts", set_of(image.exposed_ports)},
                 {"Labels", map_of(image.labels)}};
  config["OnBuild"] = list_or_null(image.on_build);
  if (!image.stop_signal.empty()) config["StopSignal"] = image.stop_signal;
  if (!image.shell.empty()) config["Shell"] = image.shell;
  if (image.healthcheck) config["Healthcheck"] = build_healthcheck(*image.healthcheck);
  return config;
}

}  // namespace

Json build_container_document(const InspectInputs& inputs) {
  const state::Record& record = inputs.container.record;
  const auto& command = record.command;
  Json document = {
      {"Id", record.id},
      {"Created", format_time(record.created)},
      {"Path", command.empty() ? "" : command.front()},
      {"Args", command.empty() ? command : std::vector<std::string>(command.begin() + 1, command.end())},
      {"State", build_state(inputs)},
      {"Image", record.image_id},
      {"ResolvConfPath", inputs.directory + "/resolv.conf"},
      {"HostnamePath", inputs.directory + "/hostname"},
      {"HostsPath", inputs.directory + "/hosts"},
      {"LogPath", inputs.log_path},
      {"Name", fmt::format("/{}", record.name)},
      {"RestartCount", record.restart_count},
      {"Driver", "overlay2"},
      {"Platform", "linux"},
      {"MountLabel", ""},
      {"ProcessLabel", ""},
      {"AppArmorProfile", ""},
      {"ExecIDs", nullptr},
      {"HostConfig", build_host_config(inputs)},
  };
  if (inputs.spec) document["GraphDriver"] = build_graph_driver(inputs);
  if (inputs.size) {
    document["SizeRw"] = inputs.size->written;
    document["SizeRootFs"] = inputs.size->written + inputs.size->image;
  }
  document["Mounts"] = build_mounts(record);
  document["Config"] = build_config(inputs);
  document["NetworkSettings"] = build_network_settings(inputs);
  add_empty_members(document);
  return document;
}

Json build_image_document(const image::ImageDetails& image) {
  const oci::Image& document = image.image;
  std::vector<std::string> lower;
  if (image.cover) lower.push_back(*image.cover);
  for (auto layer = image.layers.rbegin(); layer != image.layers.rend(); ++layer) lower.push_back(layer->directory);
  Json driver = {{"Name", "overlay2"}, {"Data", {{"LowerDir", fmt::format("{}", fmt::join(lower, ":"))}}}};
  Json result = {{"Id", image.id},
                 {"RepoTags", image.references},
                 {"RepoDigests", image.digests},
                 {"Parent", ""},
                 {"Comment", document.history.empty() ? "" : document.history.back().comment},
                 {"Created", document.created},
                 {"DockerVersion", ""},
                 {"Author", document.author},
                 {"Config", build_image_config(document.config)},
                 {"Architecture", document.architecture}};
  if (!document.variant.empty()) result["Variant"] = document.variant;
  result["Os"] = document.os;
  if (!document.os_version.empty()) result["OsVersion"] = document.os_version;
  result["Size"] = image.size;
  result["GraphDriver"] = std::move(driver);
  result["RootFS"] = {{"Type", "layers"}, {"Layers", document.diff_ids}};
  return result;
}

}  // namespace myct::manager
