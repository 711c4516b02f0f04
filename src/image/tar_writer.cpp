#include "tar_writer.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

#include "locale.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::image {
namespace {

constexpr int kBlockSize = 64 << 10;

struct FreeEntry {
  void operator()(archive_entry* entry) const noexcept { ::archive_entry_free(entry); }
};
using Entry = std::unique_ptr<archive_entry, FreeEntry>;

mode_t type_bits(MemberType type) noexcept {
  switch (type) {
    case MemberType::Directory:
      return S_IFDIR;
    case MemberType::Symlink:
      return S_IFLNK;
    case MemberType::CharacterDevice:
      return S_IFCHR;
    case MemberType::BlockDevice:
      return S_IFBLK;
    case MemberType::Fifo:
      return S_IFIFO;
    default:
      return S_IFREG;
  }
}

Entry make_entry(const Member& member, const std::vector<DataRegion>& regions) {
  Entry entry(::archive_entry_new());
  if (!entry) throw_error(ErrorKind::System, "make a member: not enough memory");
  ::archive_entry_copy_pathname(entry.get(), member.name.c_str());
  ::archive_entry_set_mode(entry.get(), type_bits(member.type) | member.mode);
  ::archive_entry_set_uid(entry.get(), member.uid);
  ::archive_entry_set_gid(entry.get(), member.gid);
  ::archive_entry_set_mtime(entry.get(), member.mtime.tv_sec, member.mtime.tv_nsec);
  if (member.type == MemberType::HardLink)
    ::archive_entry_copy_hardlink(entry.get(), member.target.c_str());
  else if (member.type == MemberType::Symlink)
    ::archive_entry_copy_symlink(entry.get(), member.target.c_str());
  else if (member.type == MemberType::CharacterDevice || member.type == MemberType::BlockDevice)
    ::archive_entry_set_rdev(entry.get(), member.device);
  ::archive_entry_set_size(entry.get(), static_cast<la_int64_t>(member.size));
  for (const Xattr& xattr : member.xattrs)
    ::archive_entry_xattr_add_entry(entry.get(), xattr.name.c_str(), xattr.value.data(), xattr.value.size());
  for (const DataRegion& region : regions)
    ::archive_entry_sparse_add_entry(entry.get(), static_cast<la_int64_t>(region.offset),
                                     static_cast<la_int64_t>(region.length));
  return entry;
}

}  // namespace

void TarWriter::Close::operator()(archive* writer) const noexcept { ::archive_write_free(writer); }

TarWriter::TarWriter(FdRef out, TarForm form) : out_(out), writer_(::archive_write_new()) {
  if (!writer_) throw_error(ErrorKind::System, "make a tar writer: not enough memory");
  const BytesAreNames locale;
  // Restricted: a pax header only for members that cannot do without.
  check(form == TarForm::Exact ? ::archive_write_set_format_pax(writer_.get())
                               : ::archive_write_set_format_pax_restricted(writer_.get()),
        "make a tar writer");
  // The form that everybody reads; libarchive's own would say the same a second time.
  check(::archive_write_set_format_option(writer_.get(), "pax", "xattrheader", "SCHILY"), "make a tar writer");
  check(::archive_write_set_bytes_per_block(writer_.get(), kBlockSize), "make a tar writer");
  check(::archive_write_set_bytes_in_last_block(writer_.get(), 1), "make a tar writer");
  check(::archive_write_open(writer_.get(), this, nullptr, &TarWriter::drain, nullptr), "make a tar writer");
}

TarWriter::~TarWriter() {
  // Closing writes what is buffered; after a failure nobody wants it.
  if (writer_) ::archive_write_fail(writer_.get());
}

ssize_t TarWriter::drain(archive* writer, void* self, const void* buffer, size_t size) noexcept {
  auto& tar = *static_cast<TarWriter*>(self);
  try {
    write_all(tar.out_, {static_cast<const char*>(buffer), size}, "the archive");
    tar.bytes_written_ += size;
    return static_cast<ssize_t>(size);
  } catch (...) {
    // An exception must not pass through libarchive's C frames: it is kept for check.
    tar.failure_ = std::current_exception();
    ::archive_set_error(writer, EIO, "writing the stream");
    return -1;
  }
}

void TarWriter::check(ssize_t result, std::string_view what) {
  // A warning is about a name that is not ASCII (see BytesAreNames).
  if (result >= ARCHIVE_WARN) return;
  if (failure_) std::rethrow_exception(failure_);
  const char* text = ::archive_error_string(writer_.get());
  throw_error(ErrorKind::System, "{}: {}", what, text != nullptr ? text : "unknown error");
}

void TarWriter::begin(const Member& member, const std::vector<DataRegion>& regions) {
  const BytesAreNames locale;
  const Entry entry = make_entry(member, regions);
  check(::archive_write_header(writer_.get(), entry.get()), fmt::format("pack '{}'", member.name));
}

void TarWriter::write(Bytes bytes) { check(::archive_write_data(writer_.get(), bytes.data(), bytes.size()), "pack"); }

void TarWriter::finish() {
  const BytesAreNames locale;
  check(::archive_write_close(writer_.get()), "finish the archive");
}

}  // namespace myct::image
