// Prints a container's log, and follows it. Runs in `myct logs`, beside the supervisor that writes; they share nothing
// but the files. See inotify(7).
#include "myct/supervisor/logs.hpp"

#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <limits>

#include "json_record.hpp"
#include "log_files.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"

namespace myct::supervisor {
namespace {

constexpr size_t kBatchSize = 64UL * 1024;
constexpr uint64_t kNoLimit = std::numeric_limits<uint64_t>::max();

/// The records that are asked for, by their time.
class Filter {
 public:
  explicit Filter(const LogsRequest& request) {
    if (request.since) since_ = format_time(*request.since);
    if (request.until) until_ = format_time(*request.until);
  }

  [[nodiscard]] std::optional<LogRecord> accept(std::string_view line) const {
    std::optional<LogRecord> record = parse_record(line);
    if (record && (record->time < since_ || (!until_.empty() && record->time > until_))) return std::nullopt;
    return record;
  }

 private:
  std::string since_;
  std::string until_;
};

/// Puts records on two descriptors, in batches that keep their order.
class Printer {
 public:
  Printer(const LogsRequest& request, const Filter& filter, FdRef out, FdRef err)
      : request_(request), filter_(filter), out_(out), err_(err) {}

  void print(std::string_view line) {
    const std::optional<LogRecord> record = filter_.accept(line);
    if (!record) return;
    if (record->stream != stream_ || buffer_.size() >= kBatchSize) flush();
    stream_ = record->stream;
    bool& at_line_start = at_line_start_[stream_ == Stream::Stderr ? 1 : 0];
    // A long line is several records, and has one prefix.
    if (at_line_start && request_.timestamps) buffer_.append(record->time).push_back(' ');
    // Docker prints a record's attributes and a blank. They come from log options that myct does not have.
    if (at_line_start && request_.details) buffer_ += ' ';
    append_unescaped(buffer_, record->text);
    at_line_start = buffer_.ends_with('\n');
  }

  void flush() {
    if (stream_ == Stream::Stdout)
      write_all(out_, buffer_, "standard output");
    else
      write_all(err_, buffer_, "standard error");
    buffer_.clear();
  }

 private:
  const LogsRequest& request_;
  const Filter& filter_;
  FdRef out_;
  FdRef err_;
  std::string buffer_;
  Stream stream_ = Stream::Stdout;  ///< of what is in the buffer
  std::array<bool, 2> at_line_start_ = {true, true};
};

std::vector<LogFile> open_from_start(const std::string& directory, const LogsRequest& request, const Filter& filter) {
  std::vector<LogFile> files = open_log_files(directory);
  if (request.tail)
    seek_to_tail(files, *request.tail, [&](std::string_view line) { return filter.accept(line).has_value(); });
  return files;
}

/// Tells that something in a directory was written to or renamed, and how many log files were begun.
class Watch {
 public:
  explicit Watch(const std::string& directory) : fd_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!fd_.valid())
      throw Error(ErrorKind::System, "follow the log", errno, "see fs.inotify.max_user_instances in inotify(7)");
    if (::inotify_add_watch(fd_.get(), directory.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) == -1)
      throw_errno("watch '{}'", directory);
  }

  [[nodiscard]] FdRef fd() const noexcept { return fd_.ref(); }

  /// Takes what was told. All is looked at whenever anything is; only files that were begun are counted, and not all of
  /// them if the kernel had more to tell than it keeps.
  void update() {
    alignas(inotify_event) std::array<char, 4096> events;
    for (;;) {
      const ssize_t size = ::read(fd_.get(), events.data(), events.size());
      if (size <= 0) return;
      for (const char* at = events.data(); at < events.data() + size;) {
        const auto* event = reinterpret_cast<const inotify_event*>(at);
        if ((event->mask & IN_CREATE) != 0 && log_file_name(0) == event->name) ++begun_;
        at += sizeof(inotify_event) + event->len;
      }
    }
  }

  [[nodiscard]] uint64_t begun() const noexcept { return begun_; }

 private:
  Fd fd_;
  uint64_t begun_ = 0;
};

class Follower {
 public:
  Follower(std::string directory, const LogsRequest& request, const Fd& writer, FdRef out)
      : directory_(std::move(directory)), request_(request), writer_(writer), out_(out), watch_(directory_) {}

