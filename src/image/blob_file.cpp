#include "blob_file.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <utility>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/image/archive.hpp"

namespace myct::image {
namespace {

bool is_for_layers(Compression compression) noexcept {
  return compression == Compression::None || compression == Compression::Gzip || compression == Compression::Zstd;
}

}  // namespace

BlobFile BlobFile::create(FdRef directory, uint64_t largest) {
  std::string name = "blob-" + random_suffix();
  Fd fd = open_at(directory, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644);
  return {directory, std::move(name), std::move(fd), largest};
}

BlobFile BlobFile::adopt(FdRef directory, SpoolFile file) {
  BlobFile blob(directory, std::move(file.name), std::move(file.fd), 0);
  blob.adopted_ = true;
  if (::lseek(blob.fd_.get(), 0, SEEK_SET) == -1) throw_errno("read the layer's blob");
  return blob;
}

BlobFile::BlobFile(BlobFile&& other) noexcept
    : directory_(other.directory_),
      name_(std::exchange(other.name_, {})),
      fd_(std::move(other.fd_)),
      largest_(other.largest_),
      written_(other.written_),
      in_file_(other.in_file_),
      handed_to_disk_(other.handed_to_disk_),
      adopted_(other.adopted_),
      plain_(other.plain_) {}

BlobFile::~BlobFile() {
  if (!name_.empty()) ::unlinkat(directory_.get(), name_.c_str(), 0);
}

bool BlobFile::try_clone(FdRef source) {
  struct stat status {};
  if (::fstat(source.get(), &status) == -1 || !S_ISREG(status.st_mode)) return false;
  if (::lseek(source.get(), 0, SEEK_CUR) != 0) return false;
  if (largest_ != 0 && static_cast<uint64_t>(status.st_size) > largest_) return false;
  uint8_t beginning[8];
  const ssize_t got = ::pread(source.get(), beginning, sizeof beginning, 0);
  if (got <= 0 || !is_for_layers(detect_compression({beginning, static_cast<size_t>(got)}))) return false;
  return ::ioctl(fd_.get(), FICLONE, source.get()) == 0;
}

ByteSource BlobFile::keep(const ByteSource& source) {
  // A file system with shared blocks (btrfs, xfs) copies nothing; elsewhere what is read is written as well, because a
  // file that was copied first might have changed when it is read.
  if (adopted_ || (source.descriptor && try_clone(*source.descriptor))) return bytes_of(fd_.ref());
  const auto read = [this, from = source.read](std::span<uint8_t> buffer) {
    const size_t got = from(buffer);
    append({buffer.data(), got});
    return got;
  };
  return {.read = read, .descriptor = source.descriptor};
}

void BlobFile::append(Bytes bytes) {
  if (plain_) return;
  written_ += bytes.size();
  if (largest_ != 0 && written_ > largest_)
    throw_error(ErrorKind::Invalid, "the layer has more than the {} bytes that were announced", largest_);
  write(bytes);
}

void BlobFile::write(Bytes bytes) {
  write_all(fd_.ref(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, "the layer's blob");
  // The disk begins while the layer is still being unpacked, and not only when all of it is to last
  // (sync_file_range(2)).
  constexpr uint64_t kPiece = 8U << 20U;
  in_file_ += bytes.size();
  if (in_file_ - handed_to_disk_ < kPiece) return;
  (void)::sync_file_range(fd_.get(), static_cast<off64_t>(handed_to_disk_),
                          static_cast<off64_t>(in_file_ - handed_to_disk_), SYNC_FILE_RANGE_WRITE);
  handed_to_disk_ = in_file_;
}

void BlobFile::keep_plain(Compression compression, Bytes bytes) {
  if (is_for_layers(compression)) return;
  if (!std::exchange(plain_, true)) empty();
  write(bytes);
}

void BlobFile::empty() {
  if (::ftruncate(fd_.get(), 0) == -1 || ::lseek(fd_.get(), 0, SEEK_SET) == -1) throw_errno("empty the layer's blob");
  in_file_ = 0;
  handed_to_disk_ = 0;
}

void BlobFile::fill_from_tree(FdRef root) {
  empty();
  (void)write_tar({root, {}}, TarForm::Portable, fd_.ref());
}

std::string BlobFile::digest() const { return digest_of_file(fd_.ref()); }

uint64_t BlobFile::size() const {
  struct stat status {};
  if (::fstat(fd_.get(), &status) == -1) throw_errno("inspect the layer's blob");
  return static_cast<uint64_t>(status.st_size);
}

void BlobFile::finish() { fd_.close_checked(); }

void BlobFile::become(const std::string& target) {
  if (::renameat2(directory_.get(), name_.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) == 0)
    name_.clear();
  else if (errno != EEXIST)
    throw_errno("rename the blob to '{}'", target);
}

}  // namespace myct::image
