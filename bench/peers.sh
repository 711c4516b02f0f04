# shellcheck shell=bash
# shellcheck disable=SC2154  # variables of bench/run
# The programs that myct is measured against. Part of bench/run, which sources it.
#
# What the peers need to run at all on machines that are less than a whole Linux:
#  - crun 1.8 refuses a hybrid cgroup layout (controllers on v1 in /sys/fs/cgroup, v2 in its unified/), and so does
#    the podman that runs it. cgroup2 may be mounted any number of times, so inside the private namespace it is
#    mounted on /sys/fs/cgroup: to everyone measured here the machine looks like a pure v2 one.
#  - crun raises RLIMIT_MEMLOCK to infinity before it loads the device filter, which fails without
#    CAP_SYS_RESOURCE. There its bundle goes without linux.resources: crun then makes its cgroup and no filter,
#    which makes it faster, not slower. runc does not touch the limit and keeps the filter.
#  - podman asks for its own rlimits, which need CAP_SYS_RESOURCE, unless --ulimit names lower ones; and for
#    pids.max, which needs the pids controller. Without either it runs with --cgroups=disabled (crun again).

podman=()

# Fills `podman`: the program with the options that keep it to this run's directories.
choose_podman() {
  podman=(podman --root "$work/podman/root" --runroot "$work/podman/run" --tmpdir "$work/podman/tmp"
    --cgroup-manager cgroupfs --storage-driver overlay --events-backend none --runtime crun)
}

podman_here() { "${podman[@]}" "$@"; }

# The same as words of a command line for hyperfine.
podman_words() { printf '%s\n' "${podman[*]}"; }

podman_run_flags() {
  local flags='--network none'
  if ! has_cap_sys_resource; then
    flags+=" --ulimit nofile=1024:1024 --ulimit nproc=1000:1000"
  fi
  if ! has_cap_sys_resource || ! has_controller pids; then
    flags+=" --cgroups=disabled"
  fi
  printf '%s\n' "$flags"
}

# bundle RUNTIME ROOTFS: a directory with the runtime's own default config.json, changed as little as can be.
bundle() {
  local runtime=$1 rootfs=$2 directory=$work/bundle-$1 filter
  # shellcheck disable=SC2016  # jq's own variable
  filter='.process.terminal = false | .process.args = ["/bin/true"] | .root.path = $rootfs | .root.readonly = false'
  if [[ $runtime == crun ]] && ! has_cap_sys_resource; then filter+=' | del(.linux.resources)'; fi
  rm -rf -- "$directory"
  mkdir -p "$directory" "$work/$runtime"
  (cd "$directory" && "$runtime" spec)
  jq --arg rootfs "$rootfs" "$filter" "$directory/config.json" >"$directory/new.json"
  mv "$directory/new.json" "$directory/config.json"
}
