#include "myct/spec/runtime_spec.hpp"

#include "myct/base/json.hpp"
#include "resources.hpp"

namespace myct::oci {
namespace {

using json::find_object;
using json::read;
using json::read_array;
using json::Value;
using json::write_array;
using json::write_if_present;
using json::write_unless_empty;

Value user_to_json(const User& user) {
  Value value{{"uid", user.uid}, {"gid", user.gid}};
  write_if_present(value, "umask", user.umask);
  write_unless_empty(value, "additionalGids", user.additional_gids);
  return value;
}

User user_from_json(const Value& value) {
  User user;
  read(value, "uid", user.uid);
  read(value, "gid", user.gid);
  read(value, "umask", user.umask);
  read(value, "additionalGids", user.additional_gids);
  return user;
}

Value capabilities_to_json(const Capabilities& capabilities) {
  return Value{{"bounding", capabilities.bounding},
               {"effective", capabilities.effective},
               {"inheritable", capabilities.inheritable},
               {"permitted", capabilities.permitted},
               {"ambient", capabilities.ambient}};
}

Capabilities capabilities_from_json(const Value& value) {
  Capabilities capabilities;
  read(value, "bounding", capabilities.bounding);
  read(value, "effective", capabilities.effective);
  read(value, "inheritable", capabilities.inheritable);
  read(value, "permitted", capabilities.permitted);
  read(value, "ambient", capabilities.ambient);
  return capabilities;
}

Value process_to_json(const Process& process) {
  Value value{{"user", user_to_json(process.user)}, {"args", process.args}, {"cwd", process.cwd}};
  if (process.terminal) value["terminal"] = true;
  if (process.console_size)
    value["consoleSize"] = {{"height", process.console_size->height}, {"width", process.console_size->width}};
  write_unless_empty(value, "env", process.env);
  if (process.capabilities) value["capabilities"] = capabilities_to_json(*process.capabilities);
  write_array(value, "rlimits", process.rlimits, [](const Rlimit& limit) {
    return Value{{"type", limit.type}, {"hard", limit.hard}, {"soft", limit.soft}};
  });
  if (process.no_new_privileges) value["noNewPrivileges"] = true;
  write_if_present(value, "oomScoreAdj", process.oom_score_adj);
  return value;
}

Process process_from_json(const Value& value) {
  Process process;
  read(value, "terminal", process.terminal);
  if (const Value* size = find_object(value, "consoleSize")) {
    process.console_size.emplace();
    read(*size, "height", process.console_size->height);
    read(*size, "width", process.console_size->width);
  }
  if (const Value* user = find_object(value, "user")) process.user = user_from_json(*user);
  read(value, "args", process.args);
  read(value, "env", process.env);
  read(value, "cwd", process.cwd);
  if (const Value* capabilities = find_object(value, "capabilities"))
    process.capabilities = capabilities_from_json(*capabilities);
  read_array(value, "rlimits", process.rlimits, [](const Value& element) {
    Rlimit limit;
    read(element, "type", limit.type);
    read(element, "hard", limit.hard);
    read(element, "soft", limit.soft);
    return limit;
  });
  read(value, "noNewPrivileges", process.no_new_privileges);
  read(value, "oomScoreAdj", process.oom_score_adj);
  return process;
}

Value mount_to_json(const Mount& mount) {
  Value value{{"destination", mount.destination}};
  write_unless_empty(value, "type", mount.type);
  write_unless_empty(value, "source", mount.source);
  write_unless_empty(value, "options", mount.options);
  return value;
}

Mount mount_from_json(const Value& value) {
  Mount mount;
  read(value, "destination", mount.destination);
  read(value, "type", mount.type);
  read(value, "source", mount.source);
  read(value, "options", mount.options);
  return mount;
}

Value device_to_json(const Device& device) {
  Value value{{"path", device.path}, {"type", device.type}, {"major", device.major}, {"minor", device.minor}};
  write_if_present(value, "fileMode", device.file_mode);
  write_if_present(value, "uid", device.uid);
  write_if_present(value, "gid", device.gid);
  return value;
}

Device device_from_json(const Value& value) {
  Device device;
  read(value, "path", device.path);
  read(value, "type", device.type);
  read(value, "major", device.major);
  read(value, "minor", device.minor);
  read(value, "fileMode", device.file_mode);
  read(value, "uid", device.uid);
  read(value, "gid", device.gid);
  return device;
}

Value seccomp_rule_to_json(const SeccompRule& rule) {
  Value value{{"names", rule.names}, {"action", rule.action}};
  write_if_present(value, "errnoRet", rule.errno_ret);
  write_array(value, "args", rule.args, [](const SeccompArg& arg) {
    Value element{{"index", arg.index}, {"value", arg.value}, {"op", arg.op}};
    if (arg.value_two != 0) element["valueTwo"] = arg.value_two;
    return element;
  });
  return value;
}

SeccompRule seccomp_rule_from_json(const Value& value) {
  SeccompRule rule;
  read(value, "names", rule.names);
  read(value, "action", rule.action);
  read(value, "errnoRet", rule.errno_ret);
  read_array(value, "args", rule.args, [](const Value& element) {
    SeccompArg arg;
    read(element, "index", arg.index);
    read(element, "value", arg.value);
    read(element, "valueTwo", arg.value_two);
    read(element, "op", arg.op);
    return arg;
  });
  return rule;
}

Value seccomp_to_json(const Seccomp& seccomp) {
  Value value{{"defaultAction", seccomp.default_action}};
  write_if_present(value, "defaultErrnoRet", seccomp.default_errno_ret);
  write_unless_empty(value, "architectures", seccomp.architectures);
  write_unless_empty(value, "flags", seccomp.flags);
  write_array(value, "syscalls", seccomp.syscalls, seccomp_rule_to_json);
  return value;
}

Seccomp seccomp_from_json(const Value& value) {
  Seccomp seccomp;
  read(value, "defaultAction", seccomp.default_action);
  read(value, "defaultErrnoRet", seccomp.default_errno_ret);
  read(value, "architectures", seccomp.architectures);
  read(value, "flags", seccomp.flags);
  read_array(value, "syscalls", seccomp.syscalls, seccomp_rule_from_json);
  return seccomp;
}

Value linux_to_json(const Linux& section) {
  Value value = Value::object();
  write_array(value, "namespaces", section.namespaces, [](const Namespace& space) {
    Value element{{"type", space.type}};
    write_unless_empty(element, "path", space.path);
    return element;
  });
  write_array(value, "devices", section.devices, device_to_json);
  write_unless_empty(value, "cgroupsPath", section.cgroups_path);
  write_unless_empty(value, "sysctl", section.sysctl);
  write_unless_empty(value, "resources", resources_to_value(section.resources));
  if (section.seccomp) value["seccomp"] = seccomp_to_json(*section.seccomp);
  write_unless_empty(value, "rootfsPropagation", section.rootfs_propagation);
  write_unless_empty(value, "maskedPaths", section.masked_paths);
  write_unless_empty(value, "readonlyPaths", section.readonly_paths);
  return value;
}

Linux linux_from_json(const Value& value) {
  Linux section;
  read_array(value, "namespaces", section.namespaces, [](const Value& element) {
    Namespace space;
    read(element, "type", space.type);
    read(element, "path", space.path);
    return space;
  });
  read_array(value, "devices", section.devices, device_from_json);
  read(value, "cgroupsPath", section.cgroups_path);
  read(value, "sysctl", section.sysctl);
  if (const Value* resources = find_object(value, "resources")) section.resources = resources_from_value(*resources);
  if (const Value* seccomp = find_object(value, "seccomp")) section.seccomp = seccomp_from_json(*seccomp);
  read(value, "rootfsPropagation", section.rootfs_propagation);
  read(value, "maskedPaths", section.masked_paths);
  read(value, "readonlyPaths", section.readonly_paths);
  return section;
}

Spec spec_from_value(const Value& document) {
  Spec spec;
  read(document, "ociVersion", spec.oci_version);
  if (const Value* process = find_object(document, "process")) spec.process = process_from_json(*process);
  if (const Value* root = find_object(document, "root")) {
    read(*root, "path", spec.root.path);
    read(*root, "readonly", spec.root.readonly);
  }
  read(document, "hostname", spec.hostname);
  read(document, "domainname", spec.domainname);
  read_array(document, "mounts", spec.mounts, mount_from_json);
  if (const Value* section = find_object(document, "linux")) spec.linux_ = linux_from_json(*section);
  read(document, "annotations", spec.annotations);
  return spec;
}

}  // namespace

std::string to_json(const Spec& spec) {
  Value document{{"ociVersion", spec.oci_version}};
  document["process"] = process_to_json(spec.process);
  document["root"] = {{"path", spec.root.path}};
  if (spec.root.readonly) document["root"]["readonly"] = true;
  write_unless_empty(document, "hostname", spec.hostname);
  write_unless_empty(document, "domainname", spec.domainname);
  write_array(document, "mounts", spec.mounts, mount_to_json);
  document["linux"] = linux_to_json(spec.linux_);
  write_unless_empty(document, "annotations", spec.annotations);
  return document.dump();
}

Spec spec_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  try {
    return spec_from_value(document);
  } catch (Error& error) {
    error.add_context(fmt::format("read '{}'", name));
    throw;
  }
}

}  // namespace myct::oci
