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
#  - Docker's daemon is started here, in this run's namespaces, and makes its own control groups (cgroupfs). It may not
#    lower its oom_score_adj without CAP_SYS_RESOURCE, so it leaves that alone. Its key in /etc/docker and containerd's
#    /opt/containerd cannot be put elsewhere, so that both directories are hidden.

has_cap_sys_resource() {
  local effective
  effective=$(awk '/^CapEff/ { print $2 }' /proc/self/status)
  (((16#$effective >> 24) & 1))
}

has_controller() { grep -qw "$1" /sys/fs/cgroup/cgroup.controllers; }

podman=()
docker=()
docker_daemon=

# Fills `podman`: the program with the options that keep it to this run's directories.
choose_podman() {
  podman=(podman --root "$work/podman/root" --runroot "$work/podman/run" --tmpdir "$work/podman/tmp"
    --network-config-dir "$work/podman/networks" --cgroup-manager cgroupfs --storage-driver overlay
    --events-backend none --runtime crun)
}

podman_here() { "${podman[@]}" "$@"; }

# The same as words of a command line for hyperfine.
podman_words() { printf '%s\n' "${podman[*]}"; }

# podman_run_flags [NETWORK]
podman_run_flags() {
  local flags="--network ${1:-none}"
  if ! has_cap_sys_resource; then
    flags+=" --ulimit nofile=1024:1024 --ulimit nproc=1000:1000"
  fi
  if ! has_cap_sys_resource || ! has_controller pids; then
    flags+=" --cgroups=disabled"
  fi
  printf '%s\n' "$flags"
}

docker_here() { "${docker[@]}" "$@"; }

docker_words() { printf '%s\n' "${docker[*]}"; }

start_docker() {
  local try
  docker=(/usr/bin/docker --host "unix://$work/docker/socket" --config "$work/docker/config")
  mkdir -p "$work/docker"
  echo '{}' >"$work/docker/daemon.json"
  mount -t tmpfs tmpfs /etc/docker
  mount -t tmpfs tmpfs /opt
  setpriv --pdeathsig TERM dockerd --host "unix://$work/docker/socket" --config-file "$work/docker/daemon.json" \
    --data-root "$work/docker/data" --exec-root "$work/docker/run" --pidfile "$work/docker/pid" \
    --exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/${work##*/}-docker" --storage-driver overlay2 \
    --oom-score-adjust 0 >"$work/docker/log" 2>&1 &
  docker_daemon=$!
  for ((try = 0; try < 300; ++try)); do
    ! docker_here version >/dev/null 2>&1 || return 0
    sleep 0.1
  done
  die "dockerd does not answer: $(tail -n 3 "$work/docker/log")"
}

# It ends its containers and its containerd before it ends itself.
stop_docker() {
  [[ -n $docker_daemon ]] || return 0
  kill "$docker_daemon" || true
  wait "$docker_daemon" || true
  docker_daemon=
  umount /etc/docker /opt
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
