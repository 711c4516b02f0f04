// Loading a device program and attaching it to a group (bpf(2); kernel/bpf/cgroup.c).
#include "myct/cgroup/device_filter.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "myct/base/error.hpp"

namespace myct::cgroup {
namespace {

int bpf(bpf_cmd command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

[[noreturn]] void throw_bpf_error(const char* what) {
  const int errnum = errno;
  std::string hint;
  if (errnum == EPERM) hint = "it takes CAP_BPF or CAP_SYS_ADMIN";
  if (errnum == ENOSYS || errnum == EINVAL) hint = "the kernel needs CONFIG_CGROUP_BPF";
  throw Error(kind_of_errno(errnum), what, errnum, hint);
}

Fd load(const std::vector<bpf_insn>& program) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insn_cnt = static_cast<uint32_t>(program.size());
  attributes.insns = reinterpret_cast<uintptr_t>(program.data());
  attributes.license = reinterpret_cast<uintptr_t>("MIT");
  Fd loaded(bpf(BPF_PROG_LOAD, attributes));
  if (!loaded.valid()) throw_bpf_error("load the device filter");
  return loaded;
}

/// The program that is attached to the group itself, if any.
Fd attached_to(FdRef group) {
  std::array<uint32_t, 16> ids{};
  bpf_attr query{};
  query.query.target_fd = static_cast<uint32_t>(group.get());
  query.query.attach_type = BPF_CGROUP_DEVICE;
  query.query.prog_ids = reinterpret_cast<uintptr_t>(ids.data());
  query.query.prog_cnt = ids.size();
  if (bpf(BPF_PROG_QUERY, query) == -1) throw_bpf_error("look up the device filter");
  if (query.query.prog_cnt == 0) return {};
  bpf_attr by_id{};
  by_id.prog_id = ids[0];
  Fd found(bpf(BPF_PROG_GET_FD_BY_ID, by_id));
  if (!found.valid()) throw_bpf_error("open the device filter");
  return found;
}

}  // namespace

void attach_device_filter(FdRef group, const std::vector<bpf_insn>& program) {
  const Fd loaded = load(program);
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(group.get());
  attributes.attach_bpf_fd = static_cast<uint32_t>(loaded.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (bpf(BPF_PROG_ATTACH, attributes) == -1) throw_bpf_error("attach the device filter");
}

void replace_device_filter(FdRef group, const std::vector<bpf_insn>& program) {
  const Fd old = attached_to(group);
  if (!program.empty()) attach_device_filter(group, program);
  // Both decide for a moment, which allows too little rather than too much.
  if (!old.valid()) return;
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(group.get());
  attributes.attach_bpf_fd = static_cast<uint32_t>(old.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  if (bpf(BPF_PROG_DETACH, attributes) == -1) throw_bpf_error("detach the old device filter");
}

}  // namespace myct::cgroup
