#include "sandbox.hpp"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <stdexcept>

namespace myct::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string environment(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : otherwise;
}

std::string make_temporary_directory() {
  std::string name = environment("TMPDIR", "/tmp") + "/myct-test.XXXXXX";
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("make a directory in " + environment("TMPDIR", "/tmp"));
  // Users without rights must be able to reach the files that tests share with them.
  fs::permissions(name, fs::perms(0755));
  return name;
}

/// What may stay: images, layers, results that can be computed again, and the directories of all the rest.
bool may_stay(const std::string& path) {
  static const std::regex kAllowed(
      "/root|/run"
      "|/root/(images|layers|cache)(/[^.].*)?"
      "|/root/(containers|names|networks(/\\.lock)?|volumes)"
      "|/run/(containers|init|events|locks(/.*)?)"
      "|/run/networks(/\\.rules\\.lock|/bridge(/(addresses|last|lock|names|pointers|network\\.json))?)?");
  return std::regex_match(path, kAllowed) && path.find("/.staging") == std::string::npos;
}

void add_files(const std::string& directory, const std::string& below, std::set<std::string>& objects) {
  std::error_code gone;
  const fs::path start = directory + below;
  for (auto entry = fs::recursive_directory_iterator(start, gone); entry != fs::recursive_directory_iterator();
       entry.increment(gone)) {
    const std::string path = entry->path().string().substr(directory.size());
    if (!may_stay(path)) objects.insert("file " + path);
    // A layer's content is the image's business.
    if (path.starts_with("/root/layers/") && entry.depth() >= 1) entry.disable_recursion_pending();
  }
}

}  // namespace

std::string myct_path() { return environment("MYCT_TEST_BINARY", MYCT_BINARY); }
std::string faulty_myct_path() { return MYCT_FAULTY_BINARY; }
std::string probe_path() { return MYCT_PROBE; }
std::string busybox_tarball() { return MYCT_TEST_FILES "/busybox-base.tar.gz"; }

std::string alpine_tarball(std::string& why) {
  const std::string directory = environment("MYCT_TEST_IMAGES", MYCT_DEFAULT_IMAGES);
  std::error_code absent;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, absent)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("alpine-minirootfs-") && name.ends_with(".tar.gz")) return entry.path().string();
  }
  why = "no alpine-minirootfs-*.tar.gz in " + directory + " (MYCT_TEST_IMAGES names another directory)";
  return {};
}

Sandbox::Sandbox() : directory_(make_temporary_directory()) {
  fs::create_directory(directory_ + "/files");
  before_ = objects();
}

Sandbox::~Sandbox() {
  std::error_code ignored;
  fs::remove_all(directory_, ignored);
}

void Sandbox::SetUp() {}

void Sandbox::TearDown() {
  // A supervisor that has told its container's end has still to end itself.
  (void)eventually([] { return host().processes().empty(); });
  for (const std::string& object : leftovers()) ADD_FAILURE() << "left behind: " << object;
  for (const int pid : host().processes()) ::kill(pid, SIGKILL);
}

std::set<std::string> Sandbox::objects() const {
  std::set<std::string> all = host().kernel_objects();
  add_files(directory_, "/root", all);
  add_files(directory_, "/run", all);
  return all;
}

std::set<std::string> Sandbox::leftovers() const {
  std::set<std::string> left;
  const auto look = [&] {
    const std::set<std::string> now = objects();
    left.clear();
    std::set_difference(now.begin(), now.end(), before_.begin(), before_.end(), std::inserter(left, left.end()));
  };
  // The kernel takes a network namespace apart, and with it its interfaces, some time after its last process is gone.
  (void)eventually([&] {
    look();
    return std::none_of(left.begin(), left.end(),
                        [](const std::string& object) { return object.starts_with("interface veth"); });
  });
  return left;
}

std::string Sandbox::write_file(const std::string& name, const std::string& content, unsigned mode) const {
  std::ofstream(path(name), std::ios::binary) << content;
  fs::permissions(path(name), fs::perms(mode));
  return path(name);
}

