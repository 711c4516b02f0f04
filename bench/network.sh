# shellcheck shell=bash
# shellcheck disable=SC2154  # variables of bench/run
# What a network costs: a start on the default bridge, the two hundredth container on it, and bytes through it. Part of
# bench/run, which sources it.
#
# The host is a network namespace of this run's own, in which nothing is but a loopback interface. Docker's daemon runs
# in it, too, as long as it is measured.

readonly crowd=200
readonly flow_seconds=2
servers=()

# Called at the end of the whole, however it ends; clean_up_living removes the containers.
clean_up_network() {
  stop_servers
  stop_docker
}

# --- a start on the bridge -------------------------------------------------------------------------------------

readonly bare_title='a bare program'
readonly link_title='the same with a network namespace and a veth pair'
readonly bridge_title='myct run --rm'

bridge_programs() {
  local network options
  program "$bare_title" "$work/link-program /bin/true"
  program "$link_title" "$work/link-program --make /bin/true"
  program "$myct_title" "$myct run --rm --network none busybox /bin/true"
  program "$bridge_title" "$myct run --rm busybox /bin/true"
  for network in none bridge; do
    options=
    if [[ $network == none ]]; then options=' --network none'; fi
    program "podman run --rm$options" \
      "$(podman_words) run --rm $(podman_run_flags "$network") bench:busybox /bin/true"
    program "docker run --rm$options" "$(docker_words) run --rm$options bench:busybox /bin/true"
  done
}

bench_bridge() {
  local mine floor peer
  gcc -O2 -static -o "$work/link-program" "$here/link.c"
  start_docker
  docker_here import "$work/images/busybox-base.tar.gz" bench:busybox >/dev/null
  forget_programs
  bridge_programs
  measure bridge "$((runs / 3 + 1))" 3
  stop_docker
  mine=$(median_of bridge "$bridge_title")
  floor=$(awk -v none="$(median_of bridge "$myct_title")" -v bare="$(median_of bridge "$bare_title")" \
    -v link="$(median_of bridge "$link_title")" 'BEGIN { print none + link - bare }')
  {
    table 'Start on the default bridge: busybox, /bin/true' bridge "$bridge_title"
    echo
    budget 'run on the bridge, ratio to --network none plus a bare namespace and veth pair' \
      "$(ratio "$mine" "$floor")" 1.5
    for peer in podman docker; do
      at_least "$peer on its bridge, ratio to myct on its own" \
        "$(ratio "$(median_of bridge "$peer run --rm")" "$mine")" 20
    done
  } >>"$work/report"
}

# --- many on one bridge ----------------------------------------------------------------------------------------

# The kernel takes interfaces down after their namespaces' last process, and whoever starts meanwhile waits for it.
wait_until_unconnected() {
  local try
  for ((try = 0; try < 300; ++try)); do
    [[ -n $(ip -oneline link show type veth) ]] || return 0
    sleep 0.1
  done
  die 'interfaces of containers that are gone stay'
}

remove_crowd() {
  "$myct" ps --all --quiet | xargs -r "$myct" rm -f >/dev/null
  wait_until_unconnected
}

# A line for each round, in ms: "FIRST-TEN<tab>LAST-TEN<tab>RATIO".
ends_of_crowds() {
  # shellcheck disable=SC2016  # jq's own variables
  jq --raw-output '.results[0].times | (.[:10] | add * 1000) as $first | (.[-10:] | add * 1000) as $last |
    [$first, $last, $last / $first] | @tsv' "$work"/results/crowd-*.json
}

# Not by measure(): the order of the starts is what counts, and each round begins with an empty bridge. Ten starts are
# few, so there are more rounds than of other things.
start_crowd() {
  hyperfine --shell none --runs "$crowd" --style none --export-json "$work/results/crowd-$1.json" \
    "$myct run -d busybox sleep 100000" >"$work/log" 2>&1 || die "$(grep -v '^ *$' "$work/log" | tail -n 5)"
  (($("$myct" ps --quiet | wc -l) == crowd)) || die "of $crowd containers on one bridge, not all run"
}

bench_crowd() {
  local round crowds=$((rounds * 3))
  # The first one ever makes the bridge.
  "$myct" run --rm busybox true
  for ((round = 1; round <= crowds; ++round)); do
    say "measuring crowd, round $round of $crowds"
    wait_until_unconnected
    start_crowd "$round"
    remove_crowd
  done
  {
    printf '\n### run -d, %d containers on one bridge\n\n' "$crowd"
    echo '| round | first ten | last ten | ratio |'
    echo '| --- | ---: | ---: | ---: |'
    ends_of_crowds | awk '{ printf "| %d | %.2f ms | %.2f ms | %.2f |\n", NR, $1, $2, $3 }'
    echo
    budget 'the last ten, ratio to the first ten, median of the rounds' "$(ends_of_crowds | cut -f 3 | at_rank 0.5)" 1.2
  } >>"$work/report"
}

# --- throughput ------------------------------------------------------------------------------------------------

# at_rank RANK: of the numbers in the standard input, the one at this part of their order.
at_rank() { sort -g | awk -v rank="$1" '{ value[NR] = $1 } END { print value[int((NR - 1) * rank + 0.5) + 1] }'; }

