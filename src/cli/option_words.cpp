// Values of options that are one of a few words, which CLI11 is not told because our own parsers check them.
#include <array>

#include "complete.hpp"

namespace myct::cli {
namespace {

struct OptionWords {
  std::string_view command;  ///< empty: any
  std::string_view option;
  std::string_view words;
};

constexpr std::string_view kSignals =
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG "
    "XCPU XFSZ VTALRM PROF WINCH IO PWR SYS RTMIN RTMAX";

constexpr std::string_view kCapabilities =
    "ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE DAC_READ_SEARCH "
    "FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN "
    "NET_BIND_SERVICE NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT "
    "SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM";

constexpr std::array kOptionWords = {
    OptionWords{"", "cap-add", kCapabilities},
    OptionWords{"", "cap-drop", kCapabilities},
    OptionWords{"", "cgroupns", "host private"},
    OptionWords{"network create", "driver", "bridge ipvlan macvlan"},
    OptionWords{"", "format", "json table"},
    OptionWords{"", "log-driver", "json-file journald none passthrough"},
    OptionWords{"", "log-opt", "max-file= max-size= mode=blocking"},
    OptionWords{"", "mount", "type=bind type=tmpfs type=volume"},
    OptionWords{"", "net", "bridge container: host none ns:"},
    OptionWords{"", "network", "bridge container: host none ns:"},
    OptionWords{"", "restart", "always no on-failure on-failure: unless-stopped"},
    OptionWords{"", "security-opt",
                "no-new-privileges seccomp=builtin seccomp=unconfined systempaths=unconfined writable-cgroups"},
    OptionWords{"", "signal", kSignals},
    OptionWords{"", "stop-signal", kSignals},
    OptionWords{"", "tail", "all"},
    OptionWords{"", "ulimit",
                "core= cpu= data= fsize= locks= memlock= msgqueue= nice= nofile= nproc= rss= rtprio= rttime= "
                "sigpending= stack="},
    OptionWords{"events", "filter", "container= event= image= label= type="},
    OptionWords{"image prune", "filter", "label= until="},
    OptionWords{"images", "filter", "before= dangling=false dangling=true label= reference= since= until="},
    OptionWords{"inspect", "format", "json"},
    OptionWords{"inspect", "type", "container image"},
    OptionWords{"prune", "filter", "label= until="},
    OptionWords{"ps", "filter",
                "ancestor= before= exited= expose= health=healthy health=none health=starting health=unhealthy id= "
                "label= name= network= publish= since= status=created status=exited status=paused status=restarting "
                "status=running volume="},
    OptionWords{"version", "format", "json"},
    OptionWords{"run", "attach", "stderr stdin stdout"},
    OptionWords{"create", "attach", "stderr stdin stdout"},
};

}  // namespace

std::string_view option_words(std::string_view command, std::string_view name) {
  std::string_view any;
  for (const OptionWords& known : kOptionWords) {
    if (known.option != name) continue;
    if (known.command == command) return known.words;
    if (known.command.empty()) any = known.words;
  }
  return any;
}

}  // namespace myct::cli
