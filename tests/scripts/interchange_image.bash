# An image of four layers with all that layers can hold, made by hand as an OCI image layout: sourced with a directory in
# $work and the tarball of a root file system in $base. Leaves the layout in $layout, and its $id and $digest.
# shellcheck shell=bash disable=SC2154,SC2164,SC2034  # it is run by scripts that end at an error, and for them

readonly layout=$work/layout
mkdir -p "$layout/blobs/sha256" "$work/1" "$work/2" "$work/3"
printf '{"imageLayoutVersion":"1.0.0"}' >"$layout/oci-layout"

hex() { sha256sum "$1" | cut -d' ' -f1; }
# store_blob FILE: its descriptor's digest and size.
store_blob() {
  local digits
  digits=$(hex "$1")
  cp "$1" "$layout/blobs/sha256/$digits"
  printf '"digest":"sha256:%s","size":%s' "$digits" "$(stat --format %s "$1")"
}
make_tar() { tar --sort=name --numeric-owner --xattrs --xattrs-include='*' --format=pax -cf "$1.tar" -C "$1" .; }

tar -xzf "$base" -C "$work/1"
(
  cd "$work/1"
  mkdir -p dir/sub opaque/old gone-dir/deep kept replaced-dir
  echo one >dir/file
  echo gone >dir/gone
  echo old >opaque/old/file
  echo deep >gone-dir/deep/file
  echo link >kept/a
  ln kept/a kept/b
  ln -s ../dir/file kept/symlink
  mkfifo -m 0640 kept/fifo
  mknod kept/null c 1 3
  mknod kept/block b 7 200
  chown 1234:5678 dir/file
  chmod 6755 kept/a
  chmod 1777 dir
  setfattr -n user.colour -v red kept/a
  setfattr -n security.capability -v 0sAQAAAgAgAAAAAAAAAAAAAAAAAAA= kept/b
  truncate -s 1M kept/sparse
  echo was-file >replaced-file
  echo was-in-dir >replaced-dir/file
  touch -d @1000000000.123456789 dir/file kept/a
  touch -h -d @1100000000 kept/symlink
  touch -d @1200000000 dir kept opaque gone-dir replaced-dir .
)
make_tar "$work/1"
(
  cd "$work/2"
  mkdir -p dir opaque/new replaced-file kept
  : >dir/.wh.gone
  : >opaque/.wh..wh..opq
  echo new >opaque/new/file
  : >.wh.gone-dir
  echo in-dir >replaced-file/file
  echo now-file >replaced-dir
  chown 7:8 kept
  chmod 0711 dir
  touch -d @1300000000 dir opaque opaque/new replaced-file kept replaced-dir .
)
make_tar "$work/2"
(
  cd "$work/3"
  mkdir -p dir gone-dir
  echo back >dir/gone
  echo again >gone-dir/file
  touch -d @1400000000 dir gone-dir dir/gone gone-dir/file .
)
make_tar "$work/3"
# What the fourth changes is all that it names: no directory.
mkdir -p "$work/4/dir/sub" "$work/4/kept" "$work/4/gone-dir"
(
  cd "$work/4"
  echo late >dir/sub/late
  echo late >kept/late
  : >gone-dir/.wh.file
  touch -d @1500000000 dir/sub/late kept/late
  tar --numeric-owner --format=pax -cf "$work/4.tar" dir/sub/late kept/late gone-dir/.wh.file
)
gzip --no-name --keep "$work/1.tar"
zstd --quiet --keep "$work/2.tar"

printf '{"created":"2024-05-06T07:08:09.123456789Z","author":"A. Uthor","architecture":"amd64","os":"linux",
"config":{"Cmd":["/bin/sh"],"Env":["A=1"],"Labels":{"kept":"yes"},"OnBuild":["RUN true"]},
"rootfs":{"type":"layers","diff_ids":["sha256:%s","sha256:%s","sha256:%s","sha256:%s"]},
"history":[{"created_by":"first"},{"created_by":"ENV A=1","empty_layer":true},{"created_by":"second"},
{"created_by":"third"},{"created_by":"fourth","comment":"the last"}],"unknown":{"member":[1]}}' \
  "$(hex "$work/1.tar")" "$(hex "$work/2.tar")" "$(hex "$work/3.tar")" "$(hex "$work/4.tar")" >"$work/config"
readonly layer_type=application/vnd.oci.image.layer.v1.tar
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json",
"config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},
"layers":[{"mediaType":"%s+gzip",%s},{"mediaType":"%s",%s},{"mediaType":"%s",%s},
{"mediaType":"%s",%s}],"annotations":{"x":"y"}}' \
  "$(store_blob "$work/config")" "$layer_type" "$(store_blob "$work/1.tar.gz")" "$layer_type" \
  "$(store_blob "$work/2.tar")" "$layer_type" "$(store_blob "$work/3.tar")" "$layer_type" \
  "$(store_blob "$work/4.tar")" >"$work/manifest"
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,
"annotations":{"org.opencontainers.image.ref.name":"demo"}}]}' "$(store_blob "$work/manifest")" >"$layout/index.json"
id=sha256:$(hex "$work/config")
digest=sha256:$(hex "$work/manifest")
readonly id digest

# One line for each file: everything that stat(2), getxattr(2) and a reader can tell; of links, the group of names.
list_tree() {
  (
    cd "$1"
    find . -mindepth 1 \( -type d -printf '%p %y %m %U:%G %T@\n' \) -o \
      -printf '%p %y %m %U:%G %T@ %s %n %l\n' | sort
    find . -mindepth 1 \( -type c -o -type b \) -exec stat --format '%n device %t:%T' {} + | sort
    find . -type f -links +1 -printf '%i %p\n' | sort -k2 | awk '{ first[$1] = first[$1] ? first[$1] : $2;
      print $2, "is", first[$1] }'
    find . -type f -exec sha256sum {} + | sort -k2
    find . -mindepth 1 ! -type l -exec getfattr --absolute-names -d -m '^(user|security|trusted)' -e hex {} + | sort
  )
}
