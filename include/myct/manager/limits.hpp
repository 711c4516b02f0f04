// What a user allows a container of the machine, as typed values. Sizes are in bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "myct/spec/resources.hpp"

namespace myct::manager {

/// A number that holds for one block device of the host: a weight, or bytes or operations a second. 0: none (any more).
struct DeviceLimit {
  std::string path;  ///< below /dev
  uint64_t value = 0;
};

/// The limits of docker-run(1) and docker-update(1). What is absent stays as it is; 0 and, where a user may write it,
/// -1 mean no limit, unless a member says otherwise.
struct LimitsRequest {
  std::optional<int64_t> memory;
  std::optional<int64_t> memory_swap;  ///< memory and swap together; 0: the default, twice the memory; -1: no limit
  std::optional<int64_t> memory_reservation;
  std::optional<int64_t> nano_cpus;        ///< processors in billionths
  std::optional<uint64_t> cpu_shares;      ///< 2 to 262144; 0: the default, 1024
  std::optional<uint64_t> cpu_weight;      ///< 1 to 10000, the kernel's own scale, whose default is 100
  std::optional<int64_t> cpu_period;       ///< microseconds; 0: the default, 100000
  std::optional<int64_t> cpu_quota;        ///< microseconds of each period
  std::optional<std::string> cpuset_cpus;  ///< "0-3,7"; empty: all
  std::optional<std::string> cpuset_mems;
  std::optional<int64_t> pids_limit;
  std::optional<uint16_t> blkio_weight;  ///< 10 to 1000
  std::vector<DeviceLimit> blkio_weight_devices;
  std::vector<DeviceLimit> read_bps;
  std::vector<DeviceLimit> write_bps;
  std::vector<DeviceLimit> read_iops;
  std::vector<DeviceLimit> write_iops;
};

/// --device: a device of the host's, or every one in a directory of the host's.
struct DeviceRequest {
  std::string host_path;
  std::string container_path;
  std::string access = "rwm";  ///< of "r" read, "w" write, "m" mknod
};

}  // namespace myct::manager
