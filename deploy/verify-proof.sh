#!/bin/sh
# Checks that one entry stands in the governor's ledger, with sh, openssl, xxd and coreutils alone.
#
#   verify-proof.sh ENTRY PROOF LOG.PUB.PEM      for example: verify-proof.sh entry packet.tlog-proof log.pub.pem
#
# ENTRY is the leaf's bytes, PROOF a C2SP tlog-proof, LOG.PUB.PEM the log's Ed25519 public key.
# Exit 0: the entry is in the ledger that this key signed. Exit 1: it is not. Exit 2: a file is missing or malformed.
set -eu

[ $# -eq 3 ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 2; }
entry=$1 proof=$2 key=$3
for file in "$entry" "$proof" "$key"; do
  [ -r "$file" ] || { echo "$file: cannot be read" >&2; exit 2; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sha256() { openssl dgst -sha256 -binary | xxd -p -c 64; }
node() { printf '01%s%s' "$1" "$2" | xxd -r -p | sha256; }     # RFC 9162: SHA-256(0x01, left, right)
digest() { printf '%s' "$1" | base64 -d 2>/dev/null | xxd -p -c 64; }

# A proof is a header, the entry's place, the path, an empty line, and the signed head.
[ "$(sed -n 1p "$proof")" = 'c2sp.org/tlog-proof@v1' ] || { echo "$proof: line 1 is not c2sp.org/tlog-proof@v1" >&2; exit 2; }
index=$(sed -n '2s/^index \([0-9][0-9]*\)$/\1/p' "$proof")
[ -n "$index" ] || { echo "$proof: line 2 is not 'index N'" >&2; exit 2; }
sed '1,2d;/^$/,$d' "$proof" > "$work/path"
sed '1,/^$/d' "$proof" > "$work/checkpoint"
origin=$(sed -n 1p "$work/checkpoint")
size=$(sed -n '2s/^\([0-9][0-9]*\)$/\1/p' "$work/checkpoint")
[ -n "$size" ] || { echo "$proof: the checkpoint gives no size" >&2; exit 2; }
root=$(digest "$(sed -n 3p "$work/checkpoint")")

# 1. The path leads from the entry to the root.
at=$index last=$((size - 1))
[ "$at" -le "$last" ] || { echo "inclusion FAILED: entry $index is outside a ledger of $size"; exit 1; }
hash=$({ printf '\000'; cat "$entry"; } | sha256)              # RFC 9162: SHA-256(0x00, entry)
while read -r line; do
  [ "$last" -gt 0 ] || { echo "inclusion FAILED: the path is too long"; exit 1; }
  step=$(digest "$line")
  if [ $((at % 2)) -eq 1 ] || [ "$at" -eq "$last" ]; then
    hash=$(node "$step" "$hash")
    while [ "$at" -ne 0 ] && [ $((at % 2)) -eq 0 ]; do at=$((at / 2)) last=$((last / 2)); done
  else
    hash=$(node "$hash" "$step")
  fi
  at=$((at / 2)) last=$((last / 2))
done < "$work/path"
if [ "$last" -ne 0 ] || [ "$hash" != "$root" ]; then
  echo "inclusion FAILED: entry $index does not lead to the root of $size entries"; exit 1
fi
echo "inclusion OK: entry $index of $size"

# 2. The log signed that root. The signature line is: dash, name, base64(4 bytes of key id, 64 bytes of signature).
sed -n 1,3p "$work/checkpoint" > "$work/body"
sed '1,/^$/d' "$work/checkpoint" | while read -r dash name payload; do
  [ "$dash $name" = "— $origin" ] || continue
  printf '%s' "$payload" | base64 -d 2>/dev/null | tail -c +5 > "$work/signature"
  if openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/body" -sigfile "$work/signature" >/dev/null 2>&1; then
    : > "$work/signed"
  fi
done
[ -e "$work/signed" ] || { echo "signature FAILED: no line of $origin is by this key"; exit 1; }
echo "signature OK: $origin"
