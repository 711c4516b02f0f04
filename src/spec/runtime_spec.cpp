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

Value scheduler_to_json(const Scheduler& scheduler) {
  Value value{{"policy", scheduler.policy}};
  if (scheduler.nice != 0) value["nice"] = scheduler.nice;
  if (scheduler.priority != 0) value["priority"] = scheduler.priority;
  write_unless_empty(value, "flags", scheduler.flags);
  if (scheduler.runtime != 0) value["runtime"] = scheduler.runtime;
  if (scheduler.deadline != 0) value["deadline"] = scheduler.deadline;
  if (scheduler.period != 0) value["period"] = scheduler.period;
  return value;
}

Scheduler scheduler_from_json(const Value& value) {
  Scheduler scheduler;
  read(value, "policy", scheduler.policy);
  read(value, "nice", scheduler.nice);
  read(value, "priority", scheduler.priority);
  read(value, "flags", scheduler.flags);
  read(value, "runtime", scheduler.runtime);
  read(value, "deadline", scheduler.deadline);
  read(value, "period", scheduler.period);
  return scheduler;
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
  if (process.scheduler) value["scheduler"] = scheduler_to_json(*process.scheduler);
  if (process.io_priority)
    value["ioPriority"] = {{"class", process.io_priority->priority_class}, {"priority", process.io_priority->priority}};
  write_unless_empty(value, "apparmorProfile", process.apparmor_profile);
  write_unless_empty(value, "selinuxLabel", process.selinux_label);
  return value;
}

Process process_from_value(const Value& value) {
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
  if (const Value* scheduler = find_object(value, "scheduler")) process.scheduler = scheduler_from_json(*scheduler);
  if (const Value* priority = find_object(value, "ioPriority")) {
    process.io_priority.emplace();
    read(*priority, "class", process.io_priority->priority_class);
    read(*priority, "priority", process.io_priority->priority);
  }
  read(value, "apparmorProfile", process.apparmor_profile);
  read(value, "selinuxLabel", process.selinux_label);
  return process;
}

Value mapping_to_json(const IdMapping& mapping) {
  return Value{{"containerID", mapping.container_id}, {"hostID", mapping.host_id}, {"size", mapping.size}};
}

IdMapping mapping_from_json(const Value& value) {
  IdMapping mapping;
  read(value, "containerID", mapping.container_id);
  read(value, "hostID", mapping.host_id);
  read(value, "size", mapping.size);
  return mapping;
}

Value mount_to_json(const Mount& mount) {
  Value value{{"destination", mount.destination}};
  write_unless_empty(value, "type", mount.type);
  write_unless_empty(value, "source", mount.source);
  write_unless_empty(value, "options", mount.options);
  write_array(value, "uidMappings", mount.uid_mappings, mapping_to_json);
  write_array(value, "gidMappings", mount.gid_mappings, mapping_to_json);
  return value;
}

Mount mount_from_json(const Value& value) {
  Mount mount;
  read(value, "destination", mount.destination);
  read(value, "type", mount.type);
  read(value, "source", mount.source);
  read(value, "options", mount.options);
  read_array(value, "uidMappings", mount.uid_mappings, mapping_from_json);
  read_array(value, "gidMappings", mount.gid_mappings, mapping_from_json);
  return mount;
}

Value hook_to_json(const Hook& hook) {
  Value value{{"path", hook.path}};
  write_unless_empty(value, "args", hook.args);
  write_unless_empty(value, "env", hook.env);
  write_if_present(value, "timeout", hook.timeout);
  return value;
}

Hook hook_from_json(const Value& value) {
  Hook hook;
  read(value, "path", hook.path);
  read(value, "args", hook.args);
  read(value, "env", hook.env);
  read(value, "timeout", hook.timeout);
  return hook;
}

Value hooks_to_json(const Hooks& hooks) {
  Value value = Value::object();
  write_array(value, "prestart", hooks.prestart, hook_to_json);
  write_array(value, "createRuntime", hooks.create_runtime, hook_to_json);
  write_array(value, "createContainer", hooks.create_container, hook_to_json);
  write_array(value, "startContainer", hooks.start_container, hook_to_json);
  write_array(value, "poststart", hooks.poststart, hook_to_json);
  write_array(value, "poststop", hooks.poststop, hook_to_json);
  return value;
}

Hooks hooks_from_json(const Value& value) {
  Hooks hooks;
  read_array(value, "prestart", hooks.prestart, hook_from_json);
  read_array(value, "createRuntime", hooks.create_runtime, hook_from_json);
  read_array(value, "createContainer", hooks.create_container, hook_from_json);
  read_array(value, "startContainer", hooks.start_container, hook_from_json);
  read_array(value, "poststart", hooks.poststart, hook_from_json);
  read_array(value, "poststop", hooks.poststop, hook_from_json);
  return hooks;
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
  write_unless_empty(value, "listenerPath", seccomp.listener_path);
  write_unless_empty(value, "listenerMetadata", seccomp.listener_metadata);
  return value;
}

