// The system calls of Docker's default policy (moby, profiles/seccomp), in groups of one purpose and one condition.
//
// Each group is a list of names between blanks, with the names of every architecture: those that an architecture
// lacks are ignored when the filter is compiled. Within a group the order is that of kinship, so that a new
// system call is put beside its elders (fchmodat2 beside fchmodat). What is in no group is refused; on purpose so:
// keys (keyctl, add_key, request_key: not namespaced), io_uring (its work escapes these filters), userfaultfd,
// kexec, pivot_root, swap, moving pages between nodes, and what is long obsolete (uselib, ustat, sysfs, vm86).
#pragma once

#include <linux/audit.h>
#include <linux/capability.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace myct::security {

/// Allowed to everybody, whatever the arguments.
inline constexpr std::array<std::string_view, 20> kAlwaysAllowed = {
    // Opening and closing, and what a descriptor can do whatever it is.
    "open openat openat2 creat close close_range dup dup2 dup3 fcntl fcntl64 ioctl flock pipe pipe2 "
    "name_to_handle_at",
    // Reading and writing.
    "read readv pread64 preadv preadv2 write writev pwrite64 pwritev pwritev2 lseek _llseek sendfile sendfile64 "
    "copy_file_range splice tee vmsplice readahead fadvise64 fadvise64_64 fallocate truncate truncate64 ftruncate "
    "ftruncate64 sync syncfs fsync fdatasync sync_file_range",
    // Asking about files.
    "stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx access faccessat faccessat2 readlink "
    "readlinkat getdents getdents64 statfs statfs64 fstatfs fstatfs64 cachestat",
    // Names, owners, modes and times of files.
    "link linkat unlink unlinkat symlink symlinkat rename renameat renameat2 mkdir mkdirat rmdir mknod mknodat "
    "chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32 umask "
    "utime utimes futimesat utimensat utimensat_time64",
    // Extended attributes.
    "getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat listxattr llistxattr "
    "flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat",
    // The working directory, and which mounts there are.
    "chdir fchdir getcwd statmount listmount",
    // Waiting for descriptors, and being told of changes to files.
    "select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl "
    "epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 "
    "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark",
    // Asynchronous input and output, the older kind.
    "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64",
    // Memory.
    "brk mmap mmap2 munmap mremap remap_file_pages mprotect pkey_alloc pkey_free pkey_mprotect msync madvise "
    "mincore mlock mlock2 mlockall munlock munlockall mseal memfd_create memfd_secret map_shadow_stack membarrier",
    // Starting, ending and waiting for processes; clone depends on its flags, see below.
    "fork vfork execve execveat exit exit_group wait4 waitid waitpid pidfd_open process_mrelease restart_syscall "
    "prctl set_tid_address rseq seccomp uretprobe",
    // Who a process is.
    "getpid getppid gettid getpgid getpgrp setpgid getsid setsid getuid getuid32 geteuid geteuid32 getgid getgid32 "
    "getegid getegid32 getresuid getresuid32 getresgid getresgid32 getgroups getgroups32",
    // Becoming another user; capabilities decide.
    "setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid "
    "setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset",
    // Giving rights up (Landlock).
    "landlock_create_ruleset landlock_add_rule landlock_restrict_self",
    // Signals.
    "kill tkill tgkill pidfd_send_signal pause sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending "
    "rt_sigprocmask rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait "
    "rt_sigtimedwait_time64 signalfd signalfd4",
    // Threads and what they wait for.
    "futex futex_time64 futex_wait futex_waitv futex_wake futex_requeue get_robust_list set_robust_list "
    "get_thread_area set_thread_area",
    // Scheduling, priorities and limits.
    "sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam "
    "sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval "
    "sched_rr_get_interval_time64 getpriority setpriority ioprio_get ioprio_set getrlimit ugetrlimit setrlimit "
    "prlimit64 getrusage times getcpu",
    // Reading clocks (adjtimex also sets them, with CAP_SYS_TIME) and timers.
    "time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep "
    "clock_nanosleep_time64 nanosleep adjtimex clock_adjtime clock_adjtime64 alarm getitimer setitimer "
    "timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 "
    "timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64",
    // Sockets; making one depends on the address family, see below.
    "socketcall socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt "
    "setsockopt send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64",
    // System V and POSIX IPC; namespaced.
    "ipc msgget msgctl msgsnd msgrcv semget semctl semop semtimedop semtimedop_time64 shmget shmat shmctl shmdt "
    "mq_open mq_unlink mq_getsetattr mq_notify mq_timedreceive mq_timedreceive_time64 mq_timedsend "
    "mq_timedsend_time64",
    // The machine.
    "uname sysinfo getrandom riscv_hwprobe",
};

