#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# debian13.sh: builds what is committed, runs the unit tests and one end-to-end test inside Debian 13, in a
# container of its minimal system. Takes root, podman, runc and debootstrap.
set -euo pipefail
cd "$(dirname "$0")/.."
image=docker.io/library/debian:trixie-slim
export CONTAINERS_CONF=$PWD/tests/integration/containers/containers.conf

tests/integration/containers/base.sh $image
deploy/local/jars.sh kafka hadoop uplot
folder=$(mktemp -d)
trap 'rm -rf --one-file-system "$folder"' EXIT
git archive HEAD | tar -x -C "$folder"
mkdir -p "$folder/build/jars"
for name in kafka hadoop uplot; do
	cp -rL "build/jars/$name" "$folder/build/jars/"
done

# What it takes: deps.sh's packages for running, cmocka, and pytest with what the test imports. PyPI may be reached
# through a proxy whose certificate only this machine knows.
podman run --rm --network=host -v "$folder:/src" -w /src -e "VERSION=$(git describe --always)" \
	-v "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}:/etc/ssl/host.crt:ro" -e PIP_CERT=/etc/ssl/host.crt \
	$image bash -euc '
	deploy/local/deps.sh run
	apt-get -q -y install --no-install-recommends libcmocka-dev python3-venv >build/apt.log 2>&1 ||
		{ tail -n 20 build/apt.log; exit 1; }
	gcc --version | head -n 1
	pkg-config --modversion rdkafka libcjson libcurl gsl | paste -sd " "
	make -s -j"$(nproc)" build VERSION="$VERSION"
	make -s -j"$(nproc)" unit-run VERSION="$VERSION"
	python3 -m venv build/venv
	grep -E "^(pytest|pytest-timeout|requests|kafka-python|PyYAML)==" tests/requirements.txt >build/wanted
	build/venv/bin/pip install -q --disable-pip-version-check -r build/wanted
	build/venv/bin/python -m pytest -q tests/integration/test_pipeline_replay.py'
