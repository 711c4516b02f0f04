#include "setting.hpp"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>

#include "myct/base/error.hpp"
#include "myct/base/fd.hpp"
#include "myct/base/file.hpp"

namespace myct::network {

std::string setting_of(const char* family, const std::string& interface, const char* name) {
  return fmt::format("/proc/sys/net/{}/conf/{}/{}", family, interface, name);
}

bool is_set(const std::string& path, const char* value) { return try_read_file(path).value_or("").starts_with(value); }

void write_setting(const std::string& path, const char* value) {
  if (is_set(path, value)) return;
  try {
    const Fd file = open_path(path, O_WRONLY);
    write_all(file.ref(), value, path);
  } catch (const Error& error) {
    if (error.errnum() != EROFS && error.errnum() != EACCES && error.errnum() != EPERM) throw;
    throw Error(error.kind(), error.subject(), error.errnum(),
                fmt::format("have '{}' written there; or use --network none or host", value));
  }
}

void ignore_routers_on(const std::string& interface) {
  const std::string path = setting_of("ipv6", interface, "accept_ra");
  if (path_exists(path)) write_setting(path, "0");
}

}  // namespace myct::network
