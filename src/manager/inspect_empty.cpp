#include "inspect_empty.hpp"

namespace myct::manager {
namespace {

using Json = nlohmann::ordered_json;

// Docker's values for a container that none of the options concerns: 0 and "" for no bound and no choice, null for what
// is not there. See "ContainerInspect" in its API, https://docs.docker.com/reference/api/engine/.

constexpr const char* kState = R"({"Health": null})";

constexpr const char* kHostConfig = R"({
  "ContainerIDFile": "", "VolumeDriver": "", "VolumesFrom": null, "ConsoleSize": [0, 0], "CgroupnsMode": "private",
  "Dns": [], "DnsOptions": [], "DnsSearch": [], "ExtraHosts": null, "GroupAdd": null, "IpcMode": "private",
  "Cgroup": "", "Links": null, "OomScoreAdj": 0, "PidMode": "", "PublishAllPorts": false, "UTSMode": "",
  "UsernsMode": "", "ShmSize": 67108864, "Runtime": "", "Isolation": "", "CpuShares": 0, "Memory": 0, "NanoCpus": 0,
  "CgroupParent": "", "BlkioWeight": 0, "BlkioWeightDevice": [], "BlkioDeviceReadBps": [], "BlkioDeviceWriteBps": [],
  "BlkioDeviceReadIOps": [], "BlkioDeviceWriteIOps": [], "CpuPeriod": 0, "CpuQuota": 0, "CpuRealtimePeriod": 0,
  "CpuRealtimeRuntime": 0, "CpusetCpus": "", "CpusetMems": "", "Devices": [], "DeviceCgroupRules": null,
  "DeviceRequests": null, "MemoryReservation": 0, "MemorySwap": 0, "MemorySwappiness": null, "OomKillDisable": null,
  "PidsLimit": null, "CpuCount": 0, "CpuPercent": 0, "IOMaximumIOps": 0, "IOMaximumBandwidth": 0, "Tmpfs": null,
  "Sysctls": null, "Annotations": null
})";

constexpr const char* kConfig = R"({"ExposedPorts": null, "Healthcheck": null, "OnBuild": null})";

constexpr const char* kNetworkSettings = R"({
  "Bridge": "", "SandboxID": "", "SandboxKey": "", "HairpinMode": false, "LinkLocalIPv6Address": "",
  "LinkLocalIPv6PrefixLen": 0, "SecondaryIPAddresses": null, "SecondaryIPv6Addresses": null, "EndpointID": "",
  "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0, "IPPrefixLen": 0, "IPv6Gateway": ""
})";

constexpr const char* kNetwork = R"({
  "IPAMConfig": null, "Links": null, "Aliases": null, "DriverOpts": null, "GwPriority": 0, "NetworkID": "",
  "EndpointID": "", "IPPrefixLen": 0, "IPv6Gateway": "", "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": 0,
  "DNSNames": null
})";

void add_missing(Json& object, const char* members) {
  const Json known = Json::parse(members);  // items() refers to it
  for (const auto& [name, value] : known.items())
    if (!object.contains(name)) object[name] = value;
}

}  // namespace

void add_empty_members(Json& document) {
  add_missing(document["State"], kState);
  add_missing(document["HostConfig"], kHostConfig);
  add_missing(document["Config"], kConfig);
  add_missing(document["NetworkSettings"], kNetworkSettings);
  for (Json& network : document["NetworkSettings"]["Networks"]) add_missing(network, kNetwork);
}

}  // namespace myct::manager
