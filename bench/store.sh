# shellcheck shell=bash
# shellcheck disable=SC2154  # variables of bench/run
# Loading images. Part of bench/run, which sources it.

readonly load_files=20000 load_megabytes=300 load_layers=4

# The same bytes on each machine: text that compresses about as programs and their data do.
make_load_tree() {
  local directory=$1
  perl -e '
    my ($directory, $files, $bytes) = @ARGV;
    srand(1);
    my @words = map { join("", map { chr(97 + int(rand(26))) } 1 .. 3 + int(rand(9))) } 1 .. 4000;
    for my $number (0 .. $files - 1) {
      my $place = sprintf("%s/usr/share/part%03d", $directory, $number / 100);
      system("mkdir", "-p", $place) if $number % 100 == 0;
      # Most files are small, some are large.
      my $size = int($bytes / $files * ($number % 20 == 0 ? 10 : 0.53));
      my $text = "";
      $text .= rand() < 0.3 ? pack("L", int(rand(2 ** 32))) : $words[rand(@words)] . " " while length($text) < $size;
      open(my $file, ">", "$place/file$number") or die "$place/file$number: $!";
      print $file substr($text, 0, $size);
    }' "$directory" "$load_files" "$((load_megabytes * 1000000))"
}

# A Docker archive, as `docker save` makes it, and an OCI layout with layers compressed by gzip, as a directory and as an
# archive, all of one image.
make_load_image() {
  local files=$work/load-tree image=$work/load-image layer part layers='' ids=''
  mkdir -p "$files" "$image"
  make_load_tree "$files"
  for ((layer = 0; layer < load_layers; ++layer)); do
    mapfile -t part < <(cd "$files" && find usr/share -mindepth 1 -maxdepth 1 | sort | awk "NR % $load_layers == $layer")
    tar --create --file "$image/$layer.tar" --directory "$files" --sort=name --owner=0 --group=0 "${part[@]}"
    layers+="${layers:+,}\"$layer.tar\""
    ids+="${ids:+,}\"sha256:$(sha256sum "$image/$layer.tar" | cut -d ' ' -f 1)\""
  done
  printf '{"architecture":"amd64","os":"linux","config":{"Cmd":["/bin/true"]},"rootfs":{"type":"layers","diff_ids":[%s]}}' \
    "$ids" >"$image/config.json"
  printf '[{"Config":"config.json","RepoTags":["bench:load"],"Layers":[%s]}]' "$layers" >"$image/manifest.json"
  tar --create --file "$work/load.tar" --directory "$image" manifest.json config.json \
    $(seq --format '%g.tar' 0 $((load_layers - 1)))
  skopeo copy --quiet "docker-archive:$work/load.tar" "oci:$work/load-oci:load"
  tar --create --file "$work/load-oci.tar" --directory "$work/load-oci" .
  rm -rf -- "$files" "$image"
}

# bench_load_of TITLE SET REFERENCE...: the programs of the table, and what is asked of myct beside the best of the others.
report_load() {
  local title=$1 set=$2 best
  best=$(summary "$set" | grep -v '^myct' | cut -f 2 | sort -n | head -n 1)
  table "$title" "$set" 'myct load'
  echo
  at_least 'the best of the others, ratio to myct load' "$(ratio "$best" "$(median_of "$set" 'myct load')")" 1.5
}

bench_load() {
  local fresh_myct="sh -c 'rm -rf $MYCT_ROOT $MYCT_RUNTIME_DIR; sync'" memory
  make_load_image
  start_docker
  forget_programs
  program 'podman load' "$(podman_words) load --quiet --input $work/load.tar" \
    "sh -c '$(podman_words) rmi --all --force; sync'"
  program 'docker load' "$(docker_words) load --quiet --input $work/load.tar" \
    "sh -c '$(docker_words) image prune --all --force; sync'"
  program 'myct load' "$myct load --quiet --input $work/load.tar" "$fresh_myct"
  measure load-docker 3 0
  stop_docker
  forget_programs
  program 'umoci unpack' "umoci unpack --image $work/load-oci:load $work/load-umoci" \
    "sh -c 'rm -rf $work/load-umoci; sync'"
  program 'podman load' "$(podman_words) load --quiet --input $work/load-oci.tar" \
    "sh -c '$(podman_words) rmi --all --force; sync'"
  program 'myct load' "$myct load --quiet --input $work/load-oci.tar" "$fresh_myct"
  measure load-oci 3 0
  rm -rf -- "$MYCT_ROOT" "$MYCT_RUNTIME_DIR" "$work/load-umoci"
  memory=$(peak_memory "$myct" load --quiet --input "$work/load-oci.tar")
  {
    report_load "Loading $load_megabytes MB in $load_files files and $load_layers layers: a Docker archive" load-docker
    report_load 'The same, compressed, in an OCI archive (umoci: its layout)' load-oci
    budget 'peak memory of myct load, MiB' "$((memory / 1024))" 64
  } >>"$work/report"
  rm -rf -- "$MYCT_ROOT" "$MYCT_RUNTIME_DIR" "$work/load.tar" "$work/load-oci" "$work/load-oci.tar"
}
