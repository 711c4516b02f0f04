# What the scripts that look at images have in common; sourced by them, with the program's path in $program.
# shellcheck shell=bash disable=SC2154  # $program is theirs

failures=0

myct() { "$program" "$@"; }

# is TITLE WANTED GOT
is() {
  if [[ $3 == "$2" ]]; then
    echo "ok: $1"
  else
    printf 'FAILED: %s\n  wanted: %s\n  got:    %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# has TITLE PART TEXT
has() {
  if [[ $3 == *"$2"* ]]; then
    echo "ok: $1"
  else
    printf 'FAILED: %s\n  wanted in it: %s\n  got: %s\n' "$1" "$2" "$3"
    failures=$((failures + 1))
  fi
}

# fails TITLE STATUS PART COMMAND...: ends so, with that in its one line on stderr, warnings apart.
fails() {
  local title=$1 wanted=$2 part=$3 status=0 text
  shift 3
  text=$("$@" 2>&1 >/dev/null </dev/null) || status=$?
  is "$title: status" "$wanted" "$status"
  has "$title: message" "$part" "$text"
  is "$title: one line" 1 "$(grep --invert-match --ignore-case --count '^\(myct: \)\?warning' <<<"$text")"
}
