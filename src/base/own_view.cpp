#include "myct/base/own_view.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/syscall.hpp"

namespace myct {
namespace {

constexpr const char* kSelf = "/proc/self/exe";
constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

bool is_done() {
  struct statvfs status {};
  if (::statvfs(kSelf, &status) == -1) throw_errno("inspect '{}'", kSelf);
  if ((status.f_flag & ST_RDONLY) != 0) return true;
  return ::fcntl(open_path(kSelf, O_RDONLY).get(), F_GET_SEALS) == kSeals;
}

/// A mount of the file alone, attached nowhere. nullopt on kernels that cannot.
std::optional<Fd> try_make_mount() {
  Fd mount(::open_tree(AT_FDCWD, kSelf, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!mount.valid()) return std::nullopt;
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::mount_setattr(mount.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) == -1) return std::nullopt;
  return mount;
}

/// A copy in memory that cannot be changed any more.
Fd make_sealed_copy() {
  const Fd file = open_path(kSelf, O_RDONLY);
  struct stat status {};
  if (::fstat(file.get(), &status) == -1) throw_errno("inspect '{}'", kSelf);
  Fd copy(::memfd_create("myct", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!copy.valid()) throw_errno("make a file in memory");
  for (off_t left = status.st_size; left > 0;) {
    const ssize_t copied = ::sendfile(copy.get(), file.get(), nullptr, static_cast<size_t>(left));
    if (copied == -1) throw_errno("copy '{}'", kSelf);
    if (copied == 0) throw_error(ErrorKind::System, "'{}' has become shorter", kSelf);
    left -= copied;
  }
  if (::fcntl(copy.get(), F_ADD_SEALS, kSeals) == -1) throw_errno("seal a copy of '{}'", kSelf);
  return copy;
}

}  // namespace

void run_from_own_view() {
  if (is_done()) return;
  std::string line = read_file("/proc/self/cmdline");
  std::vector<char*> argv;
  for (size_t start = 0; start < line.size(); start = line.find('\0', start) + 1) argv.push_back(line.data() + start);
  argv.push_back(nullptr);
  std::optional<Fd> view = try_make_mount();
  if (!view) view = make_sealed_copy();
  sys::execve_descriptor(view->get(), argv.data(), environ);
  throw_errno("execute '{}' anew", kSelf);
}

}  // namespace myct
