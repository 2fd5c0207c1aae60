#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns files into C sources, at build time.

embed.py openapi IN.yaml NAME OUT.c     const char NAME[]: the document as compact JSON
embed.py assets OUT.c DIR...            struct dashboard_asset dashboard_assets[]: every file of the
                                        folders, gzipped as well where that is smaller
"""
import gzip
import hashlib
import json
import mimetypes
import pathlib
import sys

TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
         ".txt": "text/plain; charset=utf-8", ".png": "image/png"}


def c_bytes(data):
    lines = (",".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24))
    return "{\n" + ",\n".join(lines) + "\n}"


def openapi(source, name, out):
    import yaml
    document = yaml.safe_load(pathlib.Path(source).read_text())
    data = json.dumps(document, separators=(",", ":"), default=str).encode() + b"\0"
    pathlib.Path(out).write_text(
        f"/* Made by embed.py from {source}. */\nextern const char {name}[];\n"
        f"const char {name}[] = {c_bytes(data)};\n")


def asset(index, path):
    data = path.read_bytes()
    packed = gzip.compress(data, 9, mtime=0)
    if len(packed) >= len(data):
        packed = b""
    kind = TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    etag = hashlib.sha256(data).hexdigest()[:32]
    arrays = f"static const unsigned char plain_{index}[] = {c_bytes(data)};\n"
    if packed:
        arrays += f"static const unsigned char packed_{index}[] = {c_bytes(packed)};\n"
    row = (f'\t{{ "/{path.name}", "{kind}", "{etag}", plain_{index}, {len(data)}, '
           + (f"packed_{index}, {len(packed)} }},\n" if packed else "0, 0 },\n"))
    return arrays, row


def assets(out, folders):
    skip = {".c", ".h"}
    files = sorted(p for f in folders for p in pathlib.Path(f).iterdir()
                   if p.is_file() and p.suffix not in skip)
    arrays, rows = zip(*(asset(i, p) for i, p in enumerate(files)))
    pathlib.Path(out).write_text(
        "/* Made by embed.py. */\n#include \"assets.h\"\n\n" + "".join(arrays)
        + "\nconst struct dashboard_asset dashboard_assets[] = {\n" + "".join(rows) + "};\n"
        + f"const size_t dashboard_asset_count = {len(files)};\n")


def main(arguments):
    if arguments[:1] == ["openapi"] and len(arguments) == 4:
        openapi(*arguments[1:])
    elif arguments[:1] == ["assets"] and len(arguments) >= 3:
        assets(arguments[1], arguments[2:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
