#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Everything that is tested, stage after stage; a stage that fails does not stop the others. Each
# stage leaves its counts in build/results; the last line is their sum. Exits 1 when a test failed.
set -u
cd "$(dirname "$0")/.." || exit 2

results=build/results
summary=()
passed=0 failed=0 skipped=0

number_in() { # key, file
	sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p" "$2"
}

# A stage that fails without saying how often counts as one failed test, and so does one that says
# nothing at all though it has tests.
stage() { # name, its counts' file ("-": it has no tests), limit in s, command...
	local name=$1 file=$results/$2.json limit_s=$3 start=$SECONDS status good=0 bad=0 skips=0
	shift 3
	echo "== $name"
	timeout --kill-after=30 "$limit_s" "$@"
	status=$?
	[ $status = 124 ] && echo "$name: the limit of $limit_s s passed"
	if [ -f "$file" ]; then
		good=$(number_in passed "$file") bad=$(number_in failed "$file")
		skips=$(number_in skipped "$file")
	elif [ "$file" != "$results/-.json" ]; then
		bad=1
	fi
	[ $status != 0 ] && [ "${bad:-0}" = 0 ] && bad=1
	summary+=("$(printf '%-14s %5d passed %3d failed %3d skipped %5d s' "$name" "$good" "$bad" \
		"${skips:-0}" $((SECONDS - start)))")
	passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + ${skips:-0}))
}

rm -rf $results
make="make -s -j$(nproc)"
stage deps - 1200 deploy/local/deps.sh test
stage build - 600 $make build
stage lint lint 600 tests/lint.sh
stage unit-asan unit-address-undefined 600 $make unit-asan
stage unit-tsan unit-thread 600 $make unit-tsan
stage fuzz fuzz 600 $make fuzz
stage integration integration 1800 $make integration

echo
printf '%s\n' "${summary[@]}"
line="$passed passed, $failed failed"
[ $skipped = 0 ] || line+=", $skipped skipped"
echo "$line"
[ $failed = 0 ]
