// Into a tree, and from one tree into another by a pipe with a thread at its other end.
#include "myct/image/archive.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <exception>
#include <thread>

#include "merge_writer.hpp"
#include "myct/base/error.hpp"
#include "stream.hpp"
#include "tar_reader.hpp"

namespace myct::image {
namespace {

constexpr int kPipeSize = 1 << 20;

struct Pipe {
  Fd out;
  Fd in;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  // A larger one saves changes of process; the user's allowance may be used up (pipe(7)).
  (void)::fcntl(ends[1], F_SETPIPE_SZ, kPipeSize);
  return {Fd(ends[0]), Fd(ends[1])};
}

/// Packs in a thread of its own. If nobody reads any more, that is the reader's business.
class PackThread {
 public:
  PackThread(const PackSource& source, Fd into) : into_(std::move(into)), thread_([this, source] { run(source); }) {}
  ~PackThread() {
    if (thread_.joinable()) thread_.join();
  }
  PackThread(const PackThread&) = delete;
  PackThread& operator=(const PackThread&) = delete;

  /// The size of the archive. Throws what the thread met, but for the closed pipe.
  uint64_t join() {
    thread_.join();
    if (failure_) std::rethrow_exception(failure_);
    return size_;
  }

 private:
  void run(const PackSource& source) noexcept {
    // Writing to a pipe without reader is then an error of write(2) only, and no signal that ends the process.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    try {
      size_ = write_tar(source, TarForm::Exact, into_.ref());
    } catch (const Error& error) {
      if (error.errnum() != EPIPE) failure_ = std::current_exception();
    } catch (...) {
      failure_ = std::current_exception();  // travels to the caller's thread, which rethrows it
    }
    into_.reset();
  }

  Fd into_;
  uint64_t size_ = 0;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace

void extract_tar(FdRef in, const UnpackTarget& target) {
  TarStream stream(bytes_of(in), Digests::LeaveOut);
  TarReader reader(stream, nullptr);
  MergeWriter writer(target);
  while (std::optional<Member> member = reader.next()) writer.write(std::move(*member), reader);
  writer.finish();
}

uint64_t copy_tree(const PackSource& source, const UnpackTarget& target) {
  Pipe pipe = make_pipe();
  PackThread packing(source, std::move(pipe.in));
  std::exception_ptr failure;
  try {
    extract_tar(pipe.out.ref(), target);
  } catch (const Error&) {
    failure = std::current_exception();
  }
  pipe.out.reset();
  // A packer that failed leaves a truncated archive: its own error says why.
  const uint64_t size = packing.join();
  if (failure) std::rethrow_exception(failure);
  return size;
}

}  // namespace myct::image
