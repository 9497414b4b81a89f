#!/bin/sh
# Builds the demo image for two boards, one big-endian and one little-endian; prints the budget and the artefacts.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-out/demo}
node_modules/.bin/tsx tools/dev/demo-kernel.ts "$out/kernel.lzma"
node dist/cli/main.js build images/demo/image.yaml --kernel "$out/kernel.lzma" --out "$out" \
  --board ubnt_unifi-ap --board glinet_gl-mt300n-v2
