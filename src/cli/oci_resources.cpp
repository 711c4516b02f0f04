// myct oci update.
#include <unistd.h>

#include <memory>

#include "command.hpp"
#include "myct/base/error.hpp"
#include "myct/base/file.hpp"
#include "myct/base/units.hpp"
#include "oci.hpp"

namespace myct::cli {
namespace {

struct ResourceOptions {
  std::string id;
  std::string file;
  std::optional<uint16_t> block_io_weight;
  std::optional<uint64_t> cpu_period;
  std::optional<int64_t> cpu_quota;
  std::optional<uint64_t> cpu_burst;
  std::optional<uint64_t> cpu_share;
  std::optional<int64_t> cpu_idle;
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::optional<std::string> memory;
  std::optional<std::string> memory_reservation;
  std::optional<std::string> memory_swap;
  std::optional<int64_t> pids_limit;
};

std::optional<int64_t> parse_size(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  if (*text == "-1") return -1;
  const std::optional<uint64_t> bytes = parse_bytes(*text);
  if (!bytes) throw_error(ErrorKind::Usage, "size '{}' is none: bytes, with one of the suffixes b, k, m, g", *text);
  return static_cast<int64_t>(*bytes);
}

oci::Resources to_resources(const ResourceOptions& options) {
  if (!options.file.empty()) {
    const bool input = options.file == "-";
    return oci::resources_from_json(input ? read_all(FdRef(STDIN_FILENO), "standard input") : read_file(options.file),
                                    input ? "standard input" : options.file);
  }
  oci::Resources resources;
  resources.block_io.weight = options.block_io_weight;
  resources.cpu = {.shares = options.cpu_share,
                   .quota = options.cpu_quota,
                   .burst = options.cpu_burst,
                   .period = options.cpu_period,
                   .idle = options.cpu_idle,
                   .cpus = options.cpuset_cpus,
                   .mems = options.cpuset_mems};
  resources.memory.limit = parse_size(options.memory);
  resources.memory.reservation = parse_size(options.memory_reservation);
  resources.memory.swap = parse_size(options.memory_swap);
  resources.pids_limit = options.pids_limit;
  return resources;
}

}  // namespace

void define_oci_update(CLI::App& command, OciAction& action) {
  const auto options = std::make_shared<ResourceOptions>();
  command
      .add_option("-r,--resources", options->file,
                  "\"linux.resources\" as a file; -: standard input; nothing else then")
      ->type_name("FILE");
  command.add_option("--blkio-weight", options->block_io_weight, "10 to 1000")->type_name("N");
  command.add_option("--cpu-period", options->cpu_period, "Of the quota, in microseconds")->type_name("N");
  command.add_option("--cpu-quota", options->cpu_quota, "CPU time in each period, in microseconds")->type_name("N");
  command.add_option("--cpu-burst", options->cpu_burst, "What may be saved up, in microseconds")->type_name("N");
  command.add_option("--cpu-share", options->cpu_share, "2 to 262144")->type_name("N");
  command.add_option("--cpu-idle", options->cpu_idle, "1: only what nobody else wants")->type_name("N");
  command.add_option("--cpuset-cpus", options->cpuset_cpus, "Processors, as 0-3,7")->type_name("LIST");
  command.add_option("--cpuset-mems", options->cpuset_mems, "Memory nodes, as 0,1")->type_name("LIST");
  command.add_option("--memory", options->memory, "Bytes, or with a suffix; -1: no limit")->type_name("SIZE");
  command.add_option("--memory-reservation", options->memory_reservation, "What is not taken away lightly")
      ->type_name("SIZE");
  command.add_option("--memory-swap", options->memory_swap, "Memory and swap together; -1: no limit")
      ->type_name("SIZE");
  command.add_option("--pids-limit", options->pids_limit, "Processes; -1: no limit")->type_name("N");
  add_container_id(command, options->id);
  action = [options](const runtime::Context& context) {
    runtime::update(context, options->id, to_resources(*options));
    return 0;
  };
}

}  // namespace myct::cli
