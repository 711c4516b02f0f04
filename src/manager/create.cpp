// Making a container on disk: id, directories, name, the files that are bound into it, config.json and its record.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <algorithm>
#include <csignal>

#include "build_spec.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/base/signals.hpp"
#include "myct/cgroup/limits.hpp"
#include "myct/image/merged_root.hpp"
#include "myct/network/network.hpp"
#include "myct/security/defaults.hpp"
#include "myct/state/events.hpp"
#include "myct/state/names.hpp"
#include "myct/supervisor/foreground.hpp"
#include "myct/supervisor/init_program.hpp"
#include "steps.hpp"

namespace myct::manager {
namespace {

constexpr int kNameAttempts = 6;
constexpr const char* kConfigName = "config.json";

/// mkdir that makes its parents only when the first try shows that they are missing: once per machine, not per run.
void make_new_directory(const std::string& parent, const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return;
  if (errno != ENOENT) throw_errno("make directory '{}'", path);
  make_directories(parent);
  if (::mkdir(path.c_str(), 0700) == -1) throw_errno("make directory '{}'", path);
}

void claim_some_name(const Context& context, state::Record& record) {
  if (!record.name.empty()) {
    if (state::claim_name(context.paths, record.name, record.id)) return;
    const std::optional<std::string> holder = state::find_name(context.paths, record.name);
    throw Error(ErrorKind::Conflict,
                fmt::format("the container name '{}' is already in use by container {}", record.name,
                            holder.value_or("(being made)").substr(0, 12)),
                0, "remove that container ('myct rm'), or choose another name");
  }
  for (int attempt = 0; attempt < kNameAttempts; ++attempt) {
    record.name = state::make_name();
    if (attempt > 0) record.name += std::to_string(attempt);
    if (state::claim_name(context.paths, record.name, record.id)) return;
  }
  record.name = record.id.substr(0, 12);
  if (!state::claim_name(context.paths, record.name, record.id))
    throw_error(ErrorKind::Conflict, "no free name found for container {}", record.id);
}

/// As the image says, or SIGTERM. An image's word that means nothing is no reason not to run it.
int image_stop_signal(const oci::ImageConfig& image) {
  if (image.stop_signal.empty()) return SIGTERM;
  if (const std::optional<int> number = parse_signal(image.stop_signal)) return *number;
  log::warning("the image's stop signal '{}' is unknown: SIGTERM is used", image.stop_signal);
  return SIGTERM;
}

/// As records have it.
std::string network_word(const Context& context, const RunRequest& request) {
  switch (request.network) {
    case NetworkMode::None:
      return "none";
    case NetworkMode::Host:
      return "host";
    case NetworkMode::Container:
      return kContainerNetwork + find_container(context, request.network_target);
    case NetworkMode::Path:
      return kPathNetwork + request.network_target;
    case NetworkMode::Bridge:
      break;
  }
  return request.networks.empty() ? network::kDefaultNetwork : request.networks.front().network;
}

/// Refuses what can be refused before anything is made.
void check_networks(const Context& context, const RunRequest& request) {
  for (const state::NetworkAttachment& wanted : request.networks)
    if (wanted.network != network::kDefaultNetwork &&
        !network::load_definition(context.paths.networks(), wanted.network))
      throw Error(ErrorKind::NotFound, fmt::format("no such network: '{}'", wanted.network), 0,
                  "see 'myct network ls', or make it with 'myct network create'");
}

/// As records have it.
std::string choose_cgroup_parent(CgroupManager manager, const std::string& wanted) {
  if (manager == CgroupManager::Cgroupfs) return wanted;
  if (wanted.empty()) return "system.slice";
  if (wanted.ends_with(".slice") && wanted.rfind('/') == 0 && wanted.find(':') == std::string::npos)
    return wanted.substr(1);
  throw_error(ErrorKind::Usage, "invalid --cgroup-parent '{}': with --cgroup-manager systemd it is a slice, as a.slice",
              wanted);
}

/// What the image and the user say that the program listens on. An image's port that is none is passed over.
std::vector<std::string> exposed_ports(const RunRequest& request, const oci::ImageConfig& image) {
  std::vector<std::string> all = request.exposed;
  for (const std::string& text : image.exposed_ports)
    for (std::string& port : state::expand_ports(text)) all.push_back(std::move(port));
  for (const state::PublishedPort& port : request.ports) all.push_back(state::container_side(port));
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

state::Settings describe_request(const Context& context, const RunRequest& request, const oci::ImageConfig& image,
                                 const std::vector<MountRequest>& mounts) {
  state::Settings settings;
  settings.entrypoint = request.entrypoint.value_or(image.entrypoint);
  settings.cmd = request.command.empty() && !request.entrypoint ? image.cmd : request.command;
  settings.user = request.user.value_or(image.user);
  settings.network = network_word(context, request);
  settings.networks = request.networks;
  if (request.network == NetworkMode::Bridge && settings.networks.empty())
    settings.networks.push_back({.network = network::kDefaultNetwork});
  if (request.network == NetworkMode::Bridge)
    for (const state::PublishedPort& port : request.ports) settings.ports.push_back(state::to_text(port));
  settings.dns = request.dns;
  settings.dns_search = request.dns_search;
  settings.dns_options = request.dns_options;
  settings.extra_hosts = request.extra_hosts;
  settings.exposed = exposed_ports(request, image);
  settings.publish_all = request.publish_all && request.network == NetworkMode::Bridge;
  settings.cap_add = request.security.cap_add;
  settings.cap_drop = request.security.cap_drop;
  if (request.security.no_new_privileges) settings.security_options.emplace_back("no-new-privileges");
  if (request.security.seccomp_unconfined) settings.security_options.emplace_back("seccomp=unconfined");
  if (request.security.system_paths_unconfined) settings.security_options.emplace_back("systempaths=unconfined");
  if (request.security.writable_cgroups) settings.security_options.emplace_back("writable-cgroups=true");
  settings.mounts = describe_mounts(context, mounts);
  for (const DeviceRequest& device : request.devices)
    settings.devices.push_back(
        {.host_path = device.host_path, .container_path = device.container_path, .access = device.access});
  settings.device_rules = request.device_rules;
  settings.cgroup_parent = choose_cgroup_parent(context.cgroup_manager, request.cgroup_parent);
  settings.privileged = request.security.privileged;
  settings.init = request.init;
  return settings;
}

/// The id's first digits; with the host's or another container's network that one's name, which that network knows.
std::string default_hostname(const Context& context, const RunRequest& request, const std::string& id) {
  if (request.network == NetworkMode::Container)
    return load_spec(context, find_container(context, request.network_target)).hostname;
  utsname names{};
  if (request.network == NetworkMode::Host && ::uname(&names) == 0) return names.nodename;
  return id.substr(0, 12);
}

/// The init for --init as a file that can be bound into containers; shared by all, read-only to them. Not under /run,
/// which many hosts mount noexec.
std::string install_init(const Context& context) {
  const std::string path = context.paths.cache() + "/init";
  const std::string_view program = supervisor::init_program();
  if (try_read_file(path) == program) return path;
  make_directories(context.paths.cache());
  const Fd directory = open_path(context.paths.cache(), O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), "init", program, Durability::SurvivesProcessDeath, 0755);
  return path;
}

/// The merged root directory has the owner and mode of "upper": those of the image's root.
void copy_root_attributes(const std::string& lowerdir, FdRef directory) {
  struct stat status {};
  if (::stat(lowerdir.c_str(), &status) == -1) throw_errno("inspect '{}'", lowerdir);
  if ((status.st_uid != 0 || status.st_gid != 0) &&
      ::fchownat(directory.get(), "upper", status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) == -1)
    throw_errno("set the owner of the container's root directory");
  if ((status.st_mode & 07777) != 0755 && ::fchmodat(directory.get(), "upper", status.st_mode & 07777, 0) == -1)
    throw_errno("set the mode of the container's root directory");
}

/// The run directory with the owner's lock comes first: a container directory without an owner and a record is garbage.
void make_container_directories(const Context& context, const std::string& lowerdir, Container& container,
                                UndoStack& undo) {
  undo.push("make the container's directories",
            [&context, record = container.record] { remove_everything(context, record, RemoveVolumes::Anonymous); });
  container.owner = state::own_container(context.paths, container.record.id);
  make_new_directory(context.paths.containers(), container.directory);
  container.lock = state::lock_container(context.paths, container.record.id);
  const Fd fd = open_path(container.directory, O_RDONLY | O_DIRECTORY);
  for (const char* name : {"upper", "work", "merged"}) make_directory_at(fd.ref(), name, 0755);
  copy_root_attributes(lowerdir, fd.ref());
}

state::Record make_record(const RunRequest& request, const image::Rootfs& rootfs) {
  state::Record record;
  record.id = state::make_id();
  record.name = request.name;
  record.created = std::chrono::system_clock::now();
  record.started_at = record.created;
  record.image = request.image;
  record.image_id = rootfs.id;
  record.labels = rootfs.config.labels;
  for (const auto& [key, value] : request.labels) record.labels[key] = value;
  record.auto_remove = request.remove;
  record.tty = request.tty;
  record.interactive = request.interactive;
  record.command = command_line(request, rootfs.config);
  record.stop_signal = request.stop_signal.value_or(image_stop_signal(rootfs.config));
  record.stop_seconds = request.stop_seconds.value_or(state::kDefaultStopSeconds);
  record.restart = request.restart;
  record.log = request.log.value_or(state::LogConfig{});
  record.healthcheck = oci::merge(request.healthcheck, rootfs.config.healthcheck);
  if (record.healthcheck) record.healthcheck->shell = rootfs.config.shell;
  if (request.healthcheck && record.healthcheck->test.empty())
    log::warning("there is no health check that the options could be about: the image has none; give --health-cmd");
  return record;
}

ResolvedUser find_user(const RunRequest& request, const image::Rootfs& rootfs) {
  const Fd root = image::open_merged_root(rootfs.lowerdirs);
  return resolve_user(request.user.value_or(rootfs.config.user), read_from_image(root.ref(), "/etc/passwd"),
                      read_from_image(root.ref(), "/etc/group"));
}

}  // namespace

Container create_container(const Context& context, const RunRequest& request, const image::Rootfs& rootfs,
                           UndoStack& undo) {
  Container container{.record = make_record(request, rootfs)};
  state::Record& record = container.record;
  container.directory = context.paths.container(record.id);

  check_networks(context, request);
  check_mounts(request.mounts);
  LimitsPlan limits = plan_limits(request.limits, {}, look_at_host(request.limits));
  MappedDevices devices = map_devices(request.devices);
  context.paths.make_roots();
  const ResolvedUser user = find_user(request, rootfs);
  std::vector<MountRequest> mount_requests = request.mounts;
  record.anonymous_volumes = name_anonymous_volumes(mount_requests);
  record.settings = describe_request(context, request, rootfs.config, mount_requests);
  free_stale_name(context, record.name);
  make_container_directories(context, rootfs.lowerdirs.front(), container, undo);
  make_directories(context.paths.names());
  claim_some_name(context, record);
  undo.push("claim the name",
            [&context, name = record.name, id = record.id] { state::release_name(context.paths, name, id); });
  // Before volumes and a control group in an uncommon place are made, so that a kill in between leaves none that no
  // record names.
  if (!record.anonymous_volumes.empty() || !record.settings.cgroup_parent.empty())
    state::save_record(context.paths, record);
  container.spec =
      build_spec({.request = request,
                  .image = rootfs.config,
                  .id = record.id,
                  .default_hostname = default_hostname(context, request, record.id),
                  .container_directory = container.directory,
                  .name_files_directory = name_files_directory(context, container),
                  .lowerdirs = rootfs.lowerdirs,
                  .user = user,
                  .mounts = resolve_mounts(context, mount_requests, rootfs, undo),
                  .host_devices = request.security.privileged ? list_host_devices() : std::vector<oci::Device>(),
                  .devices = std::move(devices),
                  .cgroup_parent = record.settings.cgroup_parent,
                  .limits = std::move(limits.all),
                  .masked_paths = security::default_masked_paths(),
                  .readonly_paths = security::default_readonly_paths(),
                  .init_path = request.init ? install_init(context) : std::string(),
                  .console_size = request.tty ? supervisor::terminal_size() : std::nullopt});
  if (request.network != NetworkMode::Container) write_name_files(container);
  return container;
}

void free_stale_name(const Context& context, const std::string& name) {
  if (name.empty()) return;
  const std::optional<std::string> holder = state::find_name(context.paths, name);
  if (!holder) return;
  try {
    const std::optional<ContainerSummary> found = summarize(context, *holder);
    if (!found || found->record.name == name) return;
    // Under its lock no rename is under way.
    const FileLock lock = state::lock_container(context.paths, *holder);
    const std::optional<state::Record> record = state::load_record(context.paths, *holder);
    if (record && record->name != name) state::release_name(context.paths, name, *holder);
  } catch (const Error& error) {
    log::debug("name '{}': {}", name, error.what());
  }
}

void check_cidfile(const RunRequest& request) {
  if (!request.cidfile.empty() && path_exists(request.cidfile))
    throw Error(ErrorKind::Conflict, fmt::format("container ID file '{}' exists", request.cidfile), 0,
                "make sure that the other container is not running, or delete the file");
}

void write_cidfile(const RunRequest& request, const std::string& id, UndoStack& undo) {
  if (request.cidfile.empty()) return;
  Fd file = open_path(request.cidfile, O_WRONLY | O_CREAT | O_EXCL, 0644);
  undo.push("write the container ID file", [path = request.cidfile] { remove_file(path); });
  write_all(file.ref(), id, request.cidfile);
  file.close_checked();
}

bool is_complete(const Context& context, const std::string& id) {
  return path_exists(context.paths.container(id) + "/" + kConfigName);
}

oci::Spec load_spec(const Context& context, const std::string& id) {
  const std::string path = context.paths.container(id) + "/" + kConfigName;
  try {
    return oci::spec_from_json(read_file(path), path);
  } catch (Error& error) {
    state::add_hint_if_damaged(error, id);
    throw;
  }
}

void save_spec(const Container& container) {
  const Fd directory = open_path(container.directory, O_RDONLY | O_DIRECTORY);
  save_atomically(directory.ref(), kConfigName, oci::to_json(container.spec),
                  container.record.auto_remove ? Durability::SurvivesProcessDeath : Durability::SurvivesPowerLoss);
}

void save_documents(const Context& context, const Container& container) {
  save_spec(container);
  // Last: a record says that all the rest is there.
  state::save_record(context.paths, container.record);
}

void warn_of_limits(const Container& container) {
  try {
    cgroup::check_available(container.spec.linux_.cgroups_path, container.spec.linux_.resources);
  } catch (const Error& error) {
    log::warning("container '{}' cannot be started on this host as it is now: {}", container.record.name, error.what());
  }
}

std::string create(const Context& context, const RunRequest& request, const image::Progress& progress) {
  check_cidfile(request);
  const image::Rootfs rootfs = resolve_image(context, request, progress);
  UndoStack undo;
  Container container = create_container(context, request, rootfs, undo);
  write_cidfile(request, container.record.id, undo);
  container.record.started_at.reset();
  save_documents(context, container);
  clear_run(context, container.record.id);
  undo.commit();
  warn_of_limits(container);
  state::append_event(context.paths, container.record, "create");
  return container.record.id;
}

}  // namespace myct::manager