  void follow(Printer& printer, const Filter& filter) {
    // Also those that were begun before the watch was: what is counted from here on is newer than these, or one of
    // them.
    files_ = open_from_start(directory_, request_, filter);
    watch_.update();
    begun_before_ = watch_.begun();
    for (;;) {
      // Asked before the files are read: what an ended writer wrote is all there by then.
      const bool last = is_over();
      print_new(printer);
      printer.flush();
      if (last || !wait()) return;
    }
  }

 private:
  [[nodiscard]] bool is_over() const {
    pollfd writer{.fd = writer_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&writer, 1, 0) > 0 || (request_.until && std::chrono::system_clock::now() >= *request_.until);
  }

  /// Reads every file to its end, the newest as far as it goes now.
  void print_new(Printer& printer) {
    const auto print = [&](std::string_view line) { printer.print(line); };
    for (;;) {
      for (LogFile& file : files_) read_lines(file, kNoLimit, print);
      if (files_.empty()) {
        files_ = open_log_files(directory_);
        if (files_.empty()) return;
        opened_ += files_.size();
        continue;
      }
      watch_.update();  // before the names are looked at: they have what it tells of by then, and perhaps more
      std::vector<LogFile> newer = open_newer_files(directory_, files_.back());
      if (newer.empty()) return;
      // It was rotated out after it was read: only now nothing more can come.
      read_lines(files_.back(), kNoLimit, print);
      opened_ += newer.size();
      tell_of_missed_files(printer);
      files_ = std::move(newer);
    }
  }

  /// What was begun and not opened was rotated out of existence before: the writer waits for no reader. Whatever was
  /// opened that is not told of yet makes the count too small, never too large.
  void tell_of_missed_files(Printer& printer) {
    const uint64_t begun = watch_.begun() - begun_before_;
    if (begun <= opened_ + missed_) return;
    const uint64_t missed = begun - opened_ - missed_;
    missed_ += missed;
    printer.flush();
    log::warning("records are missing here: {} of the log's files came and went faster than they were read", missed);
  }

  /// False when nobody reads any more.
  [[nodiscard]] bool wait() {
    std::array<pollfd, 3> events = {pollfd{.fd = watch_.fd().get(), .events = POLLIN, .revents = 0},
                                    pollfd{.fd = writer_.get(), .events = POLLIN, .revents = 0},
                                    pollfd{.fd = out_.get(), .events = 0, .revents = 0}};
    if (::poll(events.data(), events.size(), time_left()) == -1 && errno != EINTR) throw_errno("wait for the log");
    watch_.update();
    return (events[2].revents & (POLLERR | POLLHUP)) == 0;
  }

  /// Milliseconds for poll(2).
  [[nodiscard]] int time_left() const {
    if (!request_.until) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*request_.until - std::chrono::system_clock::now());
    return static_cast<int>(std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
  }

  std::string directory_;
  const LogsRequest& request_;
  const Fd& writer_;
  FdRef out_;
  Watch watch_;
  std::vector<LogFile> files_;  ///< oldest first; the last is the one that is written to
  uint64_t begun_before_ = 0;   ///< of the files that the watch has told of, those that were there at first
  uint64_t opened_ = 0;         ///< since then
  uint64_t missed_ = 0;         ///< since then, as far as it has been told
};

void print_and_follow(const std::string& directory, const LogsRequest& request, const Fd* writer, FdRef out,
                      FdRef err) {
  const Filter filter(request);
  Printer printer(request, filter, out, err);
  if (request.follow && writer != nullptr) {
    Follower follower(directory, request, *writer, out);  // watches before anything is read
    follower.follow(printer, filter);
    return;
  }
  // As much as there is now: a container that writes all the time must not keep us for ever.
  for (LogFile& file : open_from_start(directory, request, filter))
    read_lines(file, file.size, [&](std::string_view line) { printer.print(line); });
  printer.flush();
}

}  // namespace

void print_logs(const std::string& container_directory, const LogsRequest& request, const Fd* writer, FdRef out,
                FdRef err) {
  try {
    print_and_follow(container_directory, request, writer, out, err);
  } catch (const Error& error) {
    if (error.errnum() != EPIPE) throw;
  }
}

bool has_log(const std::string& container_directory) {
  return path_exists(container_directory + "/" + log_file_name(0)) ||
         path_exists(container_directory + "/" + log_file_name(1));
}

}  // namespace myct::supervisor
