// Settings of the kernel's about an interface; see ip-sysctl in the kernel's documentation. They are those of the
// network namespace that this process is in.
#pragma once

#include <string>

namespace myct::network {

/// The file of a setting: `family` is "ipv4" or "ipv6", `interface` may be "all".
[[nodiscard]] std::string setting_of(const char* family, const std::string& interface, const char* name);
/// Whether the setting begins with this; one that is not there does not.
[[nodiscard]] bool is_set(const std::string& path, const char* value);
/// Writes what is not so already. Throws Error.
void write_setting(const std::string& path, const char* value);
/// Has an interface take no routes from who says that it is a router; a kernel without IPv6 does not anyway. Throws
/// Error.
void ignore_routers_on(const std::string& interface);

}  // namespace myct::network
