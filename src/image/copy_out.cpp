#include "myct/image/copy_out.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string_view>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/image/merged_root.hpp"

namespace myct::image {
namespace {

struct FreeReader {
  void operator()(archive* reader) const noexcept { ::archive_read_free(reader); }
};
struct FreeWriter {
  void operator()(archive* writer) const noexcept { ::archive_write_free(writer); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const noexcept { ::archive_entry_free(entry); }
};
using Reader = std::unique_ptr<archive, FreeReader>;
using Writer = std::unique_ptr<archive, FreeWriter>;
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

void check(int result, archive* handle, std::string_view what) {
  if (result >= ARCHIVE_WARN) return;
  const char* text = ::archive_error_string(handle);
  throw Error(ErrorKind::System, fmt::format("{}: {}", what, text != nullptr ? text : "unknown error"));
}

void copy_data(archive* reader, archive* writer, const char* name) {
  const void* block = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int result = ::archive_read_data_block(reader, &block, &size, &offset);
    if (result == ARCHIVE_EOF) return;
    check(result, reader, fmt::format("copy '{}'", name));
    if (::archive_write_data_block(writer, block, size, offset) < 0)
      check(ARCHIVE_FATAL, writer, fmt::format("copy '{}'", name));
  }
}

/// The directory's own owner and mode; those of what is in it come with the entries.
void copy_owner_and_mode(FdRef source, const std::string& destination) {
  struct stat status {};
  if (::fstat(source.get(), &status) == -1) throw_errno("inspect the image's directory");
  if (::chown(destination.c_str(), status.st_uid, status.st_gid) == -1)
    throw_errno("set the owner of '{}'", destination);
  if (::chmod(destination.c_str(), status.st_mode & 07777) == -1) throw_errno("set the mode of '{}'", destination);
}

void copy_tree(FdRef source, const std::string& destination) {
  const Reader reader(::archive_read_disk_new());
  const Writer writer(::archive_write_disk_new());
  ::archive_read_disk_set_symlink_physical(reader.get());
  ::archive_write_disk_set_options(writer.get(), ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME |
                                                     ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_XATTR |
                                                     ARCHIVE_EXTRACT_SECURE_SYMLINKS);
  // The trailing "/." makes the reader walk the directory and not the magic link.
  const std::string root = fmt::format("/proc/self/fd/{}/.", source.get());
  check(::archive_read_disk_open(reader.get(), root.c_str()), reader.get(), "read the image's directory");
  for (;;) {
    const Entry entry(::archive_entry_new());
    const int result = ::archive_read_next_header2(reader.get(), entry.get());
    if (result == ARCHIVE_EOF) return;
    check(result, reader.get(), "read the image's directory");
    ::archive_read_disk_descend(reader.get());
    const std::string name(std::string_view(::archive_entry_pathname(entry.get())).substr(root.size()));
    if (name.empty()) continue;  // the directory itself
    ::archive_entry_set_pathname(entry.get(), (destination + name).c_str());
    check(::archive_write_header(writer.get(), entry.get()), writer.get(), fmt::format("copy '{}'", name));
    if (::archive_entry_size(entry.get()) > 0) copy_data(reader.get(), writer.get(), name.c_str());
    check(::archive_write_finish_entry(writer.get()), writer.get(), fmt::format("copy '{}'", name));
  }
}

}  // namespace

void copy_directory_out(const Rootfs& rootfs, const std::string& path, const std::string& destination) {
  const Fd root = open_merged_root(rootfs.lowerdirs);
  const std::optional<Fd> source = try_open_in_root(root.ref(), path, O_RDONLY);
  if (!source) return;
  struct stat status {};
  if (::fstat(source->get(), &status) == -1) throw_errno("inspect '{}' of the image", path);
  if (!S_ISDIR(status.st_mode)) return;
  copy_tree(source->ref(), destination);
  copy_owner_and_mode(source->ref(), destination);
}

}  // namespace myct::image
