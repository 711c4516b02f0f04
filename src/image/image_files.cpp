#include "image_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <map>

#include "digest.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "stream.hpp"
#include "tar_reader.hpp"

namespace myct::image {
namespace {

/// Files of an archive: a hundred images of a hundred layers have fewer.
constexpr size_t kMostFiles = 100'000;
constexpr int kMostLinks = 8;
constexpr std::string_view kBlobs = "blobs/sha256/";
/// Smaller files may be documents, which are read from the archive.
constexpr uint64_t kWorthSkipping = oci::kLargestConfig;

std::string read_document(FdRef fd, const std::string& name, uint64_t largest) {
  struct stat status {};
  if (::fstat(fd.get(), &status) == -1) throw_errno("inspect '{}'", name);
  if (!S_ISREG(status.st_mode)) throw_error(ErrorKind::Invalid, "'{}' is not a regular file", name);
  if (static_cast<uint64_t>(status.st_size) > largest)
    throw_error(ErrorKind::Invalid, "'{}' has {} bytes, more than {}", name, status.st_size, largest);
  return read_all(fd, name);
}

[[noreturn]] void throw_missing(const std::string& name) {
  throw_error(ErrorKind::Invalid, "it names the file '{}', which it has not", name);
}

/// The member that a symbolic link in an archive means: old archives link a layer to that of another image.
std::string target_of(const Member& link) {
  if (link.type == MemberType::HardLink) return link.target;
  std::string path = link.name.substr(0, link.name.rfind('/') + 1) + link.target;
  std::string resolved;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string part = path.substr(0, slash);
    path.erase(0, slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == "..")
      resolved.erase(resolved.rfind('/') == std::string::npos ? 0 : resolved.rfind('/'));
    else
      resolved += (resolved.empty() ? "" : "/") + part;
  }
  return resolved;
}

/// A member: in a file of the ingest's, in the store already, or another member by another name.
struct Spooled {
  SpoolFile file;
  bool stored = false;
  std::string link;
};

class SpooledFiles final : public ImageFiles {
 public:
  explicit SpooledFiles(Ingest& ingest) : ingest_(ingest) {}

  void add(const Member& member, TarReader& reader) {
    if (files_.size() == kMostFiles) throw_error(ErrorKind::Invalid, "more than {} files", kMostFiles);
    if (member.type == MemberType::HardLink || member.type == MemberType::Symlink)
      files_[member.name] = {.file = {}, .link = target_of(member)};
    if (member.type != MemberType::Regular) return;
    const bool stored = member.size > kWorthSkipping && is_stored(member.name);
    files_[member.name] = {.file = stored ? SpoolFile{} : copy(reader), .stored = stored, .link = {}};
  }

  std::optional<std::string> try_read(const std::string& name, uint64_t largest) override {
    Spooled* found = find(name);
    if (found == nullptr) return std::nullopt;
    if (found->stored) throw_error(ErrorKind::Invalid, "'{}' has more than {} bytes", name, largest);
    ingest_.reopen(found->file);
    std::string text = read_document(found->file.fd.ref(), name, largest);
    found->file.fd.reset();
    return text;
  }

  LayerResult put_layer(Ingest& ingest, const std::string& name, const LayerRequest& request) override {
    Spooled* found = find(name);
    if (found == nullptr) throw_missing(name);
    if (!found->stored) return ingest.put_layer(request, std::move(found->file));
    LayerRequest of_blob = request;
    of_blob.blob.digest = "sha256:" + resolve(name).substr(kBlobs.size());
    return ingest.put_layer(of_blob, ByteSource{});
  }

 private:
  bool is_stored(const std::string& name) {
    if (!name.starts_with(kBlobs)) return false;
    const std::string digest = "sha256:" + name.substr(kBlobs.size());
    try {
      return ingest_.has_blob(digest);
    } catch (const Error&) {
      return false;  // no digest at all
    }
  }

  SpoolFile copy(TarReader& reader) {
    SpoolFile file = ingest_.spool();
    uint64_t position = 0;
    while (const std::optional<TarReader::Block> block = reader.next_block()) {
      // A sparse member is nothing that any of these programs writes.
      if (block->offset != position) throw_error(ErrorKind::Invalid, "a file with holes");
      write_all(file.fd.ref(), {reinterpret_cast<const char*>(block->bytes.data()), block->bytes.size()}, "a copy");
      position += block->bytes.size();
    }
    file.fd.close_checked();
    return file;
  }

  std::string resolve(std::string name) const {
    for (int links = 0; links < kMostLinks; ++links) {
      const auto found = files_.find(name);
      if (found == files_.end() || found->second.link.empty()) return name;
      name = found->second.link;
    }
    throw_error(ErrorKind::Invalid, "'{}': too many links", name);
  }
  Spooled* find(const std::string& name) {
    const auto found = files_.find(resolve(name));
    return found == files_.end() ? nullptr : &found->second;
  }

  Ingest& ingest_;
  std::map<std::string, Spooled> files_;
};

class DirectoryFiles final : public ImageFiles {
 public:
  explicit DirectoryFiles(Fd directory) noexcept : directory_(std::move(directory)) {}

  std::optional<std::string> try_read(const std::string& name, uint64_t largest) override {
    const std::optional<Fd> file = try_open(name);
    if (!file) return std::nullopt;
    return read_document(file->ref(), name, largest);
  }

  LayerResult put_layer(Ingest& ingest, const std::string& name, const LayerRequest& request) override {
    const std::optional<Fd> file = try_open(name);
    if (!file) throw_missing(name);
    return ingest.put_layer(request, bytes_of(file->ref()));
  }

 private:
  /// Without waiting for the other end of what may be a pipe.
  std::optional<Fd> try_open(const std::string& name) const {
    return try_open_in_root(directory_.ref(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  }

  Fd directory_;
};

}  // namespace

std::string blob_file_name(std::string_view digest) { return std::string(kBlobs) + hex_of(digest); }

std::unique_ptr<ImageFiles> spool_archive(FdRef in, Ingest& ingest, const BytesRead& progress) {
  auto files = std::make_unique<SpooledFiles>(ingest);
  TarStream stream(bytes_of(in), Digests::LeaveOut);
  TarReader reader(stream, [&] {
    if (progress) progress(stream.bytes_read());
  });
  while (const std::optional<Member> member = reader.next()) files->add(*member, reader);
  return files;
}

std::unique_ptr<ImageFiles> open_layout(Fd directory) { return std::make_unique<DirectoryFiles>(std::move(directory)); }

}  // namespace myct::image
