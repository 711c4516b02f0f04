# shellcheck shell=bash
# shellcheck disable=SC2154  # variables of bench/run
# What containers cost that live on: their supervisor's memory, and the commands that deal with them. Part of bench/run,
# which sources it.
#
# All of them run the same program, which ends at once on SIGTERM, from the same root file system. runc and crun have
# no supervisor and keep no log: what they do in a moment is a part of what myct and podman do.

readonly living_name=living
readonly living_program='trap exit TERM; sleep 1000 & wait'
readonly with_bundle=(crun runc)
readonly all_tools=(myct podman crun runc)

# script NAME LINE...: an executable file of these lines; hyperfine runs no shell of its own.
script() {
  local file=$work/scripts/$1
  shift
  mkdir -p "$work/scripts"
  printf '%s\n' '#!/bin/sh' "$@" >"$file"
  chmod +x "$file"
}

start_line() {
  local tool=$1 name=$2
  case $tool in
    myct) echo "$myct run -d --network none --name $name busybox sh -c '$living_program'" ;;
    podman) echo "$(podman_words) run -d $(podman_run_flags) --name $name bench:busybox sh -c '$living_program'" ;;
    *) echo "$tool --root $work/$tool run --detach --bundle $work/bundle-$tool ${work##*/}-$name" ;;
  esac
}

remove_line() {
  local tool=$1 name=$2
  case $tool in
    myct) echo "$myct rm -f $name" ;;
    podman) echo "$(podman_words) rm -f --time 0 $name" ;;
    *) echo "$tool --root $work/$tool delete --force ${work##*/}-$name" ;;
  esac
}

exec_line() {
  local tool=$1 name=$2
  case $tool in
    myct) echo "$myct exec $name /bin/true" ;;
    podman) echo "$(podman_words) exec $name /bin/true" ;;
    *) echo "$tool --root $work/$tool exec ${work##*/}-$name /bin/true" ;;
  esac
}

# The scripts start-TOOL, remove-TOOL and again-TOOL.
write_scripts() {
  local tool start remove
  for tool in "${all_tools[@]}"; do
    start=$(start_line "$tool" "$living_name")
    remove=$(remove_line "$tool" "$living_name")
    script "start-$tool" "exec $start >/dev/null"
    script "remove-$tool" "$remove >/dev/null 2>&1" 'exit 0'
    script "again-$tool" "$remove >/dev/null 2>&1" "exec $start >/dev/null"
  done
  script again-bare "$(remove_line myct "$living_name") >/dev/null 2>&1" \
    "$(start_line myct "$living_name") >/dev/null || exit 1" \
    "exec $myct inspect --format '{{.State.Pid}}' $living_name >$work/pid"
}

run_script() {
  "$work/scripts/$1" </dev/null >"$work/log" 2>&1 || die "$1: $(tail -n 3 "$work/log")"
}

remove_living() {
  local tool
  for tool in "${all_tools[@]}"; do run_script "remove-$tool"; done
}

prepare_living() {
  local tarball=$work/images/busybox-base.tar.gz rootfs=$work/rootfs-living runtime config
  mkdir -p "$rootfs" "$work/podman"
  tar --extract --file "$tarball" --directory "$rootfs"
  "$myct" import "$tarball" busybox >/dev/null
  podman_here import "$tarball" bench:busybox >/dev/null 2>&1
  for runtime in "${with_bundle[@]}"; do
    bundle "$runtime" "$rootfs"
    config=$work/bundle-$runtime/config.json
    # shellcheck disable=SC2016  # jq's own variable
    jq --arg program "$living_program" '.process.args = ["sh", "-c", $program]' "$config" >"$config.new"
    mv "$config.new" "$config"
  done
  write_scripts
}

