#include "myct/registry/credentials.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "base64.hpp"
#include "credential_helper.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/json.hpp"
#include "myct/base/log.hpp"
#include "myct/registry/reference.hpp"

namespace myct::registry {
namespace {

constexpr const char* kDockerHub = "https://index.docker.io/v1/";  // docker.io's key in all these files
constexpr mode_t kSecret = 0600;

/// Keeps the order of members that are not ours.
using Document = nlohmann::ordered_json;

std::string key_of(std::string_view host) { return host == kDefaultRegistry ? kDockerHub : std::string(host); }

/// The keys that a host's credentials may have, the closest first: podman has "host/team/app" and "host/team", too.
std::vector<std::string> keys_of(std::string_view host, std::string_view repository) {
  std::vector<std::string> keys;
  for (std::string_view path = repository; !path.empty();) {
    keys.push_back(fmt::format("{}/{}", host, path));
    const size_t slash = path.rfind('/');
    path = slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
  }
  keys.push_back(key_of(host));
  std::vector<std::string> names{std::string(host)};
  if (host == kDefaultRegistry) names.insert(names.end(), {"index.docker.io", "registry-1.docker.io"});
  for (const std::string& name : names) {
    keys.push_back(name);
    for (const char* scheme : {"https://", "http://"})
      for (const char* path : {"", "/", "/v1/", "/v2/", "/v1", "/v2"}) keys.push_back(scheme + name + path);
  }
  return keys;
}

Document parse(const std::string& text, const std::string& path) {
  // An empty file is what `touch` and an interrupted editor leave.
  if (text.find_first_not_of(" \t\r\n") == std::string::npos) return Document::object();
  (void)json::parse(text, path);  // for its message
  Document document = Document::parse(text);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", path);
  return document;
}

std::optional<Document> try_load(const std::string& path) {
  if (path.empty()) return std::nullopt;
  const std::optional<std::string> text = try_read_file(path);
  if (!text) return std::nullopt;
  return parse(*text, path);
}

const Document* find_member(const Document& parent, const std::string& key) {
  if (!parent.is_object()) return nullptr;
  const auto found = parent.find(key);
  return found == parent.end() || found->is_null() ? nullptr : &*found;
}

std::string text_of(const Document& parent, const std::string& key) {
  const Document* member = find_member(parent, key);
  return member != nullptr && member->is_string() ? member->get<std::string>() : "";
}

/// The helper that the document names for `host`.
std::optional<CredentialHelper> helper_of(const Document& document, std::string_view host) {
  if (const Document* helpers = find_member(document, "credHelpers"))
    for (const std::string& key : keys_of(host, {}))
      if (const std::string name = text_of(*helpers, key); !name.empty()) return CredentialHelper(name);
  if (const std::string name = text_of(document, "credsStore"); !name.empty()) return CredentialHelper(name);
  return std::nullopt;
}

std::optional<Credentials> read_entry(const Document& entry, const std::string& path, const std::string& key) {
  Credentials credentials{.username = text_of(entry, "username"),
                          .password = text_of(entry, "password"),
                          .identity_token = text_of(entry, "identitytoken")};
  if (const std::string encoded = text_of(entry, "auth"); !encoded.empty()) {
    const std::optional<std::string> decoded = from_base64(encoded);
    const size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos)
      throw_error(ErrorKind::Invalid, "read '{}': the entry of '{}' is damaged", path, key);
    credentials.username = decoded->substr(0, colon);
    credentials.password = decoded->substr(colon + 1);
  }
  if (credentials.password.empty() && credentials.identity_token.empty()) return std::nullopt;
  return credentials;
}

std::optional<Credentials> find_in_file(const std::string& path, std::string_view host, std::string_view repository) {
  const std::optional<Document> document = try_load(path);
  if (!document) return std::nullopt;
  if (const std::optional<CredentialHelper> helper = helper_of(*document, host))
    if (auto credentials = helper->get(key_of(host))) return credentials;
  const Document* entries = find_member(*document, "auths");
  if (entries == nullptr) return std::nullopt;
  for (const std::string& key : keys_of(host, repository))
    if (const Document* entry = find_member(*entries, key))
      if (auto credentials = read_entry(*entry, path, key)) return credentials;
  return std::nullopt;
}

/// One writer at a time for a file that is read, changed and replaced; docker's and podman's logins do without.
class Editor {
 public:
  explicit Editor(const std::string& path) : path_(resolve(path)) {
    const size_t slash = path_.rfind('/');
    const std::string directory = path_.substr(0, slash);
    name_ = path_.substr(slash + 1);
    make_directories(directory);
    Fd opened = open_path(directory, O_RDONLY | O_DIRECTORY);
    directory_ = duplicate(opened.ref());
    lock_.emplace(FileLock::acquire(std::move(opened), directory));
    document_ = try_load(path_).value_or(Document::object());
  }

