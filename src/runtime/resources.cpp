#include "resources.hpp"

namespace myct::runtime {
namespace {

template <typename Number>
void drop_zero(std::optional<Number>& value) {
  if (value && *value == 0) value.reset();
}

void drop_negative(std::optional<int64_t>& value) {
  if (value && *value < 0) value.reset();
}

}  // namespace

void drop_zeros(oci::Resources& resources) {
  drop_zero(resources.memory.limit);
  drop_zero(resources.memory.reservation);
  drop_zero(resources.memory.swap);
  drop_zero(resources.cpu.shares);
  drop_zero(resources.cpu.quota);
  drop_zero(resources.cpu.period);
  drop_zero(resources.pids_limit);
  drop_zero(resources.block_io.weight);
  drop_zero(resources.block_io.leaf_weight);
  // Version 2 of control groups swaps by pressure alone; what asks for no more than not to disable the killer is none.
  if (resources.memory.disable_oom_killer == false) resources.memory.disable_oom_killer.reset();
}

void drop_defaults(oci::Resources& resources) {
  // With a limit on memory alone, swap says something.
  if (!resources.memory.limit || *resources.memory.limit < 0) drop_negative(resources.memory.swap);
  drop_negative(resources.memory.limit);
  drop_negative(resources.memory.reservation);
  drop_negative(resources.cpu.quota);
  constexpr uint64_t kDefaultShares = 1024;
  if (resources.cpu.shares == kDefaultShares) resources.cpu.shares.reset();
  drop_negative(resources.pids_limit);
}

}  // namespace myct::runtime