# Called at the end of the whole, however it ends.
clean_up_living() {
  local runtime
  if [[ -d ${MYCT_ROOT:-} ]]; then "$myct" ps -aq | xargs -r "$myct" rm -f; fi
  if [[ -d $work/running ]]; then running_myct ps -aq | xargs -r "$myct" "${running_roots[@]}" rm -f; fi
  for runtime in "${with_bundle[@]}"; do
    if [[ -d $work/$runtime ]]; then
      "$runtime" --root "$work/$runtime" list --quiet | xargs -r -n 1 "$runtime" --root "$work/$runtime" delete --force
    fi
  done
  if [[ -d $work/podman ]]; then podman_here rm --all --force --time 0; fi
}

# --- memory ----------------------------------------------------------------------------------------------------

# memory_of FIELD PID...: the median of a sum of /proc/PID/smaps_rollup, in kB. FIELD is a regular expression.
memory_of() {
  local field=$1 pid
  shift
  for pid in "$@"; do
    awk -v field="^$field:" '$1 ~ field { sum += $2 } END { print sum }' "/proc/$pid/smaps_rollup"
  done | sort -n | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'
}

memory_row() {
  local title=$1
  shift
  echo "| $title | $(memory_of Private_Dirty "$@") kB | $(memory_of 'Private_(Dirty|Clean)' "$@") kB |" \
    "$(memory_of Pss "$@") kB | $(memory_of Rss "$@") kB |"
}