  [[nodiscard]] Document& document() noexcept { return document_; }
  void save() {
    struct stat before {};
    const bool existed = ::stat(path_.c_str(), &before) == 0;
    save_atomically(directory_.ref(), name_, document_.dump(1, '\t') + "\n", Durability::SurvivesPowerLoss, kSecret);
    // "sudo -E myct login" must not take a user's own file away from him.
    if (existed && before.st_uid != ::geteuid() &&
        ::fchownat(directory_.get(), name_.c_str(), before.st_uid, before.st_gid, AT_SYMLINK_NOFOLLOW) == -1)
      throw_errno("give '{}' back to its owner", path_);
  }

 private:
  /// A link among somebody's dot files stays one: what it leads to is replaced.
  static std::string resolve(const std::string& path) {
    const std::unique_ptr<char, decltype(&::free)> real(::realpath(path.c_str(), nullptr), &::free);
    if (real) return real.get();
    return path.find('/') == std::string::npos ? "./" + path : path;
  }

  std::string path_;
  std::string name_;
  Fd directory_;
  std::optional<FileLock> lock_;
  Document document_;
};

Document entry_of(const Credentials& credentials) {
  const bool has_token = !credentials.identity_token.empty();
  Document entry{{"auth", to_base64(credentials.username + ":" + (has_token ? "" : credentials.password))}};
  if (has_token) entry["identitytoken"] = credentials.identity_token;
  return entry;
}

Document& object_of(Document& parent, const std::string& key) {
  Document& member = parent[key];
  if (!member.is_object()) member = Document::object();
  return member;
}

bool erase_from_file(const std::string& path, std::string_view host) {
  if (path.empty() || !path_exists(path)) return false;
  Editor editor(path);
  bool erased = false;
  if (const std::optional<CredentialHelper> helper = helper_of(editor.document(), host))
    erased = helper->get(key_of(host)).has_value() && helper->erase(key_of(host));
  const auto entries = editor.document().find("auths");
  if (entries == editor.document().end() || !entries->is_object()) return erased;
  size_t removed = 0;
  for (const std::string& key : keys_of(host, {})) removed += entries->erase(key);
  if (removed > 0) editor.save();
  return erased || removed > 0;
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

CredentialFiles credential_files() {
  CredentialFiles files{.auth = environment("REGISTRY_AUTH_FILE"), .config = {}};
  if (const std::string directory = environment("DOCKER_CONFIG"); !directory.empty())
    files.config = directory + "/config.json";
  else if (const std::string home = environment("HOME"); !home.empty())
    files.config = home + "/.docker/config.json";
  return files;
}

std::optional<Credentials> find_credentials(const CredentialFiles& files, std::string_view host,
                                            std::string_view repository) {
  for (const std::string& path : {files.auth, files.config})
    if (auto credentials = find_in_file(path, host, repository)) {
      log::debug("credentials for {} come from '{}'", host, path);
      return credentials;
    }
  return std::nullopt;
}

Kept save_credentials(const CredentialFiles& files, std::string_view host, const Credentials& credentials) {
  const std::string& path = files.auth.empty() ? files.config : files.auth;
  if (path.empty())
    throw Error(ErrorKind::NotFound, "keep the credentials: there is no home directory", 0,
                "set HOME or DOCKER_CONFIG");
  Editor editor(path);
  const std::string key = key_of(host);
  const std::optional<CredentialHelper> helper = helper_of(editor.document(), host);
  if (helper) helper->store(key, credentials);
  // The empty entry is docker's way to know which hosts a helper has something for.
  object_of(editor.document(), "auths")[key] = helper ? Document::object() : entry_of(credentials);
  editor.save();
  return {.where = helper ? helper->program() : path, .is_readable = !helper};
}

bool erase_credentials(const CredentialFiles& files, std::string_view host) {
  const bool in_auth = erase_from_file(files.auth, host);
  const bool in_config = erase_from_file(files.config, host);
  return in_auth || in_config;
}

}  // namespace myct::registry
