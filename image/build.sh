#!/usr/bin/env bash
# `make image`: build the image without a Docker engine. As root; nothing outside .cache is written.
set -euo pipefail
cd "$(dirname "$0")/.."

BASE="${BASE:-python:3.13-slim}"
IMAGE="${IMAGE:-localhost/customevents}"
STAND_IN=localhost/stand-in-python:3.13-slim # not "python": its short name would mean this one
NEEDED=(buildah podman runc)
CACHE="$PWD/.cache/image"

main() {
  need "${NEEDED[@]}"
  [ "$(id -u)" = 0 ] || fail "builds as root; with a Docker engine: docker build ."
  settle_storage
  find_base
  build
}

say() { echo "==> $*"; }

fail() {
  echo "image: $*" >&2
  exit 1
}

need() {
  local missing=() command
  for command in "$@"; do
    command -v "$command" >/dev/null || missing+=("$command")
  done
  [ ${#missing[@]} = 0 ] || fail "missing: ${missing[*]}; apt-get install buildah podman runc mmdebstrap"
}

# Images and containers stay in the checkout, and the machine's own settings as they are.
settle_storage() {
  mkdir -p "$CACHE"
  cat >"$CACHE/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$CACHE/storage"
runroot = "$CACHE/run"
[storage.options.overlay]
skip_mount_home = "true"
END
  # The default limits ask for a capability that a container of a build machine may lack. The
  # static folder is where podman's cleanup of an ended container looks; elsewhere it waits 20 s.
  cat >"$CACHE/containers.conf" <<END
[containers]
default_ulimits = ["nofile=8192:8192", "nproc=8192:8192"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "none"
static_dir = "$CACHE/storage/libpod"
tmp_dir = "$CACHE/run/libpod"
volume_path = "$CACHE/volumes"
END
  export CONTAINERS_STORAGE_CONF="$CACHE/storage.conf" CONTAINERS_CONF="$CACHE/containers.conf"
}

find_base() {
  if buildah inspect --type image "$BASE" >/dev/null 2>&1; then
    say "Base: $BASE, which is here"
  elif timeout 300 buildah pull --quiet "$BASE" >"$CACHE/pull.log" 2>&1; then
    say "Base: $BASE, pulled"
  else
    say "Base: $BASE cannot be pulled ($(tail -n 1 "$CACHE/pull.log" | cut -c 1-160))"
    BASE=$STAND_IN
    buildah inspect --type image "$BASE" >/dev/null 2>&1 || make_stand_in
    say "Base: $BASE, a stand-in of Debian's own python3; not for a release"
  fi
}

# Debian 13 has Python 3.13; what the official image adds is where it lies, and its name.
make_stand_in() {
  need mmdebstrap
  say "Making a stand-in out of Debian packages; about a minute"
  local root="$CACHE/base.tar"
  mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,python3-pip,ca-certificates \
    --customize-hook='ln -s /usr/bin/python3 "$1/usr/local/bin/python3"' \
    --customize-hook='ln -s /usr/bin/python3 "$1/usr/local/bin/python"' \
    --customize-hook='ln -s /usr/bin/pip3 "$1/usr/local/bin/pip"' \
    trixie "$root" "$(debian_mirror)"
  podman import --quiet "$root" "$STAND_IN" >/dev/null
  rm "$root"
}

# The mirror that this machine's apt already uses.
debian_mirror() {
  local found
  found=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' |
    sed -n 's/^Debian //p' | head -n 1)
  [ -n "$found" ] || fail "apt on this machine names no mirror of Debian to make a base from"
  echo "$found"
}

build() {
  local version revision begin=$SECONDS
  version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' operator/customevents/__init__.py)
  revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
  say "Building $IMAGE:$version from $revision"
  # pip in the build trusts what this machine trusts; the image does not keep it.
  buildah bud --quiet --pull-never --isolation chroot --format docker \
    --volume /etc/ssl/certs:/etc/ssl/certs:ro \
    --build-arg "BASE=$BASE" --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --tag "$IMAGE:$version" --file Dockerfile . >/dev/null
  say "Built $IMAGE:$version in $((SECONDS - begin)) s"
}

main
