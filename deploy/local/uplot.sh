#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# uplot.sh DIR: puts uPlot.iife.min.js, uPlot.min.css and uPlot.LICENSE.txt into DIR, from the
# artefact org.webjars.npm:uplot of uplot/pom.xml. The jar must have the checksum below.
set -euo pipefail
version=1.6.30
sha256=35b1d5d332ae25876ebd3b96c4a6180f29bec7675ad22dda9d3dc803691d19c9
[ $# = 1 ] || { sed -n '3,4s/^# //p' "$0" >&2; exit 2; }
out=${1%/}
stamp=$out.sha256
here=$(cd "$(dirname "$0")" && pwd)
jar=$here/../../build/jars/uplot/uplot-$version.jar

[ "$(cat "$stamp" 2>/dev/null)" = "$sha256" ] && [ -f "$out/uPlot.LICENSE.txt" ] && exit 0
"$here/jars.sh" uplot
found=$(sha256sum <"$jar" | cut -d' ' -f1)
if [ "$found" != "$sha256" ]; then
	echo "uplot.sh: $jar has the checksum $found, expected $sha256; it is not used" >&2
	exit 1
fi
mkdir -p "$out"
python3 - "$jar" "$out" "META-INF/resources/webjars/uplot/$version" <<'PYTHON'
import pathlib
import sys
import zipfile

jar, out, inside = sys.argv[1:]
names = {"dist/uPlot.iife.min.js": "uPlot.iife.min.js", "dist/uPlot.min.css": "uPlot.min.css",
         "LICENSE": "uPlot.LICENSE.txt"}
with zipfile.ZipFile(jar) as packed:
    for source, target in names.items():
        (pathlib.Path(out) / target).write_bytes(packed.read(f"{inside}/{source}"))
PYTHON
echo "$sha256" >"$stamp"
