#!/bin/sh
# Installs what is missing, and says what it does: Debian packages, npm packages, the native addon, the compiled
# JavaScript. Does nothing where everything is there. With --test also the tools that the tests compare with.
set -eu
cd "$(dirname "$0")/../.."

need='g++ make python3 pkg-config libsquashfs-dev libarchive-dev liblzma-dev liblzo2-dev libdeflate-dev zlib1g-dev'
if [ "${1:-}" = --test ]; then
  need="$need squashfs-tools squashfs-tools-ng mtd-utils attr xz-utils libarchive-tools fuse3 libfuse3-dev"
  need="$need device-tree-compiler u-boot-tools signify-openbsd rsync sqlite3 git busybox-static chromium"
fi

missing=
for package in $need; do
  case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true) in
    'install ok installed') ;;
    *) missing="$missing $package" ;;
  esac
done

if [ -n "$missing" ]; then
  if [ "$(id -u)" = 0 ]; then
    sudo=
  elif command -v sudo >/dev/null 2>&1; then
    sudo=sudo
  else
    echo "set-up: Debian packages are missing; run as root:" >&2
    echo "  apt-get install -y --no-install-recommends$missing" >&2
    exit 5
  fi
  echo "set-up: installing Debian packages:$missing" >&2
  export DEBIAN_FRONTEND=noninteractive
  $sudo apt-get -qq -o DPkg::Lock::Timeout=300 update
  $sudo apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends $missing >/dev/null
fi

if ! cmp -s package-lock.json node_modules/.firmwright-lock; then
  echo "set-up: npm ci" >&2
  npm ci --ignore-scripts --no-fund --no-audit --loglevel=error
  cp package-lock.json node_modules/.firmwright-lock
fi

# The stamp names the sources the addon was built from, and the Node it was built for.
stamp=$(cat binding.gyp tools/dev/build-native.mjs native/* | cksum)-$(node -p process.versions.modules)
if [ "$stamp" != "$(cat build/.firmwright-stamp 2>/dev/null || true)" ]; then
  echo "set-up: building the native addon" >&2
  node tools/dev/build-native.mjs
  echo "$stamp" >build/.firmwright-stamp
fi

if [ ! -e dist/cli/main.js ] || [ -n "$(find tools package-lock.json -newer dist/cli/main.js -type f -print -quit)" ]; then
  echo "set-up: bundling the program" >&2
  npm run --silent build:js
fi
