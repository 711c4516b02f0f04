// The container's pty: made in its own devpts instance, its slave bound to /dev/console and made the controlling
// terminal. The slave is opened by TIOCGPTPEER, never by a name that the image could have planted (CVE-2025-52565).
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "child/mount.hpp"
#include "child/paths.hpp"
#include "child/steps.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

constexpr const char* kPtmx = "/dev/pts/ptmx";
constexpr const char* kConsole = "/dev/console";

void bind_console(FdRef root, FdRef slave) {
  const Fd target = open_or_make_file(root, kConsole);
  (void)BindSource::open(slave, "", /*recursive=*/false)
      .attach({.root = root, .path = kConsole, .target = target.ref()});
}

}  // namespace

Terminal open_terminal(FdRef root, const TerminalPlan& plan, IsConsole is_console) {
  Terminal terminal;
  terminal.master = open_in_root(root, kPtmx, O_RDWR | O_NOCTTY);
  struct statfs status {};
  if (::fstatfs(terminal.master.get(), &status) == -1) throw_errno("inspect '{}'", kPtmx);
  if (status.f_type != DEVPTS_SUPER_MAGIC) throw_error(ErrorKind::Denied, "'{}' is not the kernel's", kPtmx);
  int locked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &locked) == -1) throw_errno("unlock the pty");
  terminal.slave = Fd(::ioctl(terminal.master.get(), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!terminal.slave.valid()) throw_errno("open the pty's slave");
  if (plan.rows != 0 || plan.columns != 0) {
    winsize size{.ws_row = plan.rows, .ws_col = plan.columns, .ws_xpixel = 0, .ws_ypixel = 0};
    if (::ioctl(terminal.slave.get(), TIOCSWINSZ, &size) == -1) throw_errno("set the window size");
  }
  if (is_console == IsConsole::Yes) bind_console(root, terminal.slave.ref());
  return terminal;
}

void set_controlling_terminal(FdRef slave) {
  if (::ioctl(slave.get(), TIOCSCTTY, 0) == -1) throw_errno("make the pty the controlling terminal");
}

}  // namespace myct::engine
