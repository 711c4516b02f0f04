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

Value rule_to_json(const DeviceRule& rule) {
  Value value{{"allow", rule.allow}, {"type", rule.type}, {"access", rule.access}};
  write_if_present(value, "major", rule.major);
  write_if_present(value, "minor", rule.minor);
  return value;
}

DeviceRule rule_from_json(const Value& value) {
  DeviceRule rule;
  read(value, "allow", rule.allow);
  read(value, "type", rule.type);
  read(value, "major", rule.major);
  read(value, "minor", rule.minor);
  read(value, "access", rule.access);
  // The kernel's interface of version 1, from which the specification comes, wrote "any" as -1 too.
  if (rule.major && *rule.major < 0) rule.major.reset();
  if (rule.minor && *rule.minor < 0) rule.minor.reset();
  return rule;
}

Value memory_to_json(const MemoryLimits& memory) {
  Value value = Value::object();
  write_if_present(value, "limit", memory.limit);
  write_if_present(value, "reservation", memory.reservation);
  write_if_present(value, "swap", memory.swap);
  write_if_present(value, "swappiness", memory.swappiness);
  write_if_present(value, "disableOOMKiller", memory.disable_oom_killer);
  write_if_present(value, "checkBeforeUpdate", memory.check_before_update);
  return value;
}

MemoryLimits memory_from_json(const Value& value) {
  MemoryLimits memory;
  read(value, "limit", memory.limit);
  read(value, "reservation", memory.reservation);
  read(value, "swap", memory.swap);
  read(value, "swappiness", memory.swappiness);
  read(value, "disableOOMKiller", memory.disable_oom_killer);
  read(value, "checkBeforeUpdate", memory.check_before_update);
  return memory;
}

Value cpu_to_json(const CpuLimits& cpu) {
  Value value = Value::object();
  write_if_present(value, "shares", cpu.shares);
  write_if_present(value, "quota", cpu.quota);
  write_if_present(value, "burst", cpu.burst);
  write_if_present(value, "period", cpu.period);
  write_if_present(value, "idle", cpu.idle);
  write_unless_empty(value, "cpus", cpu.cpus);
  write_unless_empty(value, "mems", cpu.mems);
  return value;
}

CpuLimits cpu_from_json(const Value& value) {
  CpuLimits cpu;
  read(value, "shares", cpu.shares);
  read(value, "quota", cpu.quota);
  read(value, "burst", cpu.burst);
  read(value, "period", cpu.period);
  read(value, "idle", cpu.idle);
  read(value, "cpus", cpu.cpus);
  read(value, "mems", cpu.mems);
  return cpu;
}

Value weight_device_to_json(const WeightDevice& device) {
  Value value{{"major", device.major}, {"minor", device.minor}};
  write_if_present(value, "weight", device.weight);
  write_if_present(value, "leafWeight", device.leaf_weight);
  return value;
}

WeightDevice weight_device_from_json(const Value& value) {
  WeightDevice device;
  read(value, "major", device.major);
  read(value, "minor", device.minor);
  read(value, "weight", device.weight);
  read(value, "leafWeight", device.leaf_weight);
  return device;
}

Value throttle_to_json(const ThrottleDevice& device) {
  return Value{{"major", device.major}, {"minor", device.minor}, {"rate", device.rate}};
}

ThrottleDevice throttle_from_json(const Value& value) {
  ThrottleDevice device;
  read(value, "major", device.major);
  read(value, "minor", device.minor);
  read(value, "rate", device.rate);
  return device;
}

Value block_io_to_json(const BlockIoLimits& limits) {
  Value value = Value::object();
  write_if_present(value, "weight", limits.weight);
  write_if_present(value, "leafWeight", limits.leaf_weight);
  write_array(value, "weightDevice", limits.weight_devices, weight_device_to_json);
  write_array(value, "throttleReadBpsDevice", limits.read_bps, throttle_to_json);
  write_array(value, "throttleWriteBpsDevice", limits.write_bps, throttle_to_json);
  write_array(value, "throttleReadIOPSDevice", limits.read_iops, throttle_to_json);
  write_array(value, "throttleWriteIOPSDevice", limits.write_iops, throttle_to_json);
  return value;
}

BlockIoLimits block_io_from_json(const Value& value) {
  BlockIoLimits limits;
  read(value, "weight", limits.weight);
  read(value, "leafWeight", limits.leaf_weight);
  read_array(value, "weightDevice", limits.weight_devices, weight_device_from_json);
  read_array(value, "throttleReadBpsDevice", limits.read_bps, throttle_from_json);
  read_array(value, "throttleWriteBpsDevice", limits.write_bps, throttle_from_json);
  read_array(value, "throttleReadIOPSDevice", limits.read_iops, throttle_from_json);
  read_array(value, "throttleWriteIOPSDevice", limits.write_iops, throttle_from_json);
  return limits;
}

Value hugepage_to_json(const HugepageLimit& limit) {
  return Value{{"pageSize", limit.page_size}, {"limit", limit.limit}};
}

HugepageLimit hugepage_from_json(const Value& value) {
  HugepageLimit limit;
  read(value, "pageSize", limit.page_size);
  read(value, "limit", limit.limit);
  return limit;
}

}  // namespace

Value resources_to_value(const Resources& resources) {
  Value value = Value::object();
  write_array(value, "devices", resources.devices, rule_to_json);
  write_unless_empty(value, "memory", memory_to_json(resources.memory));
  write_unless_empty(value, "cpu", cpu_to_json(resources.cpu));
  if (resources.pids_limit) value["pids"] = {{"limit", *resources.pids_limit}};
  write_unless_empty(value, "blockIO", block_io_to_json(resources.block_io));
  write_array(value, "hugepageLimits", resources.hugepage_limits, hugepage_to_json);
  write_unless_empty(value, "unified", resources.unified);
  return value;
}

Resources resources_from_value(const Value& value) {
  Resources resources;
  read_array(value, "devices", resources.devices, rule_from_json);
  if (const Value* memory = find_object(value, "memory")) resources.memory = memory_from_json(*memory);
  if (const Value* cpu = find_object(value, "cpu")) resources.cpu = cpu_from_json(*cpu);
  if (const Value* pids = find_object(value, "pids")) read(*pids, "limit", resources.pids_limit);
  if (const Value* block_io = find_object(value, "blockIO")) resources.block_io = block_io_from_json(*block_io);
  read_array(value, "hugepageLimits", resources.hugepage_limits, hugepage_from_json);
  read(value, "unified", resources.unified);
  return resources;
}

std::string to_json(const Resources& resources) { return resources_to_value(resources).dump(); }

Resources resources_from_json(std::string_view text, std::string_view name) {
  const Value document = json::parse(text, name);
  if (!document.is_object()) throw_error(ErrorKind::Invalid, "read '{}': not a JSON object", name);
  try {
    return resources_from_value(document);
  } catch (Error& error) {
    error.add_context(fmt::format("read '{}'", name));
    throw;
  }
}

}  // namespace myct::oci
