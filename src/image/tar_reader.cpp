#include "tar_reader.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <limits.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

#include "locale.hpp"
#include "myct/base/error.hpp"
#include "stream.hpp"

namespace myct::image {
namespace {

constexpr size_t kTarBlock = 512;

MemberType type_of(archive_entry* entry) noexcept {
  if (::archive_entry_hardlink(entry) != nullptr) return MemberType::HardLink;
  switch (::archive_entry_filetype(entry)) {
    case AE_IFREG:
      return MemberType::Regular;
    case AE_IFDIR:
      return MemberType::Directory;
    case AE_IFLNK:
      return MemberType::Symlink;
    case AE_IFCHR:
      return MemberType::CharacterDevice;
    case AE_IFBLK:
      return MemberType::BlockDevice;
    case AE_IFIFO:
      return MemberType::Fifo;
    default:
      return MemberType::Other;
  }
}

uint32_t checked_id(int64_t id, const std::string& name) {
  // The highest value means "leave it" to chown(2).
  if (id < 0 || id >= std::numeric_limits<uint32_t>::max())
    throw_error(ErrorKind::Invalid, "member '{}': owner {} is not a user or group number", name, id);
  return static_cast<uint32_t>(id);
}

AclTag acl_tag(int tag) noexcept {
  switch (tag) {
    case ARCHIVE_ENTRY_ACL_USER_OBJ:
      return AclTag::UserObj;
    case ARCHIVE_ENTRY_ACL_USER:
      return AclTag::User;
    case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
      return AclTag::GroupObj;
    case ARCHIVE_ENTRY_ACL_GROUP:
      return AclTag::Group;
    case ARCHIVE_ENTRY_ACL_MASK:
      return AclTag::Mask;
    default:
      return AclTag::Other;
  }
}

Acl read_acl(archive_entry* entry, int wanted) {
  Acl acl;
  if ((::archive_entry_acl_types(entry) & wanted) == 0) return acl;
  ::archive_entry_acl_reset(entry, wanted);
  int type = 0;
  int permissions = 0;
  int tag = 0;
  int id = 0;
  const char* name = nullptr;
  while (::archive_entry_acl_next(entry, wanted, &type, &permissions, &tag, &id, &name) == ARCHIVE_OK) {
    // libarchive's permission bits for POSIX entries are those of the kernel: 4, 2, 1.
    AclEntry acl_entry{.tag = acl_tag(tag), .permissions = static_cast<uint16_t>(permissions & 7), .id = 0, .name = {}};
    if (id >= 0)
      acl_entry.id = static_cast<uint32_t>(id);
    else if (name != nullptr)
      acl_entry.name = name;
    acl.push_back(std::move(acl_entry));
  }
  return acl;
}

std::vector<Xattr> read_xattrs(archive_entry* entry) {
  std::vector<Xattr> xattrs;
  if (::archive_entry_xattr_reset(entry) == 0) return xattrs;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
    if (name != nullptr) xattrs.push_back({name, std::string(static_cast<const char*>(value), size)});
  return xattrs;
}

Member read_member(archive_entry* entry) {
  const char* raw = ::archive_entry_pathname(entry);
  if (raw == nullptr) throw_error(ErrorKind::Invalid, "a member has no name");
  Member member{.name = clean_member_name(raw)};
  member.type = type_of(entry);
  member.mode = ::archive_entry_perm(entry) & 07777;
  member.uid = checked_id(::archive_entry_uid(entry), member.name);
  member.gid = checked_id(::archive_entry_gid(entry), member.name);
  member.mtime = {.tv_sec = ::archive_entry_mtime(entry),
                  .tv_nsec = std::clamp(::archive_entry_mtime_nsec(entry), 0L, 999'999'999L)};
  if (member.type == MemberType::Regular)
    member.size = static_cast<uint64_t>(std::max<int64_t>(0, ::archive_entry_size(entry)));
  if (member.type == MemberType::HardLink) {
    try {
      member.target = clean_member_name(::archive_entry_hardlink(entry));
    } catch (Error& error) {
      error.add_context(fmt::format("hard link '{}'", member.name));
      throw;
    }
  }
  if (member.type == MemberType::Symlink) {
    const char* target = ::archive_entry_symlink(entry);
    if (target == nullptr || *target == '\0')
      throw_error(ErrorKind::Invalid, "member '{}': the symbolic link is empty", member.name);
    member.target = target;
  }
  member.device = ::archive_entry_rdev(entry);
  member.xattrs = read_xattrs(entry);
  member.access_acl = read_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
  member.default_acl = read_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT);
  return member;
}

}  // namespace

