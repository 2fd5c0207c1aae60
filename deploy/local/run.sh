#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# `make run`: installs what is missing, builds, and runs the pipeline in the foreground.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
"$here/deps.sh" run
[ -x build/bin/model ] || echo "building the services" >&2
make --no-print-directory -s "-j$(nproc)" build
exec /usr/bin/python3 "$here/run.py"
