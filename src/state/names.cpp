// A name is a symbolic link names/<name> -> ../containers/<id>: made by one atomic call that fails when it is there,
// and dangling, which means free, as soon as the container's directory is gone.
#include "myct/state/names.hpp"

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include <array>
#include <climits>
#include <cstdint>
#include <vector>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"

namespace myct::state {
namespace {

constexpr std::array kAdjectives = {
    "agile",  "amber",   "ample",  "bold",   "brave",  "bright", "brisk",  "calm",    "candid", "clever",   "cosmic",
    "crisp",  "curious", "daring", "dapper", "deft",   "eager",  "early",  "earnest", "fair",   "fearless", "fleet",
    "frank",  "gentle",  "glad",   "golden", "happy",  "hardy",  "honest", "humble",  "jolly",  "keen",     "kind",
    "lively", "loyal",   "lucid",  "mellow", "merry",  "mighty", "modest", "nimble",  "noble",  "patient",  "placid",
    "plucky", "polite",  "proud",  "quick",  "quiet",  "rapid",  "ready",  "serene",  "sharp",  "silent",   "sincere",
    "smart",  "sober",   "stoic",  "sturdy", "subtle", "sunny",  "swift",  "tender",  "tidy",   "upbeat",   "valiant",
    "vivid",  "warm",    "wise",   "witty",  "zesty",
};
constexpr std::array kSurnames = {
    "abel",      "agnesi",     "aitken",    "ampere",   "archimedes", "babbage",      "bartik",    "bayes",
    "bernoulli", "bohr",       "boltzmann", "boole",    "cantor",     "carson",       "cerf",      "chandra",
    "church",    "clarke",     "cori",      "curie",    "dijkstra",   "dirac",        "engelbart", "erdos",
    "euclid",    "euler",      "faraday",   "fermat",   "fermi",      "feynman",      "fourier",   "franklin",
    "galileo",   "galois",     "gauss",     "germain",  "goodall",    "goedel",       "hamilton",  "hamming",
    "hawking",   "heisenberg", "hertz",     "hilbert",  "hoare",      "hodgkin",      "hopper",    "hypatia",
    "jackson",   "joliot",     "kepler",    "kilby",    "knuth",      "kovalevskaya", "lamarr",    "lamport",
    "laplace",   "leibniz",    "liskov",    "lovelace", "maxwell",    "mccarthy",     "meitner",   "mendel",
    "minsky",    "mirzakhani", "moore",     "napier",   "neumann",    "newton",       "noether",   "pascal",
    "pasteur",   "pauling",    "perlman",   "planck",   "poincare",   "ptolemy",      "ramanujan", "ride",
    "riemann",   "ritchie",    "rubin",     "shannon",  "sinoussi",   "tesla",        "thompson",  "turing",
    "volta",     "wiles",      "wilkes",    "wing",     "wirth",      "wu",           "yonath",    "zuse",
};

template <size_t Size>
void fill_random(std::array<uint8_t, Size>& bytes) {
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
    throw_errno("read random bytes");
}

std::string link_target(std::string_view id) { return "../containers/" + std::string(id); }

std::optional<std::string> read_target(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t length = ::readlink(path.c_str(), target, sizeof target);
  if (length != -1) return std::string(target, static_cast<size_t>(length));
  if (errno == ENOENT) return std::nullopt;
  throw_errno("read name '{}'", path);
}

bool try_claim(const std::string& target, const std::string& path) {
  if (::symlink(target.c_str(), path.c_str()) == 0) return true;
  if (errno == EEXIST) return false;
  throw_errno("claim name '{}'", path);
}

}  // namespace

std::string make_id() {
  std::string id;
  do {
    std::array<uint8_t, 32> bytes{};
    fill_random(bytes);
    id.clear();
    for (const uint8_t byte : bytes) fmt::format_to(std::back_inserter(id), "{:02x}", byte);
  } while (id.find_first_not_of("0123456789") >= 12);
  return id;
}

std::string make_name() {
  std::array<uint8_t, 2> bytes{};
  fill_random(bytes);
  return fmt::format("{}_{}", kAdjectives[bytes[0] % kAdjectives.size()], kSurnames[bytes[1] % kSurnames.size()]);
}

void check_name(std::string_view name) {
  constexpr std::string_view kFirst = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  constexpr std::string_view kRest = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  constexpr size_t kLongest = 255;  // a file name
  if (name.size() >= 2 && name.size() <= kLongest && kFirst.find(name.front()) != std::string_view::npos &&
      name.find_first_not_of(kRest) == std::string_view::npos)
    return;
  throw_error(ErrorKind::Invalid, "invalid container name '{}': only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed", name);
}

std::optional<std::string> find_name(const Paths& paths, std::string_view name) {
  const std::string path = paths.names() + "/" + std::string(name);
  const std::optional<std::string> target = read_target(path);
  if (!target || !path_exists(path)) return std::nullopt;
  return target->substr(target->rfind('/') + 1);
}

bool claim_name(const Paths& paths, const std::string& name, std::string_view id) {
  const std::string path = paths.names() + "/" + name;
  const std::string target = link_target(id);
  if (try_claim(target, path)) return true;
  if (path_exists(path)) return false;
  // Dangling: its container is gone. Two that find it so must not both remove it, or the second would remove the
  // first one's new claim; hence the lock, only here.
  make_directories(paths.locks());
  const FileLock lock = FileLock::acquire(paths.locks() + "/names");
  if (path_exists(path)) return false;
  remove_file(path);
  return try_claim(target, path);
}

void remove_dangling_names(const Paths& paths, const std::unordered_set<std::string>& live) {
  std::vector<std::string> dangling;
  for (const std::string& name : list_directory(paths.names(), Hidden::LeaveOut))
    if (!live.contains(name) && !path_exists(paths.names() + "/" + name)) dangling.push_back(name);
  if (dangling.empty()) return;
  make_directories(paths.locks());
  const FileLock lock = FileLock::acquire(paths.locks() + "/names");
  for (const std::string& name : dangling) {
    const std::string path = paths.names() + "/" + name;
    if (!path_exists(path)) remove_file(path);
  }
}

void release_name(const Paths& paths, const std::string& name, std::string_view id) {
  if (name.empty()) return;  // it never came to a name
  const std::string path = paths.names() + "/" + name;
  // Ours to remove only while it is ours; nobody else can take it over as long as our directory exists.
  if (read_target(path) == link_target(id)) remove_file(path);
}

}  // namespace myct::state
