// Two ways to a container's root. A running one has it mounted: /proc/PID/root of its init. One that does not run has
// nothing mounted; a child process then makes the mounts of config.json in a mount namespace of its own, hands its root
// over, and waits. The namespace and the mounts end with the child, however it ends. See mount_namespaces(7).
#include "container_root.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "myct/base/error.hpp"

namespace myct::manager {
namespace {

/// One packet on the way from the child: the root's descriptor with an empty text, or an error.
struct Packet {
  int errnum = 0;
  char text[2000] = {};
};

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

void send_packet(FdRef socket, const Packet& packet, const Fd& descriptor) {
  iovec part{.iov_base = const_cast<Packet*>(&packet), .iov_len = sizeof packet};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (descriptor.valid()) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    const int number = descriptor.get();
    std::memcpy(CMSG_DATA(header), &number, sizeof number);
  }
  // A parent that is gone is told nothing; the end of file that follows ends this process, too.
  (void)::sendmsg(socket.get(), &message, MSG_NOSIGNAL);
}

/// Does not return into the parent's frames; ends when the parent closes its end of the socket, however it does so.
[[noreturn]] void keep_root(const oci::Spec& spec, FdRef socket) noexcept {
  Packet packet;
  Fd root;
  try {
    root = mount_root(spec);
  } catch (const Error& error) {
    packet.errnum = error.errnum();
    const std::string& subject = error.subject();
    std::memcpy(packet.text, subject.data(), std::min(subject.size(), sizeof packet.text - 1));
  }
  send_packet(socket, packet, root);
  char byte;
  while (::read(socket.get(), &byte, 1) == -1 && errno == EINTR) {
  }
  ::_exit(0);
}

// --- One that does not run: in the parent --------------------------------------------------------------------------

Fd receive_root(FdRef socket) {
  Packet packet;
  iovec part{.iov_base = &packet, .iov_len = sizeof packet};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got;
  do {
    got = ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC);
  } while (got == -1 && errno == EINTR);
  if (got == -1) throw_errno("receive the container's root");
  if (static_cast<size_t>(got) != sizeof packet)
    throw_error(ErrorKind::System, "the process that mounts the container's root was killed");
  if (packet.text[0] != '\0') throw Error(kind_of_errno(packet.errnum), packet.text, packet.errnum);
  const cmsghdr* const header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) throw_error(ErrorKind::Internal, "no root was sent");
  int number = -1;
  std::memcpy(&number, CMSG_DATA(header), sizeof number);
  return Fd(number);
}

/// An flock(2) on the container's directory: two overlays on one upper directory would spoil it.
Fd lock_directory(const std::string& directory) {
  Fd fd = open_path(directory, O_RDONLY | O_DIRECTORY);
  while (::flock(fd.get(), LOCK_EX) == -1)
    if (errno != EINTR) throw_errno("lock '{}'", directory);
  return fd;
}

}  // namespace

ContainerRoot ContainerRoot::open(const Context& context, const std::string& reference) {
  const std::string id = find_container(context, reference);
  const std::string directory = context.paths.container(id);
  ContainerRoot root;
  root.lock_ = lock_directory(directory);
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

  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == -1) throw_errno("make a socket pair");
  root.keeper_socket_ = Fd(ends[0]);
  const Fd theirs(ends[1]);
  const pid_t pid = ::fork();
  if (pid == -1) throw_errno("fork");
  if (pid == 0) {
    root.keeper_socket_.reset();  // or the child would never see its end
    keep_root(spec, theirs.ref());
  }
  root.keeper_ = ChildProcess(pid, Fd());
  root.directory_ = receive_root(root.keeper_socket_.ref());
  return root;
}

}  // namespace myct::manager
