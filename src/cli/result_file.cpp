#include "result_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/undo.hpp"

namespace myct::cli {
namespace {

constexpr mode_t kMode = 0600;  // an image may hold what not everybody is to read

void write_to_new_file(const std::string& path, const std::function<void(FdRef out)>& write) {
  const std::string temporary = fmt::format("{}.{}", path, random_suffix());
  Fd file = open_path(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, kMode);
  UndoStack undo;
  undo.push("write " + path, [&] { remove_file(temporary); });
  write(file.ref());
  file.close_checked();
  if (::rename(temporary.c_str(), path.c_str()) == -1) throw_errno("rename '{}' to '{}'", temporary, path);
  undo.commit();
}

}  // namespace

void write_result(const std::string& path, const char* what, const std::function<void(FdRef out)>& write) {
  if (path.empty()) {
    if (::isatty(STDOUT_FILENO) == 1)
      throw Error(ErrorKind::Usage, fmt::format("{} is not for a terminal", what), 0, "use -o, or redirect it")
          .set_exit_status(1);
    return write(FdRef(STDOUT_FILENO));
  }
  struct stat status {};
  // A pipe or a device is written to; it cannot be replaced.
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    Fd file = open_path(path, O_WRONLY);
    write(file.ref());
    return file.close_checked();
  }
  write_to_new_file(path, write);
}

}  // namespace myct::cli
