#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long ingest takes a partition over that has very many published files, on a real NameNode.
The files (empty ones of an offset each) are put into the NameNode's image before it starts, since to
CREATE them would take hours. Exits 1 when the target was missed."""
import argparse
import datetime
import hashlib
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from measure import ROOT, head, row

sys.path.insert(0, str(ROOT / "deploy" / "local"))

from servers import java, kafka_wire, ports  # noqa: E402  (found by the path above)
from servers.stack import Stack  # noqa: E402

TARGET_S, LIMIT_S = 5, 120
FOLDERS = "bitcoin/data/bitcoin_data"
ROOT_INODE = 16385
VIEWER = "org.apache.hadoop.hdfs.tools.offlineImageViewer.OfflineImageViewerPB"


# --- the NameNode's image --------------------------------------------------------------------------

def folder_inode(number, name):
    return (f"<inode><id>{number}</id><type>DIRECTORY</type><name>{name}</name><mtime>1</mtime>"
            "<permission>bitcoin:bitcoin:0755</permission><nsquota>-1</nsquota>"
            "<dsquota>-1</dsquota></inode>")


def file_inode(number, offset):
    return (f"<inode><id>{number}</id><type>FILE</type>"
            f"<name>part-00000-{offset:020}-{offset:020}.csv</name><replication>1</replication>"
            "<mtime>1</mtime><atime>1</atime><preferredBlockSize>134217728</preferredBlockSize>"
            "<permission>bitcoin:bitcoin:0644</permission><storagePolicyId>0</storagePolicyId>"
            "</inode>")


def directory(parent, inodes):
    return (f"<directory><parent>{parent}</parent>" +
            "".join(f"<child>{n}</child>" for n in inodes) + "</directory>")


def add_files(image, count, days):
    """The XML of an empty file system with `count` published files in it, evenly in the folders of
    so many days (0: not split by date)."""
    names = FOLDERS.split("/")
    folders = range(ROOT_INODE + 1, ROOT_INODE + 1 + len(names))
    dates = range(folders[-1] + 1, folders[-1] + 1 + days)
    files = range(folders[-1] + 1 + days, folders[-1] + 1 + days + count)
    inodes = [folder_inode(n, name) for n, name in zip(folders, names)]
    inodes += [folder_inode(n, f"dt={datetime.date(2010, 1, 1) + datetime.timedelta(days=i)}")
               for i, n in enumerate(dates)]
    inodes += [file_inode(n, offset) for offset, n in enumerate(files)]
    children = [directory(parent, [child])
                for parent, child in zip([ROOT_INODE, *folders], folders)]
    children.append(directory(folders[-1], dates or files))
    children += [directory(n, files[i * count // days:(i + 1) * count // days])
                 for i, n in enumerate(dates)]
    image = re.sub(r"<lastInodeId>\d+</lastInodeId>", f"<lastInodeId>{files[-1]}</lastInodeId>",
                   image)
    image = re.sub(r"<numInodes>\d+</numInodes>", f"<numInodes>{1 + len(inodes)}</numInodes>", image)
    image = image.replace("</INodeSection>", "".join(inodes) + "</INodeSection>")
    return image.replace("</INodeDirectorySection>",
                         "".join(children) + "</INodeDirectorySection>")


def fill_image(stack, folder, count, days):
    program = java.find()
    java.fetch_jars("kafka", "hadoop")
    stack.hdfs.prepare(program)
    image = next(path for path in (stack.hdfs.names / "current").glob("fsimage_*")
                 if path.suffix != ".md5")
    text, new = folder / "image.xml", folder / image.name

    def view(processor, source, target):
        java.run([program, *stack.hdfs.options, VIEWER, "-p", processor, "-i", source, "-o",
                  target], f"the image's {processor}")
    view("XML", image, text)
    text.write_text(add_files(text.read_text(), count, days))
    view("ReverseXML", text, new)
    image.write_bytes(new.read_bytes())
    digest = hashlib.md5(image.read_bytes()).hexdigest()
    image.with_name(image.name + ".md5").write_text(f"{digest} *{image.name}\n")


# --- the measurement -------------------------------------------------------------------------------

def stamp_s(log, event):
    """When the ticks' partition told of it."""
    for line in log.splitlines():
        if f'event="{event}"' in line and "topic=peer " in line:
            hours, minutes, seconds = re.search(r"T(\d+):(\d+):([\d.]+)Z", line).groups()
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    return None


def take_over_s(binary, stack, folder, run):
    port, management = ports.free(2)
    settings = {"KAFKA_BROKERS": stack.addresses["kafka"], "TICKS_TOPIC": "peer",
                "BARS_TOPIC": "bars", "HTTP_PORT": port, "MANAGEMENT_PORT": management,
                "HDFS_URLS": stack.addresses["namenode"], "HDFS_USER": "bitcoin",
                "GROUP": f"bench-{run}", "JOIN_BYTES": 0}
    environment = {f"INGEST_{name}": str(value) for name, value in settings.items()}
    log = folder / f"ingest-{run}.log"
    with open(log, "wb") as file:
        process = subprocess.Popen([binary], env={**os.environ, **environment}, stdout=file,
                                   stderr=file)
    limit = time.monotonic() + LIMIT_S
    try:
        while stamp_s(log.read_text(), "partition taken over") is None:
            if process.poll() is not None or time.monotonic() > limit:
                sys.exit(log.read_text())
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    said = log.read_text()
    return stamp_s(said, "partition taken over") - stamp_s(said, "partition assigned")


def run(stack, folder, options):
    fill_image(stack, folder, options.files, options.days)
    stack.start()
    brokers = stack.addresses["kafka"]
    kafka_wire.create_topic(brokers, "peer", 1)
    subprocess.run([options.build / "peer_produce", brokers, "peer", str(options.files)],
                   check=True, stdout=subprocess.DEVNULL)
    spent = [take_over_s(options.bin / "ingest", stack, folder, i) for i in range(options.rounds)]
    head(f"taking a partition over, median of {options.rounds} runs")
    split = f" in {options.days:,} folders of dates" if options.days else ""
    return row(f"s, {options.files:,} files{split} (peer: the target)", statistics.median(spent),
               TARGET_S, 1, False, "{:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / "build" / "bin")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--days", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-recovery-") as folder:
        folder = pathlib.Path(folder)
        stack = Stack(folder / "state", free_ports=True)
        try:
            good = run(stack, folder, options)
        finally:
            stack.stop()
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
