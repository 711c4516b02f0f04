// The last step: finding the program in the new root and becoming it. Says in the user's terms why it cannot be run.
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "child/steps.hpp"
#include "myct/base/file.hpp"

namespace myct::engine {
namespace {

[[noreturn]] void throw_exec_error(const std::string& program, int errnum, std::string hint = {}) {
  const bool missing = errnum == ENOENT || errnum == ENOTDIR;
  Error error(missing ? ErrorKind::NotFound : kind_of_errno(errnum), fmt::format("run '{}'", program), errnum,
              std::move(hint));
  error.set_exit_status(missing ? kExitNotFound : kExitCannotExecute);
  throw error;
}

/// Whether `path` is this very program, e.g. /proc/self/exe.
bool is_own_executable(const std::string& path) {
  struct stat own {};
  struct stat other {};
  if (::stat("/proc/self/exe", &own) == -1 || ::stat(path.c_str(), &other) == -1) return false;
  return own.st_dev == other.st_dev && own.st_ino == other.st_ino;
}

/// 0 when `path` is a file that may be executed, else the errno that execve would fail with.
int check_executable(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == -1) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == -1) return errno;
  return 0;
}

/// The interpreter that an executable names: a script's first line, or an ELF file's PT_INTERP. Empty if none.
std::string interpreter_of(const std::string& path) {
  const int raw = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (raw == -1) return {};
  const Fd fd(raw);
  char head[4096] = {};
  const ssize_t got = ::pread(fd.get(), head, sizeof head - 1, 0);
  if (got < 4) return {};
  if (head[0] == '#' && head[1] == '!') {
    std::string line(head + 2, ::strcspn(head + 2, "\n"));
    line.erase(0, line.find_first_not_of(" \t"));
    return line.substr(0, line.find_first_of(" \t"));
  }
  Elf64_Ehdr header{};
  if (got < static_cast<ssize_t>(sizeof header) || std::memcmp(head, ELFMAG, SELFMAG) != 0) return {};
  std::memcpy(&header, head, sizeof header);
  for (size_t index = 0; index < header.e_phnum; ++index) {
    Elf64_Phdr segment{};
    const size_t offset = header.e_phoff + index * header.e_phentsize;
    if (offset + sizeof segment > static_cast<size_t>(got)) return {};
    std::memcpy(&segment, head + offset, sizeof segment);
    if (segment.p_type == PT_INTERP && segment.p_offset < static_cast<size_t>(got)) return head + segment.p_offset;
  }
  return {};
}

/// Executing /proc/self/exe, by name, by a link or as an interpreter, would run the host's myct inside the container,
/// where it could be overwritten through /proc (CVE-2019-5736). A script's interpreter may be a script, four levels
/// deep (execve(2)).
void refuse_own_executable(const std::string& program, std::string path) {
  constexpr int kInterpreters = 5;
  for (int level = 0; level <= kInterpreters && !path.empty(); ++level) {
    if (is_own_executable(path)) throw_exec_error(program, EACCES, "it is the container runtime itself");
    path = interpreter_of(path);
  }
}

/// The kernel says "No such file" of a program that is there when its interpreter is not (execve(2)).
std::string explain(const std::string& path, int errnum) {
  if (errnum == ENOEXEC) return "neither a script with a #! line nor a binary for this machine";
  if (errnum != ENOENT) return {};
  const std::string interpreter = interpreter_of(path);
  if (interpreter.empty()) return {};
  if (interpreter.back() == '\r')
    return "its first line ends in a carriage return: save the script with Unix line ends";
  return fmt::format("its interpreter '{}' is not in the image", interpreter);
}

}  // namespace

std::string find_program(const ProgramPlan& program) {
  const std::string& name = program.args.front();
  if (name.empty()) throw_exec_error(name, ENOENT);
  if (name.find('/') != std::string::npos) {
    if (const int errnum = check_executable(name)) throw_exec_error(name, errnum);
    refuse_own_executable(name, name);
    return name;
  }
  int failure = ENOENT;
  std::string_view rest = program.search_path;
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const std::string_view directory = rest.substr(0, colon);
    rest = colon == std::string_view::npos ? std::string_view() : rest.substr(colon + 1);
    const std::string candidate = fmt::format("{}/{}", directory.empty() ? "." : directory, name);
    const int errnum = check_executable(candidate);
    if (errnum == 0) {
      refuse_own_executable(name, candidate);
      return candidate;
    }
    // As execvp(3): a forbidden file is remembered, but a later directory may have a better one.
    if (errnum == EACCES) failure = EACCES;
  }
  throw_exec_error(name, failure, failure == ENOENT ? "not found in PATH" : "");
}

void exec_program(const std::string& path, const ProgramPlan& program) {
  std::vector<char*> argv;
  std::vector<char*> envp;
  for (const std::string& arg : program.args) argv.push_back(const_cast<char*>(arg.c_str()));
  for (const std::string& variable : program.env) envp.push_back(const_cast<char*>(variable.c_str()));
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  ::execve(path.c_str(), argv.data(), envp.data());
  const int errnum = errno;
  throw_exec_error(program.args.front(), errnum, explain(path, errnum));
}

}  // namespace myct::engine
