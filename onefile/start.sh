#!/bin/sh
# The command line, with its own Python behind these lines. Each user unpacks it once, the first time.
id=@ID@
loader=/lib64/ld-linux-x86-64.so.2

fail() {
  echo "customevents: $*" >&2
  exit 1
}

# Nobody else's: what lies there is run.
ours() { [ -d "$1" ] && [ ! -h "$1" ] && [ -O "$1" ]; }

# The libraries by the loader, since LD_LIBRARY_PATH would reach the plugins that show who asks.
python() {
  folder=$1
  shift
  exec "$loader" --library-path "$folder/lib" --argv0 "$folder/bin/python" "$folder/bin/python" \
    -ISB "$@"
}

start() {
  place=$1
  shift
  python "$place" "$place/main.pyc" "$0" "$@"
}

# Leaves all of it there, or nothing; of two at once, the second finds what the first has put there.
unpack() {
  mkdir -p -m 700 "$1" 2>/dev/null && ours "$1" || return 1
  find "$1"/new.* -prune -mtime +0 -exec rm -rf {} + 2>/dev/null # of one that was killed
  new=$(mktemp -d "$1/new.XXXXXX" 2>/dev/null) || return 1
  trap 'rm -rf "$new"' EXIT
  trap 'exit 130' HUP INT TERM
  why=$(tail -c +@OFFSET@ "$0" 2>&1 | tar -xzf - -C "$new" 2>&1) &&
    why=$(python "$new" -c "$into_place" "$new" "$1/$id" 2>&1)
  ended=$?
  rm -rf "$new"
  trap - EXIT HUP INT TERM
  [ $ended = 0 ] && ours "$1/$id"
}
into_place='
import os, sys
try:
    os.rename(*sys.argv[1:])
except FileExistsError: pass
except OSError as error:
    if not os.path.isdir(sys.argv[2]): sys.exit(str(error))
'

kept=
if [ -n "$XDG_CACHE_HOME" ]; then
  kept=$XDG_CACHE_HOME/customevents
elif [ -d "$HOME" ]; then # it may be the name of one that is not there
  kept=$HOME/.cache/customevents
fi
[ -n "$kept" ] && ours "$kept/$id" && start "$kept/$id" "$@"
passing=${TMPDIR:-/tmp}/customevents-$(id -u)
if ours "$passing" && ours "$passing/$id"; then
  # What cleans up there must find all of it young, or all of it old.
  find "$passing/$id" -exec touch -ac {} + 2>/dev/null
  start "$passing/$id" "$@"
fi
[ -x "$loader" ] || fail "this file is for Linux on x86-64 with glibc; here is $(uname -sm), and no $loader"
why=
[ -n "$kept" ] && unpack "$kept" && start "$kept/$id" "$@"
unpack "$passing" && start "$passing/$id" "$@"
why=$(echo "${why:-nothing can be written there}" | sed "/./!d; q")
fail "cannot unpack itself into ${kept:+$kept or }$passing, or run there: $why (it needs @GLIBC@ or newer)"
