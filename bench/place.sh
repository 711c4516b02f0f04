# shellcheck shell=bash
# shellcheck disable=SC2154  # variables of bench/run
# A place of bench/run's own, which sources this: directories, namespaces, and the end of all of it.

work=
made_containers_directory=no
# podman's locks; they stay when it ends.
readonly podman_locks=/dev/shm/libpod_lock
made_podman_locks=no

# Only what this run made: the names are its own.
remove_cgroups() {
  find /sys/fs/cgroup -mindepth 1 -depth -type d \
    \( -path "*/${work##*/}*" -o -path '*/libpod_parent*' \) -exec rmdir {} + 2>/dev/null || true
}

clean_up() {
  [[ -n $work ]] || return 0
  clean_up_living >/dev/null 2>&1 || true
  clean_up_network >/dev/null 2>&1 || true
  if [[ -d $work/podman ]]; then podman_here system reset --force >/dev/null 2>&1 || true; fi
  if [[ $made_podman_locks == yes ]]; then rm -f -- "$podman_locks"; fi
  remove_cgroups
  cd /
  # podman leaves its storage mounted on itself.
  awk -v work="$work/" 'index($2, work) == 1 { print $2 }' /proc/self/mounts | sort -r | xargs -r umount -l
  rm -rf -- "$work"
  if [[ $made_containers_directory == yes ]]; then
    umount /var/lib/containers
    rmdir /var/lib/containers
  fi
}

# All that has to come from outside is fetched here: the network namespace to come leads nowhere.
make_work_directory() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  # A short plain name: it goes into command lines, mount options and cgroup names.
  work=$(mktemp -d "${TMPDIR:-/tmp}/myct-bench-XXXXXX")
  name_places
  mkdir "$work/images" "$work/results"
  "$tree/images/make-base" busybox --output "$work/images"
  if in_set import && [[ ! -f $debian ]]; then "$tree/images/make-base" debian --output "$work/images"; fi
}

name_places() { export MYCT_ROOT=$work/myct MYCT_RUNTIME_DIR=$work/myct-run MYCT_IMAGE_PATH=$work/images; }

enter_private_place() {
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  if [[ $(stat --file-system --format %T /sys/fs/cgroup) != cgroup2fs ]]; then
    mount -t tmpfs tmpfs /sys/fs/cgroup
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
  fi
  mount -t tmpfs -o mode=755 tmpfs /run
  if [[ ! -d /var/lib/containers ]]; then
    mkdir /var/lib/containers
    made_containers_directory=yes
  fi
  mount -t tmpfs -o mode=700 tmpfs /var/lib/containers
  ip link set lo up
  [[ -e $podman_locks ]] || made_podman_locks=yes
  choose_podman
}