# iperf3 and its libraries, each where it is on this machine; /tmp is for its buffer.
import_iperf() {
  local root=$work/iperf program
  program=$(command -v iperf3)
  mkdir -p "$root/tmp"
  { echo "$program" && ldd "$program" | grep -o '/[^ ]*'; } |
    xargs cp --parents --dereference --target-directory "$root"
  tar --create --directory "$root" --file "$work/iperf.tar" .
  "$myct" import "$work/iperf.tar" iperf >/dev/null
}

# in_plain NAME COMMAND...: in one of the plain network namespaces. In a session of its own, as a container's program is,
# because the kernel may share out processors by sessions (sched_autogroup_enabled).
in_plain() { nsenter --net="/run/netns/plain-$1" -- setsid --wait "${@:2}"; }

# Two namespaces joined by the containers' own bridge, so that nothing but the container itself differs: the bridge, the
# rules and the tracking of connections are the same.
make_plain_networks() {
  local name number=1 bridge host=$1 prefix
  bridge=$(ip -oneline address show to "$host" | awk '{ print $2 }')
  prefix=$(ip -oneline address show to "$host" | awk '{ print $4 }')
  for name in client server; do
    number=$((number + 1))
    ip netns add "plain-$name"
    ip link add "$name" type veth peer name eth0 netns "plain-$name"
    ip link set "$name" master "$bridge" up
    # Far from those that containers are given.
    ip -netns "plain-$name" address add "${host%.*.*}.255.$number/${prefix#*/}" dev eth0
    ip -netns "plain-$name" link set eth0 up
  done
}

# serve NAME [COMMAND...]: an iperf3 server, run by COMMAND, that ends with this script.
serve() {
  local name=$1
  shift
  "$@" setsid setpriv --pdeathsig TERM iperf3 --server --forceflush >"$work/serve-$name" 2>&1 &
  servers+=($!)
  wait_to_listen "$name" cat "$work/serve-$name"
}

# wait_to_listen NAME COMMAND...: until COMMAND prints that a server listens.
wait_to_listen() {
  local try
  for ((try = 0; try < 100; ++try)); do
    ! "${@:2}" 2>/dev/null | grep 'Server listening' >/dev/null || return 0
    sleep 0.1
  done
  die "the iperf3 server of $1 does not listen"
}

start_servers() {
  serve host
  "$myct" run -d --name iperf-server iperf iperf3 --server --forceflush >/dev/null
  wait_to_listen container "$myct" logs iperf-server
  make_plain_networks "$("$myct" inspect --format '{{.NetworkSettings.Gateway}}' iperf-server)"
  serve plain-server nsenter --net=/run/netns/plain-server --
}

stop_servers() {
  local pid
  for pid in "${servers[@]}"; do kill "$pid" && wait "$pid"; done || true
  servers=()
}

# flow KIND COMMAND...: Gbit/s that arrive, appended to the results of KIND.
flow() {
  local kind=$1
  shift
  "$@" --json --time "$flow_seconds" >"$work/log" 2>&1 || die "$kind: $(tail -n 3 "$work/log")"
  jq --exit-status '.end.sum_received.bits_per_second / 1e9' "$work/log" >>"$work/results/flow-$kind" ||
    die "$kind: $(tail -n 3 "$work/log")"
}

measure_flows() {
  local count=$((rounds * (runs / 12 + 1))) number host neighbour client=("$myct" run --rm iperf iperf3 --client)
  host=$("$myct" inspect --format '{{.NetworkSettings.Gateway}}' iperf-server)
  neighbour=$("$myct" inspect --format '{{.NetworkSettings.IPAddress}}' iperf-server)
  for ((number = 1; number <= count; ++number)); do
    say "measuring throughput, $number of $count"
    flow plain-host in_plain client iperf3 --client "$host"
    flow host "${client[@]}" "$host"
    flow plain-neighbour in_plain client iperf3 --client "${host%.*.*}.255.3"
    flow neighbour "${client[@]}" "$neighbour"
  done
}

flow_row() {
  local title=$1 file=$work/results/flow-$2 base=$work/results/flow-$3
  printf '| %s | %.2f Gbit/s | %.2f to %.2f | %.2f |\n' "$title" "$(at_rank 0.5 <"$file")" "$(at_rank 0.1 <"$file")" \
    "$(at_rank 0.9 <"$file")" "$(flow_ratio "$2" "$3")"
}

flow_ratio() { ratio "$(at_rank 0.5 <"$work/results/flow-$1")" "$(at_rank 0.5 <"$work/results/flow-$2")"; }

bench_throughput() {
  import_iperf
  start_servers
  measure_flows
  "$myct" rm -f iperf-server >/dev/null
  stop_servers
  {
    printf '\n### Throughput of one TCP connection, iperf3, %d s each, in turns\n\n' "$flow_seconds"
    echo '| from, to | median | 10 % to 90 % | ratio |'
    echo '| --- | ---: | ---: | ---: |'
    flow_row 'plain namespace, host' plain-host plain-host
    flow_row 'container, host' host plain-host
    flow_row 'plain namespace, plain namespace' plain-neighbour plain-neighbour
    flow_row 'container, container' neighbour plain-neighbour
    echo
    at_least 'container to host, ratio to a plain namespace' "$(flow_ratio host plain-host)" 0.95
    at_least 'container to container, ratio to plain namespaces' "$(flow_ratio neighbour plain-neighbour)" 0.95
  } >>"$work/report"
}
