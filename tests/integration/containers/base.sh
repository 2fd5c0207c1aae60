#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# base.sh IMAGE: makes Debian 13's minimal system the image that Containerfile builds on, where no registry of
# images can be reached. An image of that name that is there stays.
set -euo pipefail
[ $# = 1 ] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
podman image exists "$1" && exit 0
folder=$(mktemp -d)
trap 'rm -rf --one-file-system "$folder"' EXIT
debootstrap --variant=minbase trixie "$folder/root" >"$folder/log" 2>&1 ||
	{ tail -n 20 "$folder/log" >&2; exit 1; }
tar --one-file-system --exclude='./var/cache/apt/archives/*' -C "$folder/root" -c . |
	podman import -q - "$1"
