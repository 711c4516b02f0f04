// `myct cp`: what the two paths mean, by docker-cp(1)'s table. How files are read and written is the image part's.
//
// Both trees are treated alike: a root directory, which of the host is "/", and paths that are resolved below it
// (openat2(2), RESOLVE_IN_ROOT), so that no link of a container's leads out. What has been resolved is kept as a
// descriptor; nothing is looked up a second time. CVE-2018-15664 was such a second look.
#include "myct/manager/copy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <optional>
#include <vector>

#include "container_root.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/image/archive.hpp"

namespace myct::manager {
namespace {

constexpr int kMostLinks = 40;  // as the kernel's MAXSYMLINKS

/// One of the two trees.
struct Side {
  FdRef root;
  std::string shown;  ///< "web:/etc", "/etc": for messages
};

/// A path in absolute form without "." and "..". As Docker's clients do it, by the text alone.
struct CleanPath {
  std::string path;
  bool asserts_directory = false;  ///< written with "/" or "/." at its end
  bool means_content = false;      ///< written with "/." at its end, or the root
};

/// What is copied.
struct Source {
  Fd file;
  std::string name;  ///< its last component; empty: the content of a directory
  bool is_directory = false;
};

/// Where it goes.
struct Destination {
  Fd directory;
  std::string path;  ///< of the directory
  std::string name;  ///< what the source is called there; empty: its content goes into the directory
};

CleanPath clean(std::string_view raw) {
  CleanPath clean;
  clean.asserts_directory = raw.empty() || raw.ends_with('/') || raw == "." || raw.ends_with("/.");
  std::vector<std::string_view> parts;
  std::string_view last;
  for (size_t start = 0; start <= raw.size();) {
    const size_t end = std::min(raw.find('/', start), raw.size());
    const std::string_view part = raw.substr(start, end - start);
    start = end + 1;
    if (part.empty()) continue;
    last = part;
    if (part == ".." && !parts.empty()) parts.pop_back();
    if (part != "." && part != "..") parts.push_back(part);
  }
  clean.path.push_back('/');
  for (const std::string_view part : parts) clean.path.append(clean.path.size() > 1 ? "/" : "").append(part);
  clean.means_content = last == "." || parts.empty();
  if (clean.means_content) clean.asserts_directory = true;
  return clean;
}

std::string on_host(const std::string& path) {
  if (path.starts_with('/')) return path;
  char directory[PATH_MAX];
  if (::getcwd(directory, sizeof directory) == nullptr) throw_errno("read the working directory");
  return std::string(directory) + "/" + path;
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  return path.substr(0, std::max<size_t>(slash, 1));
}
std::string base_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

/// nullopt: there is no such file. Throws Error.
std::optional<Fd> try_open(const Side& side, const std::string& path, int flags) {
  try {
    return try_open_in_root(side.root, path, flags);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("open '{}'", side.shown), error.errnum());
  }
}

struct stat inspect(const Fd& file, const Side& side) {
  struct stat status {};
  if (::fstat(file.get(), &status) == -1) throw_errno("inspect '{}'", side.shown);
  return status;
}

Source open_source(const Side& side, const std::string& raw, bool follow_link) {
  const CleanPath wanted = clean(raw);
  int flags = O_PATH;
  if (wanted.asserts_directory)
    flags |= O_DIRECTORY;
  else if (!follow_link)
    flags |= O_NOFOLLOW;
  std::optional<Fd> file = try_open(side, wanted.path, flags);
  if (!file) throw_error(ErrorKind::NotFound, "no such file or directory: '{}'", side.shown);
  const mode_t mode = inspect(*file, side).st_mode;
  if (S_ISSOCK(mode)) throw_error(ErrorKind::Invalid, "cannot copy '{}': it is a socket", side.shown);
  // Its files have no size before they are read, and some act when they are.
  if (image::is_kernel_file(file->ref()))
    throw_error(ErrorKind::Invalid, "cannot copy '{}': it is not a file but a view of the kernel", side.shown);
  return {std::move(*file), wanted.means_content ? std::string() : base_of(wanted.path), S_ISDIR(mode)};
}

/// What is found at the destination's path, all links followed.
struct Found {
  std::optional<Fd> file;  ///< absent: there is no such file, but its directory is there
  Fd parent;
  std::string path;  ///< of the file
};

[[noreturn]] void throw_no_parent(const Side& side, const std::string& parent) {
  throw Error(ErrorKind::NotFound, fmt::format("cannot copy to '{}': there is no directory '{}'", side.shown, parent),
              0, "make it first");
}

/// Takes the links one by one, because the directory of the last one is wanted, too.
Found find_destination(const Side& side, std::string path) {
  for (int links = 0; links <= kMostLinks; ++links) {
    const std::string base = base_of(path);
    if (base.empty() || base == "." || base == "..") {
      std::optional<Fd> directory = try_open(side, path, O_PATH | O_DIRECTORY);
      if (!directory) throw_no_parent(side, path);
      return {std::move(directory), Fd(), path};
    }
    std::optional<Fd> parent = try_open(side, parent_of(path), O_PATH | O_DIRECTORY);
    if (!parent) throw_no_parent(side, parent_of(path));
    std::optional<Fd> file = try_open_at(parent->ref(), base, O_PATH | O_NOFOLLOW);
    if (!file || !S_ISLNK(inspect(*file, side).st_mode)) return {std::move(file), std::move(*parent), path};
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(file->get(), "", target, sizeof target);
    if (length == -1) throw_errno("read symbolic link '{}'", side.shown);
    const std::string text(target, static_cast<size_t>(length));
    path = text.starts_with('/') ? text : fmt::format("{}/{}", parent_of(path), text);
  }
  throw Error(ErrorKind::Invalid, fmt::format("cannot copy to '{}'", side.shown), ELOOP);
}

Destination open_destination(const Side& side, const std::string& raw, const Source& source) {
  const CleanPath wanted = clean(raw);
  Found found = find_destination(side, wanted.path);
  if (!found.file) {
    if (wanted.asserts_directory && !source.is_directory)
      throw Error(ErrorKind::NotFound, fmt::format("cannot copy to '{}': no such directory", side.shown), 0,
                  "make it first, or leave the '/' at its end out to make a file of that name");
    return {std::move(found.parent), parent_of(found.path), base_of(found.path)};
  }
  const mode_t mode = inspect(*found.file, side).st_mode;
  if (S_ISDIR(mode)) return {std::move(*found.file), found.path, source.name};
  if (wanted.asserts_directory) throw_error(ErrorKind::Invalid, "cannot copy to '{}': not a directory", side.shown);
  if (source.is_directory)
    throw_error(ErrorKind::Invalid, "cannot copy a directory to '{}': it is not a directory", side.shown);
  if (!S_ISREG(mode))
    throw_error(ErrorKind::Invalid, "destination '{}' must be a directory or a regular file", side.shown);
  return {std::move(found.parent), parent_of(found.path), base_of(found.path)};
}

/// The directory that a tar stream is to be unpacked into.
Destination open_stream_destination(const Side& side, const std::string& raw) {
  Found found = find_destination(side, clean(raw).path);
  if (!found.file || !S_ISDIR(inspect(*found.file, side).st_mode))
    throw_error(ErrorKind::Invalid, "destination '{}' must be a directory", side.shown);
  return {std::move(*found.file), found.path, {}};
}

std::optional<image::FileOwner> owner_on_host(const CopyRequest& request) {
  if (request.keep_owner) return std::nullopt;
  return image::FileOwner{.uid = ::geteuid(), .gid = ::getegid()};
}
std::optional<image::FileOwner> owner_in_container(const CopyRequest& request) {
  if (request.keep_owner) return std::nullopt;
  return image::FileOwner{.uid = 0, .gid = 0};
}

uint64_t copy_from_container(const CopyRequest& request, const Side& container, const Side& host) {
  Source source = open_source(container, request.source.path, request.follow_link);
  if (request.destination.is_stream())
    return image::write_tar({source.file.ref(), source.name}, image::TarForm::Portable, FdRef(STDOUT_FILENO));
  const Destination destination = open_destination(host, on_host(request.destination.path), source);
  // Without a root: of what comes from a container, nothing goes through a link on the host.
  return image::copy_tree({source.file.ref(), destination.name},
                          {destination.directory.ref(), std::nullopt, {}, owner_on_host(request)});
}

uint64_t copy_to_container(const CopyRequest& request, const Side& container, const Side& host) {
  const auto target = [&](const Destination& destination) {
    return image::UnpackTarget{destination.directory.ref(), container.root, destination.path,
                               owner_in_container(request)};
  };
  if (request.source.is_stream()) {
    image::extract_tar(FdRef(STDIN_FILENO), target(open_stream_destination(container, request.destination.path)));
    return 0;
  }
  const Source source = open_source(host, on_host(request.source.path), request.follow_link);
  const Destination destination = open_destination(container, request.destination.path, source);
  return image::copy_tree({source.file.ref(), destination.name}, target(destination));
}

void check_request(const CopyRequest& request) {
  if (request.source.container.empty() && request.source.path.empty())
    throw_error(ErrorKind::Usage, "source can not be empty");
  if (request.destination.container.empty() && request.destination.path.empty())
    throw_error(ErrorKind::Usage, "destination can not be empty");
  if (!request.source.container.empty() && !request.destination.container.empty())
    throw_error(ErrorKind::Usage, "copying between containers is not supported");
  if (request.source.container.empty() && request.destination.container.empty())
    throw_error(ErrorKind::Usage, "must specify at least one container source");
}

}  // namespace

uint64_t copy(const Context& context, const CopyRequest& request) {
  check_request(request);
  const bool from_container = !request.source.container.empty();
  const CopyPlace& inside = from_container ? request.source : request.destination;
  const CopyPlace& outside = from_container ? request.destination : request.source;
  const ContainerRoot root = ContainerRoot::open(context, inside.container);
  const Fd host_root = open_path("/", O_PATH | O_DIRECTORY);
  const Side container{.root = root.directory(), .shown = inside.container + ":" + inside.path};
  const Side host{.root = host_root.ref(), .shown = outside.path};
  return from_container ? copy_from_container(request, container, host) : copy_to_container(request, container, host);
}

}  // namespace myct::manager
