// The options that limit what a container may use: those that run, create and update share, and those of run and
// create.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "command.hpp"
#include "myct/manager/request.hpp"

namespace myct::cli {

/// Limits as CLI11 collects them.
struct LimitFlags {
  std::optional<std::string> memory;
  std::optional<std::string> memory_swap;
  std::optional<std::string> memory_reservation;
  std::optional<std::string> memory_swappiness;
  std::optional<std::string> cpus;
  std::optional<std::string> cpu_shares;
  std::optional<std::string> cpu_weight;
  std::optional<std::string> cpu_period;
  std::optional<std::string> cpu_quota;
  std::optional<std::string> cpuset_cpus;
  std::optional<std::string> cpuset_mems;
  std::optional<std::string> pids_limit;
  std::optional<std::string> blkio_weight;
  std::vector<std::string> blkio_weight_devices;
  std::vector<std::string> read_bps;
  std::vector<std::string> write_bps;
  std::vector<std::string> read_iops;
  std::vector<std::string> write_iops;
};

void add_limit_options(CLI::App& command, LimitFlags& flags);
[[nodiscard]] bool has_limits(const LimitFlags& flags);
/// Throws Error{Usage}.
[[nodiscard]] manager::LimitsRequest parse_limits(const LimitFlags& flags);

/// What beside them cannot be changed when the container is made.
struct ResourceFlags {
  std::vector<std::string> devices;
  std::vector<std::string> device_rules;
  std::optional<std::string> oom_score_adj;
  bool oom_kill_disable = false;
  std::string cgroup_parent;
  std::string cgroup_view;
  std::optional<std::string> shm_size;
};

void add_resource_options(CLI::App& command, ResourceFlags& flags);
/// Throws Error{Usage}.
void apply_resource_flags(const ResourceFlags& flags, manager::RunRequest& request);

}  // namespace myct::cli
