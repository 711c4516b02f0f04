// A tar archive taken apart into members. libarchive parses (ustar, pax, GNU, sparse files of all kinds); names and
// numbers are checked here, and nothing is written here.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acl.hpp"
#include "digest.hpp"

struct archive;
struct archive_entry;

namespace myct::image {

class TarStream;

enum class MemberType : uint8_t { Regular, Directory, Symlink, HardLink, CharacterDevice, BlockDevice, Fifo, Other };

struct Xattr {
  std::string name;
  std::string value;
};

/// One member of an archive. Names are relative, without "." and ".." parts; "" is the root itself.
struct Member {
  std::string name;
  MemberType type = MemberType::Regular;
  mode_t mode = 0;  ///< permission bits with setuid, setgid and sticky
  uid_t uid = 0;
  gid_t gid = 0;
  timespec mtime{};
  uint64_t size = 0;   ///< apparent size of a regular file
  std::string target;  ///< a symbolic link's text as it is; a hard link's name, checked like `name`
  dev_t device = 0;
  std::vector<Xattr> xattrs;
  Acl access_acl;
  Acl default_acl;
};

/// "etc/passwd" for "./etc//passwd/". Throws Error{Invalid} for an absolute name, one with ".." and one longer than
/// the kernel takes.
[[nodiscard]] std::string clean_member_name(std::string_view raw);

/// Called whenever a piece of the archive has been taken from the stream.
using ChunkHook = std::function<void()>;

class TarReader {
 public:
  TarReader(TarStream& stream, ChunkHook on_chunk);
  ~TarReader();
  TarReader(const TarReader&) = delete;
  TarReader& operator=(const TarReader&) = delete;

  /// The next member; nullopt after the last, when the whole stream has been read. Throws Error{Invalid} for
  /// anything that is not a whole and sound tar archive.
  [[nodiscard]] std::optional<Member> next();

  struct Block {
    Bytes bytes;
    uint64_t offset = 0;  ///< in the file; what lies between blocks is a hole
  };
  /// The next piece of the current member's content; nullopt at its end.
  [[nodiscard]] std::optional<Block> next_block();

 private:
  static ssize_t feed(archive* reader, void* self, const void** buffer) noexcept;
  [[noreturn]] void throw_failure();
  /// The same, naming the member whose data was being read.
  [[noreturn]] void throw_failure_in_member();
  void drain();

  struct Close {
    void operator()(archive* reader) const noexcept;
  };

  TarStream& stream_;
  ChunkHook on_chunk_;
  std::unique_ptr<archive, Close> reader_;
  bool opened_ = false;
  std::string member_name_;
  std::exception_ptr stream_failure_;
  bool at_stream_end_ = false;
  bool ends_in_zeros_ = false;  ///< the last 512 bytes seen
};

}  // namespace myct::image
