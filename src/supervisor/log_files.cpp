#include "log_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "json_record.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/state/record.hpp"

namespace myct::supervisor {
namespace {

constexpr std::string_view kName = "log.json";
// Longer than any record, so that a block without a newline is rubbish.
constexpr size_t kBlockSize = 256UL * 1024;
static_assert(kBlockSize > kLongestRecord);
constexpr size_t kTailBlockSize = 16UL * 1024;

std::optional<LogFile> try_open_file(const std::string& path) {
  std::optional<Fd> fd = try_open_path(path, O_RDONLY | O_NOFOLLOW);
  if (!fd) return std::nullopt;
  struct stat status {};
  if (::fstat(fd->get(), &status) == -1) throw_errno("inspect '{}'", path);
  return LogFile{.fd = std::move(*fd),
                 .device = status.st_dev,
                 .inode = status.st_ino,
                 .size = static_cast<uint64_t>(status.st_size)};
}

bool is_removed(const LogFile& file) {
  struct stat status {};
  return ::fstat(file.fd.get(), &status) == 0 && status.st_nlink == 0;
}

/// Reads up to `size` bytes; fewer only at the end of the file.
size_t read_at(const LogFile& file, char* buffer, size_t size, uint64_t offset) {
  size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(file.fd.get(), buffer + done, size - done, static_cast<off_t>(offset + done));
    if (got == 0) return done;
    if (got > 0)
      done += static_cast<size_t>(got);
    else if (errno != EINTR)
      throw_errno("read the log");
  }
  return done;
}

/// A file's lines from its end to its beginning.
class BackwardLines {
 public:
  struct Line {
    uint64_t offset;
    std::string_view text;  ///< with its newline, which only a file's last line may lack; until the next call
  };

  explicit BackwardLines(const LogFile& file) : file_(file), start_(file.size) {}

  std::optional<Line> previous() {
    held_.resize(held_.size() - given_);
    for (;;) {
      // The newline at the very end is the line's own.
      const size_t newline = held_.size() < 2 ? std::string::npos : held_.rfind('\n', held_.size() - 2);
      if (newline != std::string::npos || start_ == 0) return give(newline == std::string::npos ? 0 : newline + 1);
      read_block();
    }
  }

 private:
  std::optional<Line> give(size_t begin) {
    given_ = held_.size() - begin;
    if (given_ == 0) return std::nullopt;
    return Line{.offset = start_ + begin, .text = std::string_view(held_).substr(begin)};
  }

  void read_block() {
    const size_t size = std::min<uint64_t>(kTailBlockSize, start_);
    start_ -= size;
    std::string block(size, '\0');
    block.resize(read_at(file_, block.data(), size, start_));
    held_.insert(0, block);
  }

  const LogFile& file_;
  uint64_t start_;    ///< of what is held
  std::string held_;  ///< up to the line that was given last
  size_t given_ = 0;
};

/// Where the last `missing` wanted lines of a file begin; lowered by what it has of them.
uint64_t tail_offset(const LogFile& file, uint64_t& missing, const std::function<bool(std::string_view)>& wanted) {
  BackwardLines lines(file);
  uint64_t offset = file.size;
  while (const std::optional<BackwardLines::Line> line = lines.previous()) {
    if (line->text.ends_with('\n')) {
      if (missing == 0) return offset;
      if (wanted(line->text.substr(0, line->text.size() - 1))) --missing;
    }
    offset = line->offset;
  }
  return offset;
}

}  // namespace

std::string log_file_name(unsigned index) {
  return index == 0 ? std::string(kName) : std::string(kName) + "." + std::to_string(index);
}

std::vector<LogFile> open_log_files(const std::string& directory) {
  // Newest first, the way that files go when they are rotated: none can pass the place that is looked at, so none is
  // missed. One that moved on is met again, and then counts as what it is there: files that are newer than it may have
  // been met since, if the writer has outrun us. A name that is free is so for a moment only, perhaps.
  std::vector<LogFile> files;
  for (unsigned index = 0; index < state::kMostLogFiles; ++index) {
    std::optional<LogFile> file = try_open_file(directory + "/" + log_file_name(index));
    if (!file) continue;
    std::erase_if(files, [&](const LogFile& known) { return known.same_as(*file); });
    files.push_back(std::move(*file));
  }
  // One that was rotated out of existence cannot be met again: where it belongs is not known, but for that all others
  // are newer.
  std::erase_if(files, is_removed);
  std::ranges::reverse(files);
  return files;
}

std::vector<LogFile> open_newer_files(const std::string& directory, const LogFile& current) {
  const std::optional<LogFile> newest = try_open_file(directory + "/" + log_file_name(0));
  if (!newest || newest->same_as(current)) return {};
  std::vector<LogFile> files = open_log_files(directory);
  const auto found = std::ranges::find_if(files, [&](const LogFile& file) { return file.same_as(current); });
  // One that is not there any more was rotated out of existence: all others are newer.
  if (found != files.end()) files.erase(files.begin(), found + 1);
  return files;
}

void read_lines(LogFile& file, uint64_t limit, const std::function<void(std::string_view)>& use) {
  std::string block;
  while (file.offset < limit) {
    block.resize(kBlockSize);
    block.resize(read_at(file, block.data(), std::min<uint64_t>(kBlockSize, limit - file.offset), file.offset));
    const size_t last = block.rfind('\n');
    if (last == std::string::npos) {
      if (block.size() < kBlockSize) return;
      file.offset += block.size();
      continue;
    }
    std::string_view lines = std::string_view(block).substr(0, last + 1);
    file.offset += lines.size();
    while (!lines.empty()) {
      const size_t end = lines.find('\n');
      use(lines.substr(0, end));
      lines.remove_prefix(end + 1);
    }
  }
}

void seek_to_tail(std::vector<LogFile>& files, uint64_t count, const std::function<bool(std::string_view)>& wanted) {
  for (size_t index = files.size(); index-- > 0;) {
    files[index].offset = tail_offset(files[index], count, wanted);
    if (count > 0) continue;
    files.erase(files.begin(), files.begin() + static_cast<std::ptrdiff_t>(index));
    return;
  }
}

}  // namespace myct::supervisor
