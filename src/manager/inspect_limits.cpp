// The limits of a container as docker inspect has them, derived from its OCI configuration.
#include <algorithm>

#include <fmt/format.h>

#include "inspect_json.hpp"
#include "myct/base/units.hpp"

namespace myct::manager {
namespace {

using Json = nlohmann::ordered_json;

/// Docker's number for no limit.
int64_t or_zero(const std::optional<int64_t>& limit) noexcept {
  return limit.value_or(0) == -1 ? 0 : limit.value_or(0);
}

/// Where --cpus was given, docker shows it alone, and where --cpu-quota was, that alone. The configuration has the
/// quota in both cases: shown are both, so that whoever looks for one of them finds it.
int64_t nano_cpus(const oci::CpuLimits& cpu) noexcept {
  constexpr int64_t kBillion = 1'000'000'000;
  constexpr uint64_t kDefaultPeriod = 100'000;
  const int64_t quota = cpu.quota.value_or(0);
  const auto period = static_cast<int64_t>(cpu.period.value_or(kDefaultPeriod));
  if (quota <= 0 || period <= 0) return 0;
  return quota / period * kBillion + quota % period * kBillion / period;
}

uint64_t cpu_weight(const oci::Resources& resources) {
  const auto found = resources.unified.find("cpu.weight");
  return found == resources.unified.end() ? 0 : parse_unsigned(found->second).value_or(0);
}

Json build_rates(const std::vector<oci::ThrottleDevice>& devices, const InspectInputs& inputs) {
  Json list = Json::array();
  for (const oci::ThrottleDevice& device : devices)
    list.push_back(
        {{"Path", inputs.disk_name(fmt::format("{}:{}", device.major, device.minor))}, {"Rate", device.rate}});
  return list;
}

Json build_weights(const std::vector<oci::WeightDevice>& devices, const InspectInputs& inputs) {
  Json list = Json::array();
  for (const oci::WeightDevice& device : devices)
    list.push_back({{"Path", inputs.disk_name(fmt::format("{}:{}", device.major, device.minor))},
                    {"Weight", device.weight.value_or(0)}});
  return list;
}

Json build_devices(const state::Settings& settings) {
  Json list = Json::array();
  for (const state::MappedDevice& device : settings.devices)
    list.push_back({{"PathOnHost", device.host_path},
                    {"PathInContainer", device.container_path},
                    {"CgroupPermissions", device.access}});
  return list;
}

/// The option "size=" of the mount at /dev/shm; 0 when the user has mounted something else there.
uint64_t shm_size(const oci::Spec& spec) {
  constexpr std::string_view kOption = "size=";
  for (const oci::Mount& mount : spec.mounts) {
    if (mount.destination != "/dev/shm") continue;
    for (const std::string& option : mount.options)
      if (option.starts_with(kOption)) return parse_bytes(option.substr(kOption.size())).value_or(0);
  }
  return 0;
}

bool has_cgroup_namespace(const oci::Spec& spec) {
  return std::ranges::any_of(spec.linux_.namespaces,
                             [](const oci::Namespace& space) { return space.type == "cgroup"; });
}

}  // namespace

void add_limits(const InspectInputs& inputs, Json& config) {
  const state::Settings& settings = inputs.container.record.settings;
  config["CgroupParent"] = settings.cgroup_parent;
  config["Devices"] = build_devices(settings);
  config["DeviceCgroupRules"] = settings.device_rules.empty() ? Json(nullptr) : Json(settings.device_rules);
  if (!inputs.spec) return;
  const oci::Resources& resources = inputs.spec->linux_.resources;
  const std::optional<int64_t>& swap = resources.memory.swap;
  config["CgroupnsMode"] = has_cgroup_namespace(*inputs.spec) ? "private" : "host";
  config["Memory"] = or_zero(resources.memory.limit);
  config["MemoryReservation"] = or_zero(resources.memory.reservation);
  config["MemorySwap"] = swap.value_or(0);  // -1 is docker's own word for no limit
  config["MemorySwappiness"] = nullptr;
  config["NanoCpus"] = nano_cpus(resources.cpu);
  config["CpuShares"] = resources.cpu.shares.value_or(0);
  config["CpuWeight"] = cpu_weight(resources);  // not docker's
  config["CpuPeriod"] = resources.cpu.period.value_or(0);
  config["CpuQuota"] = or_zero(resources.cpu.quota);
  config["CpusetCpus"] = resources.cpu.cpus;
  config["CpusetMems"] = resources.cpu.mems;
  config["PidsLimit"] = resources.pids_limit ? Json(*resources.pids_limit) : Json(nullptr);
  config["BlkioWeight"] = resources.block_io.weight.value_or(0);
  config["BlkioWeightDevice"] = build_weights(resources.block_io.weight_devices, inputs);
  config["BlkioDeviceReadBps"] = build_rates(resources.block_io.read_bps, inputs);
  config["BlkioDeviceWriteBps"] = build_rates(resources.block_io.write_bps, inputs);
  config["BlkioDeviceReadIOps"] = build_rates(resources.block_io.read_iops, inputs);
  config["BlkioDeviceWriteIOps"] = build_rates(resources.block_io.write_iops, inputs);
  config["OomKillDisable"] = false;
  config["OomScoreAdj"] = inputs.spec->process.oom_score_adj.value_or(0);
  config["ShmSize"] = shm_size(*inputs.spec);
}

}  // namespace myct::manager
