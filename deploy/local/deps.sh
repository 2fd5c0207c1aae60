#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# deps.sh [run|test]: installs what is missing on Debian 12 or 13, as root or with sudo.
#   run    what `make run` needs: compiler, libraries, Java, Maven, supervisor, the servers' jars
#   test   that and what `make test` needs: clang, cppcheck, cmocka, Chromium, promtool, build/venv (default)
# Says nothing and takes no time when all is there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

run_packages=(gcc make git pkg-config ca-certificates curl
	librdkafka-dev libcjson-dev libcurl4-openssl-dev libgsl-dev libcivetweb-dev
	zlib1g-dev libssl-dev
	python3 python3-yaml supervisor default-jre-headless maven)
test_packages=(clang clang-tidy clang-format llvm cppcheck libcmocka-dev locales python3-venv chromium)
# libFuzzer and clang's sanitizers, which carry clang's version in their name.
declare -A clang_runtime=([12]=libclang-rt-14-dev [13]=libclang-rt-19-dev)

as_root=()

say() { echo "deps: $*" >&2; }
fail() { say "$@"; exit 1; }

# Prints those of the named packages that are not installed.
missing() {
	local known installed
	# It leaves with 1 when it has never heard of one of them.
	known=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null) || true
	installed=$(sed -n 's/^ii *//p' <<<"$known")
	comm -23 <(printf '%s\n' "$@" | sort -u) <(sort -u <<<"$installed")
}

debian_release() {
	local ID=unknown VERSION_ID=unknown
	# shellcheck source=/dev/null
	[ -r /etc/os-release ] && . /etc/os-release
	echo "$ID $VERSION_ID"
}

# apt-get's own words go to build/deps.log.
apt() {
	mkdir -p "$root/build"
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 \
		-o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" >>"$root/build/deps.log" 2>&1
}

apt_failed() {
	tail -n 20 "$root/build/deps.log" >&2
	fail "apt-get could not $*; all of its output is in $root/build/deps.log"
}

# What follows is missing: root or sudo is needed.
become_root() {
	[ "$(id -u)" = 0 ] && return
	command -v sudo >/dev/null || fail "these packages are missing, and installing them takes root or sudo: $*"
	as_root=(sudo)
}

install_packages() {
	local names wanted
	names=$(missing "$@")
	[ -z "$names" ] && return
	mapfile -t wanted <<<"$names"
	become_root "${wanted[@]}"
	say "installing ${wanted[*]}"
	apt update && apt install --no-install-recommends "${wanted[@]}" || apt_failed "install them"
}

# promtool alone: its package starts a server when it is installed.
fetch_promtool() {
	local tools=$root/build/tools packages
	[ -x "$tools/promtool" ] || command -v promtool >/dev/null && return
	say "fetching promtool out of the package prometheus"
	mkdir -p "$tools"
	(
		cd "$tools"
		rm -f prometheus_*.deb
		apt download prometheus || { become_root prometheus && apt update && apt download prometheus; } ||
			apt_failed "download prometheus"
		packages=(prometheus_*.deb)
		dpkg-deb --fsys-tarfile "${packages[0]}" | tar -xO ./usr/bin/promtool >promtool.new
		chmod +x promtool.new
		mv promtool.new promtool
		rm -f "${packages[@]}"
	)
}

make_venv() {
	local venv=$root/build/venv requirements=$root/tests/requirements.txt stamp
	stamp=$(/usr/bin/python3 --version; sha256sum <"$requirements")
	[ "$stamp" = "$(cat "$venv/.stamp" 2>/dev/null)" ] && return
	say "making build/venv from tests/requirements.txt"
	rm -rf "$venv"
	/usr/bin/python3 -m venv "$venv"
	"$venv/bin/pip" install -q --use-pep517 --disable-pip-version-check -r "$requirements" ||
		fail "pip could not install tests/requirements.txt"
	echo "$stamp" >"$venv/.stamp"
}

read -r distribution release < <(debian_release)
[ "$distribution" = debian ] && [ -n "${clang_runtime[$release]:-}" ] ||
	fail "this knows Debian 12 and 13, and here is $distribution $release. Install by hand what" \
		"$0 lists, and call 'make build' and deploy/local/run.py"

case ${1:-test} in
run)
	install_packages "${run_packages[@]}"
	"$here/jars.sh" kafka hadoop uplot
	;;
test)
	install_packages "${run_packages[@]}" "${test_packages[@]}" "${clang_runtime[$release]}"
	"$here/jars.sh" kafka hadoop uplot spark
	fetch_promtool
	make_venv
	;;
*)
	sed -n '3,6s/^# //p' "$0" >&2
	exit 2
	;;
esac