Seccomp seccomp_from_json(const Value& value) {
  Seccomp seccomp;
  read(value, "defaultAction", seccomp.default_action);
  read(value, "defaultErrnoRet", seccomp.default_errno_ret);
  read(value, "architectures", seccomp.architectures);
  read(value, "flags", seccomp.flags);
  read_array(value, "syscalls", seccomp.syscalls, seccomp_rule_from_json);
  read(value, "listenerPath", seccomp.listener_path);
  read(value, "listenerMetadata", seccomp.listener_metadata);
  return seccomp;
}

Value time_offsets_to_json(const std::map<std::string, TimeOffset>& offsets) {
  Value value = Value::object();
  for (const auto& [clock, offset] : offsets)
    value[clock] = {{"secs", offset.seconds}, {"nanosecs", offset.nanoseconds}};
  return value;
}

std::map<std::string, TimeOffset> time_offsets_from_json(const Value& value) {
  std::map<std::string, TimeOffset> offsets;
  for (const auto& [clock, element] : value.items()) {
    if (!element.is_object())
      throw_error(ErrorKind::Invalid, "member 'timeOffsets' holds something other than objects");
    TimeOffset& offset = offsets[clock];
    read(element, "secs", offset.seconds);
    read(element, "nanosecs", offset.nanoseconds);
  }
  return offsets;
}

Value linux_to_json(const Linux& section) {
  Value value = Value::object();
  write_array(value, "namespaces", section.namespaces, [](const Namespace& space) {
    Value element{{"type", space.type}};
    write_unless_empty(element, "path", space.path);
    return element;
  });
  write_array(value, "uidMappings", section.uid_mappings, mapping_to_json);
  write_array(value, "gidMappings", section.gid_mappings, mapping_to_json);
  write_unless_empty(value, "timeOffsets", time_offsets_to_json(section.time_offsets));
  write_array(value, "devices", section.devices, device_to_json);
  write_unless_empty(value, "cgroupsPath", section.cgroups_path);
  write_unless_empty(value, "sysctl", section.sysctl);
  write_unless_empty(value, "resources", resources_to_value(section.resources));
  if (section.seccomp) value["seccomp"] = seccomp_to_json(*section.seccomp);
  write_unless_empty(value, "rootfsPropagation", section.rootfs_propagation);
  write_unless_empty(value, "maskedPaths", section.masked_paths);
  write_unless_empty(value, "readonlyPaths", section.readonly_paths);
  write_unless_empty(value, "mountLabel", section.mount_label);
  if (section.personality) {
    value["personality"] = {{"domain", section.personality->domain}};
    write_unless_empty(value["personality"], "flags", section.personality->flags);
  }
  if (section.intel_rdt) value["intelRdt"] = Value::object();
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
  read_array(value, "uidMappings", section.uid_mappings, mapping_from_json);
  read_array(value, "gidMappings", section.gid_mappings, mapping_from_json);
  if (const Value* offsets = find_object(value, "timeOffsets")) section.time_offsets = time_offsets_from_json(*offsets);
  read_array(value, "devices", section.devices, device_from_json);
  read(value, "cgroupsPath", section.cgroups_path);
  read(value, "sysctl", section.sysctl);
  if (const Value* resources = find_object(value, "resources")) section.resources = resources_from_value(*resources);
  if (const Value* seccomp = find_object(value, "seccomp")) section.seccomp = seccomp_from_json(*seccomp);
  read(value, "rootfsPropagation", section.rootfs_propagation);
  read(value, "maskedPaths", section.masked_paths);
  read(value, "readonlyPaths", section.readonly_paths);
  read(value, "mountLabel", section.mount_label);
  if (const Value* personality = find_object(value, "personality")) {
    section.personality.emplace();
    read(*personality, "domain", section.personality->domain);
    read(*personality, "flags", section.personality->flags);
  }
  section.intel_rdt = find_object(value, "intelRdt") != nullptr;
  return section;
}

Spec spec_from_value(const Value& document) {
  Spec spec;
  read(document, "ociVersion", spec.oci_version);
  if (const Value* process = find_object(document, "process")) spec.process = process_from_value(*process);
  if (const Value* root = find_object(document, "root")) {
    read(*root, "path", spec.root.path);
    read(*root, "readonly", spec.root.readonly);
  }
  read(document, "hostname", spec.hostname);
  read(document, "domainname", spec.domainname);
  read_array(document, "mounts", spec.mounts, mount_from_json);
  if (const Value* hooks = find_object(document, "hooks")) spec.hooks = hooks_from_json(*hooks);
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
  write_unless_empty(document, "hooks", hooks_to_json(spec.hooks));
  document["linux"] = linux_to_json(spec.linux_);
  write_unless_empty(document, "annotations", spec.annotations);
  return document.dump();
}

namespace {

/// What `convert` makes of the document, which is an object.
template <typename Convert>
auto read_document(std::string_view text, std::string_view name, Convert convert) {
  const Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  try {
    return convert(document);
  } catch (Error& error) {
    error.add_context(fmt::format("read '{}'", name));
    throw;
  }
}

}  // namespace

Spec spec_from_json(std::string_view text, std::string_view name) { return read_document(text, name, spec_from_value); }

Process process_from_json(std::string_view text, std::string_view name) {
  return read_document(text, name, process_from_value);
}

}  // namespace myct::oci
