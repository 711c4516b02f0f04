// The json-file log: records in log.json, rotated at a bound. Runs in the supervisor.
//
// Records are appended by one write(2) for all that a read of the container's pipe brought. A write that was cut short,
// by a full disk now or by a kill earlier, leaves a torn record; the next one then begins on a line of its own, so that
// the reader loses no more than the torn one.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>

#include "json_record.hpp"
#include "log_files.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/supervisor/log_writer.hpp"

namespace myct::supervisor {
namespace {

constexpr size_t kBatchSize = 64UL * 1024;
constexpr mode_t kMode = 0640;

class JsonLog final : public LogWriter {
 public:
  explicit JsonLog(const LogTarget& target)
      : directory_(open_path(target.directory, O_PATH | O_DIRECTORY)),
        max_size_(target.config.max_size),
        max_file_(std::max(target.config.max_file, 1U)) {
    if (!open_file()) throw_errno("open '{}/{}'", target.directory, log_file_name(0));
    buffer_.reserve(kBatchSize + kLongestRecord);  // pages that are never touched cost nothing
  }

  void write(Stream stream, std::string_view bytes) override {
    time_ = format_time(std::chrono::system_clock::now());
    cutter_of(stream).feed(bytes, [&](std::string_view text, Ending ending) { add(text, ending, stream); });
    flush(buffer_.size());
  }

  void finish() override {
    time_ = format_time(std::chrono::system_clock::now());
    for (const Stream stream : {Stream::Stdout, Stream::Stderr})
      cutter_of(stream).finish([&](std::string_view text, Ending ending) { add(text, ending, stream); });
    flush(buffer_.size());
  }

 private:
  LineCutter& cutter_of(Stream stream) noexcept { return cutters_[stream == Stream::Stderr ? 1 : 0]; }

  void add(std::string_view text, Ending ending, Stream stream) {
    const size_t before = buffer_.size();
    append_record(buffer_, text, ending, stream, time_);
    // A record that is longer than the bound has a file of its own.
    if (size_ + before > 0 && size_ + buffer_.size() > max_size_) {
      flush(before);
      if (!rotate()) drop_buffer();  // rather than to grow without a bound
    }
    if (buffer_.size() >= kBatchSize) flush(buffer_.size());
  }

  /// Writes the first `count` bytes of the buffer, whole records, and takes them out of it.
  void flush(size_t count) {
    if (count == 0) return;
    if (!fd_.valid() && !open_file()) return drop_buffer();
    const size_t gap = torn_ ? 1 : 0;
    buffer_.insert(0, gap, '\n');
    count += gap;
    size_t done = 0;
    while (done < count) {
      const ssize_t written = ::write(fd_.get(), buffer_.data() + done, count - done);
      if (written > 0)
        done += static_cast<size_t>(written);
      else if (written == 0 || errno != EINTR)
        break;
    }
    size_ += done;
    if (done > 0) torn_ = buffer_[done - 1] != '\n';
    const size_t kept = std::max(done, gap);
    count_dropped(lines_in(std::string_view(buffer_).substr(kept, count - kept)));
    buffer_.erase(0, count);
  }

  void drop_buffer() {
    count_dropped(lines_in(buffer_));
    buffer_.clear();
  }

  static uint64_t lines_in(std::string_view text) {
    return static_cast<uint64_t>(std::count(text.begin(), text.end(), '\n'));
  }

  /// Moves each file to the next number, the last one out of existence, and begins a new one. The readers' rule: files
  /// move from lower to higher numbers, one after the other, and one that was moved is not written to any more.
  bool rotate() {
    for (unsigned index = max_file_ - 1; index > 0; --index) {
      const std::string from = log_file_name(index - 1);
      const std::string to = log_file_name(index);
      if (::renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) == -1 && errno != ENOENT)
        return false;
    }
    if (max_file_ == 1 && ::unlinkat(directory_.get(), log_file_name(0).c_str(), 0) == -1 && errno != ENOENT)
      return false;
    fd_.reset();
    size_ = 0;
    return open_file();
  }

  /// Opens log.json, which a supervisor before this one may have left. False, with errno, when that is impossible.
  bool open_file() {
    Fd fd(::openat(directory_.get(), log_file_name(0).c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
                   kMode));
    struct stat status {};
    if (!fd.valid() || ::fstat(fd.get(), &status) == -1) return false;
    char last = '\n';
    if (status.st_size > 0 && ::pread(fd.get(), &last, 1, status.st_size - 1) == -1) return false;
    size_ = static_cast<uint64_t>(status.st_size);
    torn_ = last != '\n';
    fd_ = std::move(fd);
    return true;
  }

  Fd directory_;
  uint64_t max_size_;
  unsigned max_file_;
  Fd fd_;              ///< log.json; invalid when it could not be opened anew
  uint64_t size_ = 0;  ///< of log.json
  bool torn_ = false;  ///< it does not end with a newline
  std::array<LineCutter, 2> cutters_;
  std::string buffer_;
  std::string time_;  ///< of what is being written
};

}  // namespace

std::unique_ptr<LogWriter> open_json_log(const LogTarget& target) { return std::make_unique<JsonLog>(target); }

}  // namespace myct::supervisor