std::string Sandbox::make_directory(const std::string& name) const {
  fs::create_directories(path(name));
  return path(name);
}

std::string Sandbox::read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Command Sandbox::command(const Words& words) const {
  Command command;
  command.argv = {myct_path()};
  command.argv.insert(command.argv.end(), words.begin(), words.end());
  command.env = {{"PATH", kPath},
                 {"HOME", "/root"},
                 {"LANG", "C.UTF-8"},
                 {"MYCT_ROOT", root()},
                 {"MYCT_RUNTIME_DIR", runtime_dir()}};
  return command;
}

Result Sandbox::myct(const Words& words) const { return run(command(words)); }

Result Sandbox::myct(const Words& words, const std::string& input) const {
  Command with_input = command(words);
  with_input.standard_input = Stdin::Pipe;
  with_input.input = input;
  return run(with_input);
}

Command Sandbox::shell_command(const Words& options, const std::string& script) const {
  Words words = {"run", "--rm"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {"--image", "busybox", "sh", "-c", script});
  return command(words);
}

Result Sandbox::shell(const Words& options, const std::string& script) const {
  return run(shell_command(options, script));
}

Command Sandbox::probe_command(const Words& options, const Words& words) const {
  Words all = {"run", "--rm", "-v", probe_path() + ":/probe:ro"};
  all.insert(all.end(), options.begin(), options.end());
  all.insert(all.end(), {"--image", "busybox", "/probe"});
  all.insert(all.end(), words.begin(), words.end());
  return command(all);
}

Result Sandbox::probe(const Words& options, const Words& words) const { return run(probe_command(options, words)); }

int Sandbox::init_pid() const {
  // The program can be heard of before its record is written.
  int pid = 0;
  const bool recorded = eventually([&] {
    std::error_code absent;
    for (const fs::directory_entry& entry : fs::directory_iterator(runtime_dir() + "/containers", absent)) {
      const std::string text = read_file(entry.path().string() + "/run.json");
      std::smatch found;
      if (!std::regex_search(text, found, std::regex(R"re("init":\{[^}]*"pid":(\d+))re"))) continue;
      pid = std::stoi(found[1]);
      return true;
    }
    return false;
  });
  EXPECT_TRUE(recorded) << "no running container is recorded";
  return pid;
}

size_t Sandbox::container_count() const {
  std::error_code absent;
  const fs::directory_iterator entries(root() + "/containers", absent);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

void ContainerTest::SetUp() {
  ASSERT_TRUE(fs::exists(busybox_tarball())) << "made by ctest's fixture: ctest -R integration.images";
  const Result imported = myct({"import", busybox_tarball(), "busybox"});
  ASSERT_EQ(imported.status, 0) << imported;
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kTimeLimit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::usleep(2000);
  }
  return true;
}

::testing::AssertionResult fails_with(const Result& result, int status, const std::string& text) {
  if (result.status != status)
    return ::testing::AssertionFailure() << "expected status " << status << ", got " << result;
  if (result.err.find(text) == std::string::npos)
    return ::testing::AssertionFailure() << "expected '" << text << "' on stderr, got " << result;
  if (!result.err.starts_with("myct: ") || !result.err.ends_with('\n') || lines_of(result.err).size() != 1)
    return ::testing::AssertionFailure() << "expected one line that starts with 'myct: ' on stderr, got " << result;
  if (!result.out.empty()) return ::testing::AssertionFailure() << "expected nothing on stdout, got " << result;
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult prints(const Result& result, const std::string& out) {
  if (result.status != 0) return ::testing::AssertionFailure() << "expected status 0, got " << result;
  if (result.out != out) return ::testing::AssertionFailure() << "expected stdout '" << out << "', got " << result;
  if (!result.err.empty()) return ::testing::AssertionFailure() << "expected nothing on stderr, got " << result;
  return ::testing::AssertionSuccess();
}

}  // namespace myct::test