bench_memory() {
  local i count=10 supervisors conmons
  for ((i = 1; i <= count; ++i)); do
    eval "$(start_line myct "$living_name-$i")" >/dev/null
    eval "$(start_line podman "$living_name-$i")" >/dev/null
  done
  mapfile -t supervisors < <(jq .owner.pid "$MYCT_RUNTIME_DIR"/containers/*/run.json)
  mapfile -t conmons < <(podman_here ps --quiet | xargs "${podman[@]}" inspect --format '{{.State.ConmonPid}}')
  ((${#supervisors[@]} == count && ${#conmons[@]} == count)) || die "not all containers run"
  {
    printf '\n### Memory of a supervisor, %d containers\n\n' "$count"
    echo '| program | private and dirty | private | proportional share | resident |'
    echo '| --- | ---: | ---: | ---: | ---: |'
    memory_row 'of myct run -d' "${supervisors[@]}"
    memory_row 'conmon, of podman run -d' "${conmons[@]}"
    echo
    budget 'private memory, kB' "$(memory_of 'Private_(Dirty|Clean)' "${supervisors[@]}")" 500
  } >>"$work/report"
  clean_up_living >/dev/null
}

# --- exec, rm, run -d, stop ------------------------------------------------------------------------------------

bench_exec() {
  local tool mine
  forget_programs
  for tool in "${all_tools[@]}"; do
    run_script "again-$tool"
    program "$tool exec" "$(exec_line "$tool" "$living_name")"
  done
  measure exec "$runs" 5
  remove_living
  mine=$(median_of exec 'myct exec')
  {
    table 'exec of /bin/true' exec 'myct exec'
    echo
    budget 'exec, ms' "$mine" 5
    budget "exec, ratio to podman's" "$(ratio "$mine" "$(median_of exec 'podman exec')")" 0.1
  } >>"$work/report"
}

bench_remove() {
  local tool
  gcc -O2 -static -o "$work/end-program" "$here/end.c"
  forget_programs
  program 'kill -9 and wait' "$work/end-program $work/pid" "$work/scripts/again-bare"
  for tool in "${all_tools[@]}"; do
    program "$tool rm -f" "$(remove_line "$tool" "$living_name")" "$work/scripts/again-$tool"
  done
  measure remove "$((runs / 3 + 1))" 1
  remove_living
  {
    table 'rm -f of a running container (runc, crun: delete --force)' remove 'kill -9 and wait'
    echo
    budget 'rm -f beyond the kill, ms' "$(awk -v all="$(median_of remove 'myct rm -f')" \
      -v kill="$(median_of remove 'kill -9 and wait')" 'BEGIN { print all - kill }')" 20
  } >>"$work/report"
}

bench_detached() {
  local tool
  forget_programs
  for tool in "${all_tools[@]}"; do
    program "$tool run -d" "$(start_line "$tool" "$living_name")" "$work/scripts/remove-$tool"
  done
  measure detached "$((runs / 3 + 1))" 1
  remove_living
  forget_programs
  program 'myct stop' "$myct stop $living_name" "$work/scripts/again-myct"
  program 'podman stop' "$(podman_words) stop $living_name" "$work/scripts/again-podman"
  measure stop "$((runs / 3 + 1))" 1
  remove_living
  {
    table 'run -d (runc, crun: run --detach, with neither supervisor nor log)' detached 'myct run -d'
    table 'stop of a program that ends on SIGTERM' stop 'myct stop'
  } >>"$work/report"
}

# --- ps --------------------------------------------------------------------------------------------------------

running_roots=()
running_myct() { "$myct" "${running_roots[@]}" "$@"; }

# make_stopped COUNT OPTION...: containers that have run, in the myct of these options.
make_stopped() {
  local count=$1
  shift
  seq "$count" | xargs -P 4 -I{} "$myct" "$@" run --network none --name "stopped-{}" busybox true
}

bench_ps() {
  local i mine many=(--root "$work/many" --runtime-dir "$work/many-run")
  running_roots=(--root "$work/running" --runtime-dir "$work/running-run")
  say 'making containers for ps'
  make_stopped 100
  for ((i = 0; i < 100; ++i)); do podman_here create --network none bench:busybox true; done >/dev/null
  "$myct" "${many[@]}" import "$work/images/busybox-base.tar.gz" busybox >/dev/null
  make_stopped 1000 "${many[@]}"
  running_myct import "$work/images/busybox-base.tar.gz" busybox >/dev/null
  for ((i = 0; i < 100; ++i)); do
    running_myct run -d --network none busybox sh -c "$living_program"
  done >/dev/null
  forget_programs
  program 'myct ps -a, 100 stopped' "$myct ps -a"
  program 'podman ps -a, 100 created' "$(podman_words) ps -a"
  program 'myct ps, 100 running' "$myct ${running_roots[*]} ps"
  program 'myct ps -a, 1000 stopped' "$myct ${many[*]} ps -a"
  measure ps "$runs" 5
  clean_up_living >/dev/null
  rm -rf -- "$work"/many* "$work"/running*
  mine=$(median_of ps 'myct ps -a, 100 stopped')
  {
    table 'ps (making 1000 containers would take podman minutes)' ps 'myct ps -a, 100 stopped'
    echo
    budget 'ps of 100, ms' "$mine" 5
    budget 'ps of 100 running, ms' "$(median_of ps 'myct ps, 100 running')" 5
    budget "ps of 100, ratio to podman's" "$(ratio "$mine" "$(median_of ps 'podman ps -a, 100 created')")" 0.1
    budget 'ps of 1000, ms' "$(median_of ps 'myct ps -a, 1000 stopped')" 30
  } >>"$work/report"
}

# --- many at once ----------------------------------------------------------------------------------------------

bench_many() {
  local tool line
  forget_programs
  for tool in myct podman; do
    line="$myct run --rm --network none busybox /bin/true"
    if [[ $tool == podman ]]; then line="$(podman_words) run --rm $(podman_run_flags) bench:busybox /bin/true"; fi
    # shellcheck disable=SC2016  # for the script's shell
    script "many-$tool" 'for i in $(seq 20); do' "  { $line || touch $work/failed; } &" 'done' 'wait'
    program "twenty $tool run --rm" "$work/scripts/many-$tool"
  done
  measure many "$((runs / 6 + 1))" 1
  [[ ! -e $work/failed ]] || die "of twenty at once, not all could run"
  {
    table 'Twenty at once' many 'twenty myct run --rm'
    echo
    budget "twenty at once, ratio to podman's" \
      "$(ratio "$(median_of many 'twenty myct run --rm')" "$(median_of many 'twenty podman run --rm')")" 0.1
  } >>"$work/report"
}
