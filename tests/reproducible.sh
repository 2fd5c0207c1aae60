#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Builds what git tracks, as it stands here, in two folders of different depth, one after the other, with
# another locale, time zone, umask and number of jobs; the programs must be the same bytes. Leaves the
# folders where they are not.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
folder=$(mktemp -d "${TMPDIR:-/tmp}/reproducible-XXXXXX")
one=$folder/one two=$folder/another/that-is/deeper
version=$(git describe --always --dirty --tags)
deploy/local/jars.sh uplot

copy() {
	mkdir -p "$1/build"
	git ls-files -z | xargs -0 cp --parents -t "$1"
	ln -s "$root/build/jars" "$1/build/jars"
}

# A file's name and the digest of its bytes.
digests() {
	(cd "$1/build/bin" && find . -type f | LC_ALL=C sort | xargs sha256sum)
}

copy "$one"
copy "$two"
(umask 022 && LC_ALL=C TZ=UTC make -s -C "$one" -j"$(nproc)" build VERSION="$version")
(umask 077 && LC_ALL=C.UTF-8 TZ=Asia/Tokyo make -s -C "$two" -j1 build VERSION="$version")
if ! diff <(digests "$one") <(digests "$two"); then
	echo "not the same bytes; the builds are in $folder" >&2
	exit 1
fi
digests "$one"
rm -rf "$folder"