/// Allowed to whoever has the capability.
struct CapabilityGroup {
  int capability;
  std::string_view names;
};
inline constexpr std::array<CapabilityGroup, 14> kCapabilityGroups = {{
    // Namespaces and mounts, and what administers the host.
    {CAP_SYS_ADMIN,
     "clone clone3 unshare setns mount umount umount2 mount_setattr move_mount open_tree fsopen fsconfig fsmount "
     "fspick sethostname setdomainname quotactl quotactl_fd fanotify_init lookup_dcookie syslog bpf perf_event_open "
     "lsm_get_self_attr lsm_set_self_attr lsm_list_modules"},
    // Opens any file by its inode, past all directories (the "shocker" escape).
    {CAP_DAC_READ_SEARCH, "open_by_handle_at"},
    // Other processes' memory and descriptors.
    {CAP_SYS_PTRACE, "ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp"},
    {CAP_SYS_NICE, "get_mempolicy set_mempolicy set_mempolicy_home_node mbind"},
    {CAP_SYS_MODULE, "init_module finit_module delete_module"},
    {CAP_SYS_RAWIO, "iopl ioperm"},
    {CAP_SYS_TIME, "settimeofday stime clock_settime clock_settime64"},
    {CAP_SYS_BOOT, "reboot"},
    {CAP_SYS_CHROOT, "chroot"},
    {CAP_SYS_PACCT, "acct"},
    {CAP_SYS_TTY_CONFIG, "vhangup"},
    {CAP_SYSLOG, "syslog"},
    {CAP_BPF, "bpf"},
    {CAP_PERFMON, "perf_event_open"},
}};

/// Allowed from Linux 4.8 on: before, a tracer could change a system call after the filter had seen it.
inline constexpr std::string_view kSinceLinux48 = "ptrace process_vm_readv process_vm_writev";

/// Allowed on the machines that have them.
struct MachineGroup {
  std::string_view architecture;
  std::string_view names;
};
inline constexpr std::array<MachineGroup, 8> kMachineGroups = {{
    {"SCMP_ARCH_X86_64", "arch_prctl modify_ldt"},
    {"SCMP_ARCH_X86", "modify_ldt"},
    {"SCMP_ARCH_AARCH64", "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"},
    {"SCMP_ARCH_ARM", "arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls"},
    {"SCMP_ARCH_PPC64LE", "sync_file_range2 swapcontext"},
    {"SCMP_ARCH_S390X", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"},
    {"SCMP_ARCH_S390", "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr"},
    {"SCMP_ARCH_RISCV64", "riscv_flush_icache"},
}};

/// The architectures whose programs a machine runs: its own first.
struct Machine {
  uint32_t audit_architecture;
  std::string_view architectures;
};
inline constexpr std::array<Machine, 12> kMachines = {{
    {AUDIT_ARCH_X86_64, "SCMP_ARCH_X86_64 SCMP_ARCH_X86 SCMP_ARCH_X32"},
    {AUDIT_ARCH_AARCH64, "SCMP_ARCH_AARCH64 SCMP_ARCH_ARM"},
    {AUDIT_ARCH_RISCV64, "SCMP_ARCH_RISCV64"},
    {AUDIT_ARCH_LOONGARCH64, "SCMP_ARCH_LOONGARCH64"},
    {AUDIT_ARCH_PPC64LE, "SCMP_ARCH_PPC64LE"},
    {AUDIT_ARCH_S390X, "SCMP_ARCH_S390X SCMP_ARCH_S390"},
    {AUDIT_ARCH_MIPS64, "SCMP_ARCH_MIPS64 SCMP_ARCH_MIPS SCMP_ARCH_MIPS64N32"},
    {AUDIT_ARCH_MIPS64N32, "SCMP_ARCH_MIPS64N32 SCMP_ARCH_MIPS SCMP_ARCH_MIPS64"},
    {AUDIT_ARCH_MIPSEL64, "SCMP_ARCH_MIPSEL64 SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64N32"},
    {AUDIT_ARCH_MIPSEL64N32, "SCMP_ARCH_MIPSEL64N32 SCMP_ARCH_MIPSEL SCMP_ARCH_MIPSEL64"},
    {AUDIT_ARCH_I386, "SCMP_ARCH_X86"},
    {AUDIT_ARCH_ARM, "SCMP_ARCH_ARM"},
}};

/// Values for personality(2): Linux and 32-bit Linux, each also with UNAME26, and the question for the current one.
/// ADDR_NO_RANDOMIZE and READ_IMPLIES_EXEC are not among them.
inline constexpr std::array<uint64_t, 5> kAllowedPersonalities = {0, 0x8, 0x20000, 0x20008, 0xffffffff};

/// Address families that are not namespaced, or have a long record of holes in the kernel.
inline constexpr uint64_t kAddressFamilyCrypto = 38;  // AF_ALG
inline constexpr uint64_t kAddressFamilyVsock = 40;   // AF_VSOCK

/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET.
inline constexpr uint64_t kCloneNamespaceFlags = 0x7e020000;

}  // namespace myct::security
