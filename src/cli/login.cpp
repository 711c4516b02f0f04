// myct login and myct logout.
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "output.hpp"
#include "registry_flags.hpp"

namespace myct::cli {
namespace {

constexpr char kInterrupt = 3;  // Ctrl-C
constexpr int kExitInterrupted = 130;

struct LoginFlags {
  std::string server = std::string(registry::kDefaultRegistry);
  std::string username;
  std::string password;
  bool password_from_stdin = false;
  RegistryFlags registry;
};

/// The terminal shows nothing of what is typed, as long as this lives. Ctrl-C ends the line instead of the process,
/// which would leave the terminal so.
class HiddenInput {
 public:
  HiddenInput() {
    if (::tcgetattr(STDIN_FILENO, &before_) == -1) throw_errno("read the terminal's mode");
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO | ISIG);
    hidden.c_cc[VEOL] = kInterrupt;
    if (::tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden) == -1) throw_errno("set the terminal's mode");
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;
  ~HiddenInput() { ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_); }

 private:
  termios before_{};
};

std::string read_line() {
  std::string line;
  for (char c = 0; ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n';) {
    if (c == kInterrupt) throw Error(ErrorKind::Usage, "log in: interrupted").set_exit_status(kExitInterrupted);
    line += c;
  }
  return line;
}

std::string ask(const char* what) {
  std::fprintf(stderr, "%s: ", what);
  return read_line();
}

std::string ask_hidden(const char* what) {
  const HiddenInput hidden;
  std::string answer = ask(what);
  std::fputc('\n', stderr);
  return answer;
}

std::string password_from_stdin() {
  std::string password = read_all(FdRef(STDIN_FILENO), "standard input");
  while (password.ends_with('\n') || password.ends_with('\r')) password.pop_back();
  return password;
}

/// What the options say, and the user is asked for the rest.
registry::Credentials collect(const LoginFlags& flags) {
  registry::Credentials credentials{.username = flags.username, .password = flags.password, .identity_token = {}};
  if (flags.password_from_stdin) {
    if (!flags.password.empty()) throw_error(ErrorKind::Usage, "--password and --password-stdin exclude each other");
    if (flags.username.empty()) throw_error(ErrorKind::Usage, "--password-stdin needs --username");
    credentials.password = password_from_stdin();
  }
  const bool is_complete = !credentials.username.empty() && !credentials.password.empty();
  if (!is_complete && (flags.password_from_stdin || ::isatty(STDIN_FILENO) == 0))
    throw Error(ErrorKind::Usage, "log in: there is no password", 0,
                "give --username and --password-stdin where there is no terminal to ask on");
  if (credentials.username.empty()) credentials.username = ask("Username");
  if (credentials.password.empty()) credentials.password = ask_hidden("Password");
  if (credentials.username.empty() || credentials.password.empty())
    throw_error(ErrorKind::Usage, "log in: a name and a password are needed");
  return credentials;
}

void log_in(const LoginFlags& flags) {
  const std::string host = registry::parse_registry_host(flags.server);
  if (!flags.password.empty())
    std::fputs("WARNING! A password on the command line is seen by others: use --password-stdin\n", stderr);
  const registry::Kept kept = manager::log_in(host, collect(flags), parse_registry_flags(flags.registry));
  if (kept.is_readable)
    std::fprintf(stderr, "WARNING! The password is kept unencrypted in %s; a credential helper avoids that\n",
                 kept.where.c_str());
  print_line("Login Succeeded");
}

}  // namespace

void define_login(CLI::App& command, Action& action) {
  const auto flags = std::make_shared<LoginFlags>();
  set_usage(command, "Usage: myct login [OPTIONS] [SERVER]");
  command.add_option("-u,--username", flags->username, "The name; asked for if it is not given")->type_name("NAME");
  command.add_option("-p,--password", flags->password, "The password; others see it on the command line")
      ->type_name("PASSWORD");
  command.add_flag("--password-stdin", flags->password_from_stdin, "Read the password from standard input");
  add_registry_flags(command, flags->registry);
  command.add_option("SERVER", flags->server, "The registry, HOST[:PORT]; docker.io if it is not given");
  action = [flags](const manager::Context&) {
    log_in(*flags);
    return 0;
  };
}

void define_logout(CLI::App& command, Action& action) {
  const auto server = std::make_shared<std::string>(registry::kDefaultRegistry);
  set_usage(command, "Usage: myct logout [SERVER]");
  command.add_option("SERVER", *server, "The registry, HOST[:PORT]; docker.io if it is not given");
  action = [server](const manager::Context&) {
    const std::string host = registry::parse_registry_host(*server);
    print_line(manager::log_out(host) ? "Removing login credentials for " + host : "Not logged in to " + host);
    return 0;
  };
}

}  // namespace myct::cli
