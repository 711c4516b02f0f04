// Compiled filters on disk: one file per profile, named by the digest of everything that the program depends on. A
// file is written whole or not at all, is never changed, and proves by a digest of its own that it is what it says.

#include <fcntl.h>
#include <nettle/sha2.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>

#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/log.hpp"
#include "myct/security/seccomp.hpp"
#include "myct/spec/runtime_spec.hpp"

namespace myct::security {
namespace {

/// To be raised whenever compile_seccomp makes another program of the same profile.
constexpr uint64_t kCompilerVersion = 1;
constexpr mode_t kWritableByOthers = 022;

using Digest = std::array<uint8_t, SHA256_DIGEST_SIZE>;

struct Header {
  std::array<char, 8> magic;
  uint64_t instructions;
  Digest digest;  ///< of the file's key and of the program
};
constexpr std::array<char, 8> kMagic = {'m', 'y', 'c', 't', 'b', 'p', 'f', '\n'};

Digest digest_of(std::string_view first, std::string_view second = {}) {
  sha256_ctx context;
  ::nettle_sha256_init(&context);
  for (const std::string_view part : {first, second})
    ::nettle_sha256_update(&context, part.size(), reinterpret_cast<const uint8_t*>(part.data()));
  Digest digest;
  ::nettle_sha256_digest(&context, digest.size(), digest.data());
  return digest;
}

std::string_view bytes_of(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

std::string_view bytes_of(const std::vector<sock_filter>& program) {
  return {reinterpret_cast<const char*>(program.data()), program.size() * sizeof(sock_filter)};
}

/// A profile as one string of bytes that no other profile has: every text and every list after its length.
class CanonicalForm {
 public:
  CanonicalForm() { bytes_.reserve(kUsualBytes); }
  void add(uint64_t number) { bytes_.append(reinterpret_cast<const char*>(&number), sizeof number); }
  void add(std::string_view text) {
    add(text.size());
    bytes_.append(text);
  }
  void add(const std::optional<uint32_t>& number) { add(number ? uint64_t{*number} : ~uint64_t{0}); }
  void add(const std::vector<std::string>& texts) {
    add(texts.size());
    for (const std::string& text : texts) add(std::string_view(text));
  }
  void add(const oci::SeccompRule& rule) {
    add(rule.names);
    add(std::string_view(rule.action));
    add(rule.errno_ret);
    add(rule.args.size());
    for (const oci::SeccompArg& argument : rule.args) {
      add(argument.index);
      add(argument.value);
      add(argument.value_two);
      add(std::string_view(argument.op));
    }
  }
  [[nodiscard]] const std::string& bytes() const noexcept { return bytes_; }

 private:
  static constexpr size_t kUsualBytes = 16384;

  std::string bytes_;
};

Digest key_of(const oci::Seccomp& profile) {
  CanonicalForm form;
  const scmp_version* library = ::seccomp_version();
  for (const unsigned number : {library->major, library->minor, library->micro, ::seccomp_arch_native()})
    form.add(uint64_t{number});
  form.add(kCompilerVersion);
  form.add(std::string_view(profile.default_action));
  form.add(profile.default_errno_ret);
  form.add(profile.architectures);
  form.add(profile.syscalls.size());
  for (const oci::SeccompRule& rule : profile.syscalls) form.add(rule);
  return digest_of(form.bytes());
}

std::string file_name(const Digest& key) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string name = "seccomp-";
  for (const uint8_t byte : key) {
    name += kDigits[byte >> 4];
    name += kDigits[byte & 15];
  }
  return name;
}

/// nullopt for anything but a whole file of ours for this key.
std::optional<std::vector<sock_filter>> try_parse(std::string_view file, const Digest& key) {
  Header header;
  if (file.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, file.data(), sizeof header);
  file.remove_prefix(sizeof header);
  if (header.magic != kMagic || header.instructions == 0 || header.instructions > BPF_MAXINSNS) return std::nullopt;
  if (file.size() != header.instructions * sizeof(sock_filter)) return std::nullopt;
  if (digest_of(bytes_of(key), file) != header.digest) return std::nullopt;
  std::vector<sock_filter> program(header.instructions);
  std::memcpy(program.data(), file.data(), file.size());
  return program;
}

std::optional<std::vector<sock_filter>> try_load(const std::string& path, const Digest& key) {
  // Non-blocking: opening a FIFO that somebody put there must not wait.
  const std::optional<Fd> fd = try_open_path(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!fd) return std::nullopt;
  struct stat status {};
  if (::fstat(fd->get(), &status) == -1) throw_errno("read '{}'", path);
  // A filter that another user can write is no filter.
  const bool ours =
      S_ISREG(status.st_mode) && status.st_uid == ::geteuid() && (status.st_mode & kWritableByOthers) == 0;
  constexpr size_t kLargest = sizeof(Header) + BPF_MAXINSNS * sizeof(sock_filter);
  if (!ours || static_cast<size_t>(status.st_size) > kLargest) return std::nullopt;
  return try_parse(read_all(fd->ref(), path), key);
}

void save(const std::string& directory, const std::string& name, const Digest& key,
          const std::vector<sock_filter>& program) {
  if (const size_t slash = directory.find_last_of('/'); slash != std::string::npos && slash != 0)
    make_directories(directory.substr(0, slash));
  make_directory_at(FdRef(AT_FDCWD), directory, 0700);
  const Fd parent = open_path(directory, O_RDONLY | O_DIRECTORY);
  const Header header{kMagic, program.size(), digest_of(bytes_of(key), bytes_of(program))};
  std::string file(reinterpret_cast<const char*>(&header), sizeof header);
  file.append(bytes_of(program));
  save_atomically(parent.ref(), name, file, Durability::SurvivesProcessDeath, 0600);
}

}  // namespace

std::vector<sock_filter> load_or_compile_seccomp(const oci::Seccomp& profile, const std::string& cache_directory) {
  const Digest key = key_of(profile);
  const std::string name = file_name(key);
  try {
    if (auto program = try_load(cache_directory + "/" + name, key)) return std::move(*program);
  } catch (const Error& error) {
    log::debug("read the seccomp cache: {}", error.what());
  }
  std::vector<sock_filter> program = compile_seccomp(profile);
  try {
    save(cache_directory, name, key, program);
  } catch (const Error& error) {
    log::debug("write the seccomp cache: {}", error.what());
  }
  return program;
}

}  // namespace myct::security
