// Reading, writing, making and removing files, all relative to a directory descriptor and without following
// links out of where the caller is.
#pragma once

#include <dirent.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "myct/base/fd.hpp"

namespace myct {

enum class Durability : uint8_t { SurvivesProcessDeath, SurvivesPowerLoss };

/// Opens `path` relative to `directory` with O_CLOEXEC added to `flags`; throws Error naming the path.
[[nodiscard]] Fd open_at(FdRef directory, const std::string& path, int flags, mode_t mode = 0);
/// The same, but an absent file is nullopt, and so is one of a control group that goes while it is read.
[[nodiscard]] std::optional<Fd> try_open_at(FdRef directory, const std::string& path, int flags, mode_t mode = 0);
[[nodiscard]] Fd open_path(const std::string& path, int flags, mode_t mode = 0);
[[nodiscard]] std::optional<Fd> try_open_path(const std::string& path, int flags, mode_t mode = 0);

/// Opens `path` as a process whose root directory is `root` would see it: "..", absolute names and symbolic links
/// stay inside (openat2(2), RESOLVE_IN_ROOT; magic links are refused). Throws Error.
[[nodiscard]] Fd open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);
/// The same, but an absent file is nullopt, and so is one of a control group that goes while it is read.
[[nodiscard]] std::optional<Fd> try_open_in_root(FdRef root, const std::string& path, int flags, mode_t mode = 0);

/// The whole content from the descriptor's current position; throws Error. `name` is for the message.
[[nodiscard]] std::string read_all(FdRef fd, std::string_view name);
/// The whole content of a file; throws Error.
[[nodiscard]] std::string read_file(const std::string& path);
/// The same, but an absent file is nullopt, and so is one of a control group that goes while it is read.
[[nodiscard]] std::optional<std::string> try_read_file(const std::string& path);
/// Where a symbolic link leads; nullopt when it does not exist. Throws Error.
[[nodiscard]] std::optional<std::string> try_read_link(const std::string& path);
[[nodiscard]] std::optional<std::string> try_read_file_at(FdRef directory, const std::string& name);

/// Writes all of `bytes` to `fd`, however often the kernel takes less; throws Error. `name` is for the message.
void write_all(FdRef fd, std::string_view bytes, std::string_view name);
/// Makes or truncates `name` and writes it; not atomic. Throws Error.
void write_file_at(FdRef directory, const std::string& name, std::string_view bytes, mode_t mode = 0644);

/// Replaces `name` in `directory` by `bytes`, whole or not at all, also across a crash of this process.
/// With Durability::SurvivesPowerLoss also across a crash of the machine (fsync of file and directory).
/// Concurrent writers: the last rename wins; readers see the old or the new file, never a mixture.
void save_atomically(FdRef directory, const std::string& name, std::string_view bytes, Durability durability,
                     mode_t mode = 0644);
/// Makes `name`, which is not there, whole or not at all: a kill leaves not even a temporary file, where the file
/// system has files without names (O_TMPFILE, open(2)). Throws Error{System} with EEXIST when it is there.
void create_atomically(FdRef directory, const std::string& name, std::string_view bytes, Durability durability,
                       mode_t mode = 0644);
/// Whether it is the name of a file that save_atomically() was killed at, or is about to rename.
[[nodiscard]] bool is_temporary_name(std::string_view name) noexcept;

/// Makes a directory; an existing one is fine. Throws Error.
void make_directory_at(FdRef directory, const std::string& name, mode_t mode = 0755);
/// mkdir -p with 0755 for every directory made; throws Error.
void make_directories(const std::string& path);

/// Removes a file or a whole tree without following links or crossing into other mounts' names; absent is fine.
/// Throws Error at the first thing that cannot be removed.
void remove_tree_at(FdRef directory, const std::string& name);
void remove_tree(const std::string& path);
/// Removes one file; absent is fine. Throws Error.
void remove_file(const std::string& path);

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
/// Sole owner of a directory stream (opendir(3)).
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// Whether names that begin with a dot count; "." and ".." never do.
enum class Hidden : uint8_t { LeaveOut, Include };
/// Names in a directory, in no order. No such directory: none. Throws Error.
[[nodiscard]] std::vector<std::string> list_directory(const std::string& path, Hidden hidden);

/// 16 random hex digits, for the names of temporaries. Throws Error.
[[nodiscard]] std::string random_suffix();

[[nodiscard]] bool path_exists(const std::string& path) noexcept;

/// An exclusive flock(2) on a file that is never renamed; let go when the owner or its process dies.
class FileLock {
 public:
  /// Waits for the lock; makes the file (0600) when absent.
  [[nodiscard]] static FileLock acquire(const std::string& path);
  /// nullopt when somebody else holds it.
  [[nodiscard]] static std::optional<FileLock> try_acquire(const std::string& path);
  /// The same on what is open already, a directory for example; `name` is for messages.
  [[nodiscard]] static FileLock acquire(Fd fd, const std::string& name);
  [[nodiscard]] static std::optional<FileLock> try_acquire(Fd fd, const std::string& name);
  /// Waits in line for at most so long; nullopt when somebody else has it all the time. Uses SIGALRM meanwhile.
  [[nodiscard]] static std::optional<FileLock> acquire_within(Fd fd, const std::string& name,
                                                              std::chrono::milliseconds patience);

  /// Takes over a lock that this process has inherited with its descriptor.
  [[nodiscard]] static FileLock inherit(Fd fd) { return FileLock(std::move(fd)); }

  [[nodiscard]] FdRef fd() const noexcept { return fd_.ref(); }

 private:
  explicit FileLock(Fd fd) noexcept : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace myct