std::string clean_member_name(std::string_view raw) {
  if (raw.starts_with('/')) throw_error(ErrorKind::Invalid, "member '{}': absolute names are refused", raw);
  if (raw.size() >= PATH_MAX)
    throw_error(ErrorKind::Invalid, "member '{}…': the name has {} bytes, more than {}", raw.substr(0, 40), raw.size(),
                PATH_MAX - 1);
  std::string name;
  name.reserve(raw.size());
  while (!raw.empty()) {
    const size_t slash = std::min(raw.find('/'), raw.size());
    const std::string_view part = raw.substr(0, slash);
    if (part == "..") throw_error(ErrorKind::Invalid, "member '{}': names with '..' are refused", raw);
    if (!part.empty() && part != ".") {
      if (!name.empty()) name += '/';
      name += part;
    }
    raw.remove_prefix(std::min(slash + 1, raw.size()));
  }
  return name;
}

void TarReader::Close::operator()(archive* reader) const noexcept { ::archive_read_free(reader); }

TarReader::TarReader(TarStream& stream, ChunkHook on_chunk)
    : stream_(stream), on_chunk_(std::move(on_chunk)), reader_(::archive_read_new()) {
  // No other format and no filter: a compressed file inside the compressed file is not a tar archive.
  if (!reader_ || ::archive_read_support_format_tar(reader_.get()) != ARCHIVE_OK)
    throw_error(ErrorKind::System, "make a tar reader: not enough memory");
}

TarReader::~TarReader() = default;

ssize_t TarReader::feed(archive* reader, void* self, const void** buffer) noexcept {
  auto& tar = *static_cast<TarReader*>(self);
  try {
    const Bytes chunk = tar.stream_.next();
    if (tar.on_chunk_) tar.on_chunk_();
    tar.at_stream_end_ = chunk.empty();
    if (!chunk.empty())
      tar.ends_in_zeros_ =
          std::ranges::all_of(chunk.last(std::min(kTarBlock, chunk.size())), [](uint8_t byte) { return byte == 0; });
    *buffer = chunk.data();
    return static_cast<ssize_t>(chunk.size());
  } catch (...) {
    // An exception must not pass through libarchive's C frames: it is kept for throw_failure.
    tar.stream_failure_ = std::current_exception();
    ::archive_set_error(reader, EIO, "reading the stream");
    return -1;
  }
}

std::optional<Member> TarReader::next() {
  const BytesAreNames locale;
  if (!opened_) {
    opened_ = true;
    if (::archive_read_open(reader_.get(), this, nullptr, &TarReader::feed, nullptr) != ARCHIVE_OK) throw_failure();
  }
  archive_entry* entry = nullptr;
  const int result = ::archive_read_next_header(reader_.get(), &entry);
  if (result == ARCHIVE_EOF) {
    drain();
    return std::nullopt;
  }
  // A warning is about a name that is not ASCII (see BytesAreNames) or a header that nobody knows.
  if (result != ARCHIVE_OK && result != ARCHIVE_WARN) throw_failure();
  Member member = read_member(entry);
  member_name_ = member.name;
  return member;
}

std::optional<TarReader::Block> TarReader::next_block() {
  const void* data = nullptr;
  size_t size = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int result = ::archive_read_data_block(reader_.get(), &data, &size, &offset);
    if (result == ARCHIVE_EOF) return std::nullopt;
    if (result != ARCHIVE_OK && result != ARCHIVE_WARN) throw_failure_in_member();
    if (size != 0) return Block{{static_cast<const uint8_t*>(data), size}, static_cast<uint64_t>(offset)};
  }
}

void TarReader::throw_failure_in_member() {
  try {
    throw_failure();
  } catch (Error& error) {
    error.add_context(fmt::format("member '{}'", member_name_));
    throw;
  }
}

void TarReader::throw_failure() {
  if (stream_failure_) std::rethrow_exception(stream_failure_);
  const char* text = ::archive_error_string(reader_.get());
  std::string reason = text != nullptr ? text : "unknown error";
  if (reason.starts_with("Unrecognized archive format")) throw_error(ErrorKind::Invalid, "not a tar archive");
  if (reason.starts_with("Truncated")) throw_error(ErrorKind::Invalid, "truncated tar archive");
  reason.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(reason.front())));
  throw Error(ErrorKind::Invalid, std::move(reason));
}

void TarReader::drain() {
  // libarchive takes the end of the file for the end of the archive, even when the blocks of zeros that mark it are
  // missing: a download that stopped between two members would pass for whole.
  if (at_stream_end_ && !ends_in_zeros_) throw_error(ErrorKind::Invalid, "truncated tar archive");
  // The rest, if there is any, is padding; it counts for the digests.
  while (!at_stream_end_) {
    at_stream_end_ = stream_.next().empty();
    if (on_chunk_) on_chunk_();
  }
}

}  // namespace myct::image
