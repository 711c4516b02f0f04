#include "credential_helper.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"

namespace myct::registry {
namespace {

constexpr size_t kLongestAnswer = size_t{1} << 20;
constexpr const char* kTokenUser = "<token>";  // the helper's secret is an identity token
constexpr std::string_view kNotFound = "credentials not found";

/// posix_spawn(3)'s list of what happens to descriptors.
class FileActions {
 public:
  FileActions() { ::posix_spawn_file_actions_init(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  void duplicate(FdRef from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from.get(), to); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

/// What the helper reads is a file in memory: a pipe to one that reads nothing would raise SIGPIPE.
Fd make_input(std::string_view text) {
  Fd file(::memfd_create("credentials", MFD_CLOEXEC));
  if (!file.valid()) throw_errno("make a file in memory");
  write_all(file.ref(), text, "a file in memory");
  if (::lseek(file.get(), 0, SEEK_SET) == -1) throw_errno("rewind a file in memory");
  return file;
}

struct Pipe {
  Fd read;
  Fd write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) == -1) throw_errno("make a pipe");
  return {Fd(ends[0]), Fd(ends[1])};
}

/// At most so much, whatever the other side writes.
std::string read_bounded(FdRef fd) {
  std::string text;
  std::array<char, 4096> buffer;
  while (text.size() < kLongestAnswer) {
    const ssize_t count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count == -1 && errno == EINTR) continue;
    if (count <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(count));
  }
  return text;
}

bool reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) == -1)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

CredentialHelper::CredentialHelper(std::string_view name) : program_("docker-credential-" + std::string(name)) {
  if (name.empty() || name.find('/') != std::string_view::npos)
    throw_error(ErrorKind::Invalid, "credential helper '{}' is not the name of a program", name);
}

CredentialHelper::Answer CredentialHelper::run(const char* action, std::string_view input) const {
  const Fd in = make_input(input);
  Pipe out = make_pipe();
  FileActions actions;
  actions.duplicate(in.ref(), STDIN_FILENO);
  actions.duplicate(out.write.ref(), STDOUT_FILENO);
  std::string program = program_;
  std::string word = action;
  char* argv[] = {program.data(), word.data(), nullptr};
  pid_t pid = 0;
  const int result = ::posix_spawnp(&pid, program_.c_str(), actions.get(), nullptr, argv, environ);
  if (result != 0)
    throw Error(kind_of_errno(result), fmt::format("run the credential helper '{}'", program_), result,
                "install it, or take it out of docker's config.json");
  out.write.reset();
  std::string text = read_bounded(out.read.ref());
  out.read.reset();
  return {.succeeded = reap(pid), .text = std::move(text)};
}

void CredentialHelper::fail(const char* action, const std::string& server, const std::string& answer) const {
  // Only what it says of a failure: an answer could hold the secret.
  std::string why = answer.substr(0, std::min(answer.find('\n'), size_t{200}));
  throw_error(ErrorKind::System, "{} {} for '{}': {}", program_, action, server, why.empty() ? "it has failed" : why);
}

std::optional<Credentials> CredentialHelper::get(const std::string& server) const {
  const Answer answer = run("get", server);
  if (!answer.succeeded) {
    if (answer.text.find(kNotFound) != std::string::npos) return std::nullopt;
    fail("get", server, answer.text);
  }
  Credentials credentials;
  std::string secret;
  const json::Value document = json::parse(answer.text, program_);
  json::read(document, "Username", credentials.username);
  json::read(document, "Secret", secret);
  if (credentials.username == kTokenUser) {
    credentials.username.clear();
    credentials.identity_token = std::move(secret);
  } else {
    credentials.password = std::move(secret);
  }
  return credentials;
}

void CredentialHelper::store(const std::string& server, const Credentials& credentials) const {
  const bool has_token = !credentials.identity_token.empty();
  const json::Value document{{"ServerURL", server},
                             {"Username", has_token ? kTokenUser : credentials.username},
                             {"Secret", has_token ? credentials.identity_token : credentials.password}};
  if (const Answer answer = run("store", document.dump()); !answer.succeeded) fail("store", server, answer.text);
}

bool CredentialHelper::erase(const std::string& server) const {
  const Answer answer = run("erase", server);
  if (!answer.succeeded && answer.text.find(kNotFound) == std::string::npos) fail("erase", server, answer.text);
  return answer.succeeded;
}

}  // namespace myct::registry
