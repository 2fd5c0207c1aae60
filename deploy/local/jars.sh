#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# jars.sh NAME...: fetches the jars of deploy/local/NAME/pom.xml into build/jars/NAME by Maven.
# A pom that did not change since is not fetched again; a fetch that was cut leaves nothing behind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
jars=$(cd "$here/../.." && pwd)/build/jars

fetch() {
	local name=$1 pom=$here/$1/pom.xml sum
	[ -f "$pom" ] || { echo "jars.sh: there is no $pom" >&2; return 2; }
	sum=$(sha256sum <"$pom")
	[ "$sum" = "$(cat "$jars/$name/.pom.sha256" 2>/dev/null)" ] && return 0
	if ! command -v mvn >/dev/null; then
		echo "jars.sh: Maven is missing, so the jars of $name can't be fetched; run 'make deps' first" >&2
		return 1
	fi
	echo "fetching the jars of $name" >&2
	mkdir -p "$jars"
	local new
	new=$(mktemp -d "$jars/.$name.XXXXXX")
	if ! mvn -q -B -f "$pom" dependency:copy-dependencies -DincludeScope=runtime \
		-DoutputDirectory="$new" >"$jars/$name.log" 2>&1; then
		rm -rf "$new"
		echo "jars.sh: Maven could not fetch the jars of $name:" >&2
		tail -n 15 "$jars/$name.log" >&2
		return 1
	fi
	echo "$sum" >"$new/.pom.sha256"
	chmod 755 "$new"
	rm -rf "${jars:?}/$name"
	mv "$new" "$jars/$name"
}

mkdir -p "$jars"
exec 9>"$jars/.lock"
flock -w 900 9 || { echo "jars.sh: another fetch holds $jars/.lock" >&2; exit 1; }
for name in "$@"; do
	fetch "$name"
done
