// Two ways to a container's root. A running one has it mounted: /proc/PID/root of its init. One that does not run has
// nothing mounted; a child process then makes the mounts of config.json in a mount namespace of its own, hands its root
// over, and waits. The namespace and the mounts end with the child, however it ends. See mount_namespaces(7).
#include "container_root.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "myct/base/error.hpp"

namespace myct::manager {
namespace {

[[noreturn]] void throw_not_now(const std::string& reference) {
  throw Error(ErrorKind::Conflict, fmt::format("container '{}' is being started or restarted", reference), 0,
              "try again in a moment");
}

// --- A running container -------------------------------------------------------------------------------------------

Fd open_root_of(const ProcessIdentity& init, const std::string& reference) {
  const std::optional<Fd> process = open_process(init);
  std::optional<Fd> root;
  if (process) root = try_open_path(fmt::format("/proc/{}/root", init.pid), O_PATH | O_DIRECTORY);
  // Asked again afterwards: between the two looks, the number cannot have come to name another process.
  if (!root || !is_running(init)) throw_error(ErrorKind::Conflict, "container '{}' ended just now", reference);
  return std::move(*root);
}

// --- One that does not run: in the child ---------------------------------------------------------------------------

/// In overlayfs's option text a backslash keeps ':' and ',' from being separators.
std::string escaped(std::string_view path) {
  std::string text;
  for (const char c : path) {
    if (c == ':' || c == ',' || c == '\\') text += '\\';
    text += c;
  }
  return text;
}

void mount_overlay(const oci::Mount& overlay, const oci::Root& root) {
  constexpr std::string_view kLayer = "lowerdir+=";
  std::string lowerdir;
  std::string rest;
  for (const std::string& option : overlay.options) {
    if (option.starts_with(kLayer))
      lowerdir += (lowerdir.empty() ? "lowerdir=" : ":") + escaped(option.substr(kLayer.size()));
    else if (const size_t equals = option.find('='); equals != std::string::npos)
      rest += fmt::format(",{}{}", option.substr(0, equals + 1), escaped(option.substr(equals + 1)));
    // Flags are left out: "volatile", because what is written now is to last, and "nodev" is set anyway.
  }
  const unsigned long flags = MS_NODEV | MS_NOSUID | (root.readonly ? static_cast<unsigned long>(MS_RDONLY) : 0UL);
  if (::mount("overlay", root.path.c_str(), "overlay", flags, (lowerdir + rest).c_str()) == -1)
    throw_errno("mount overlay on '{}'", root.path);
}

bool is_read_only(const oci::Mount& mount) {
  return std::ranges::any_of(mount.options, [](const std::string& word) { return word == "ro" || word == "rro"; });
}

/// A bind mount whose source or place is not there (yet) is left out, as it hides nothing.
void mount_bind(FdRef root, const oci::Mount& mount) {
  const std::optional<Fd> target = try_open_in_root(root, mount.destination, O_PATH);
  if (!target) return;
  const std::string place = fmt::format("/proc/self/fd/{}", target->get());
  if (::mount(mount.source.c_str(), place.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == -1) {
    if (errno == ENOENT) return;
    throw_errno("bind '{}' on '{}'", mount.source, mount.destination);
  }
  if (!is_read_only(mount)) return;
  // What has been mounted lies over the descriptor that has been opened.
  const Fd mounted = open_in_root(root, mount.destination, O_PATH);
  const std::string itself = fmt::format("/proc/self/fd/{}", mounted.get());
  if (::mount(nullptr, itself.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == -1)
    throw_errno("make '{}' read-only", mount.destination);
}

/// The volumes, binds and name files of config.json; the kernel's file systems and tmpfs are empty without a container.
Fd mount_root(const oci::Spec& spec) {
  if (::unshare(CLONE_NEWNS) == -1) throw_errno("make a mount namespace");
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1) throw_errno("make '/' private");
  for (const oci::Mount& mount : spec.mounts)
    if (mount.destination == "/") mount_overlay(mount, spec.root);
  Fd root = open_path(spec.root.path, O_PATH | O_DIRECTORY);
  for (const oci::Mount& mount : spec.mounts)
    if (mount.type == "bind") mount_bind(root.ref(), mount);
  return root;
}

/// Does not return into the parent's frames; ends when the parent closes its end of the socket, however it does so.
[[noreturn]] void keep_root(const oci::Spec& spec, const supervisor::Channel& parent) noexcept {
  // A parent that is gone is told nothing; the end of file that follows ends this process, too.
  Fd root;
  try {
    root = mount_root(spec);
    (void)parent.try_send(supervisor::Kind::Started, {}, root.ref());
  } catch (const Error& error) {
    (void)parent.try_send(supervisor::Kind::Failed, supervisor::pack_error(error));
  }
  supervisor::MessageBuffer buffer;
  (void)parent.receive(buffer, supervisor::Channel::Wait::Yes);
  ::_exit(0);
}

// --- One that does not run: in the parent --------------------------------------------------------------------------

Fd receive_root(const supervisor::Channel& keeper) {
  supervisor::MessageBuffer buffer;
  std::optional<supervisor::Message> message = keeper.receive(buffer, supervisor::Channel::Wait::Yes);
  if (!message) throw_error(ErrorKind::System, "the process that mounts the container's root was killed");
  if (message->kind == supervisor::Kind::Failed) throw supervisor::unpack_error(message->payload);
  if (!message->fd.valid()) throw_error(ErrorKind::Internal, "no root was sent");
  return std::move(message->fd);
}

}  // namespace

ContainerRoot ContainerRoot::open(const Context& context, const std::string& reference) {
  const std::string id = find_container(context, reference);
  const std::string directory = context.paths.container(id);
  ContainerRoot root;
  root.lock_ = state::lock_container(context.paths, id);  // two overlays on one upper directory would spoil it
  const std::optional<ContainerSummary> container = summarize(context, id);
  if (!container) throw Error(ErrorKind::NotFound, fmt::format("no such container: '{}'", reference));
  if (container->run && (container->status == state::Status::Running || container->status == state::Status::Paused)) {
    root.lock_.reset();
    root.directory_ = open_root_of(container->run->init, reference);
    return root;
  }
  if (state::has_owner(context.paths, id)) throw_not_now(reference);
  const std::string document = directory + "/config.json";
  const oci::Spec spec = oci::spec_from_json(myct::read_file(document), document);

  supervisor::ChannelPair pair = supervisor::make_channel();
  const pid_t pid = ::fork();
  if (pid == -1) throw_errno("fork");
  if (pid == 0) {
    pair.client.close();  // or the child would never see its end
    keep_root(spec, pair.supervisor);
  }
  root.keeper_ = ChildProcess(pid, Fd());
  root.conversation_ = std::move(pair.client);
  pair.supervisor.close();
  root.directory_ = receive_root(root.conversation_);
  return root;
}

}  // namespace myct::manager
