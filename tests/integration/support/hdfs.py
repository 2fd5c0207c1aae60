# SPDX-License-Identifier: GPL-3.0-or-later
"""HDFS as another client sees it, by WebHDFS."""
import base64
import collections
import gzip
import json
import re
import urllib.parse

import requests

DATASETS = {"ticks": "bitcoin_data", "bars": "bitcoin_bars"}
PUBLISHED = re.compile(r"part-(\d{5})-(\d{20})-(\d{20})\.(?:csv|jsonl)(?:\.gz)?")
DEAD = re.compile(r"part-(\d{5})-(\d{20})-(\d{20})\.jsonl?")

Range = collections.namedtuple("Range", "partition first last path length")


class HdfsError(Exception):
    def __init__(self, answer):
        super().__init__(f"{answer.request.method} {answer.url}: {answer.status_code} "
                         f"{answer.text[:500]}")
        self.status = answer.status_code


class HdfsClient:
    """Acts as the superuser, so that a test sees and breaks everything."""

    def __init__(self, url, user):
        self.url, self.user = url, user
        self.session = requests.Session()

    def call(self, method, path, op, data=None, **query):
        query = {"op": op, "user.name": self.user, **query}
        answer = self.session.request(method, f"{self.url}/webhdfs/v1{urllib.parse.quote(path)}",
                                      params=query, data=data, timeout=60)
        if answer.status_code >= 400:
            raise HdfsError(answer)
        return answer

    # --- files ----------------------------------------------------------------------------------

    def list(self, path):
        """[FileStatus] of a folder; [] when it is not there."""
        try:
            return self.call("GET", path, "LISTSTATUS").json()["FileStatuses"]["FileStatus"]
        except HdfsError as error:
            if error.status == 404:
                return []
            raise

    def names(self, path):
        return sorted(status["pathSuffix"] for status in self.list(path))

    def walk(self, path):
        """Paths of all files below."""
        for status in self.list(path):
            below = f"{path}/{status['pathSuffix']}"
            if status["type"] == "DIRECTORY":
                yield from self.walk(below)
            else:
                yield below

    def exists(self, path):
        try:
            self.call("GET", path, "GETFILESTATUS")
        except HdfsError as error:
            if error.status == 404:
                return False
            raise
        return True

    def read(self, path):
        return self.call("GET", path, "OPEN").content

    def write(self, path, data, overwrite=False, **query):
        where = self.call("PUT", path, "CREATE", noredirect="true",
                          overwrite=str(overwrite).lower(), **query).json()["Location"]
        # After a restart of the NameNode the DataNode's first call to it finds a dead connection.
        for _ in range(3):
            answer = self.session.put(where, data=data, timeout=60,
                                      headers={"Content-Type": "application/octet-stream"})
            if "EOFException" not in answer.text:
                break
        if answer.status_code != 201:
            raise HdfsError(answer)

    def make_folder(self, path, owner=None, permission="755"):
        self.call("PUT", path, "MKDIRS", permission=permission)
        if owner:
            self.call("PUT", path, "SETOWNER", owner=owner, group=owner)

    def delete(self, path):
        self.call("DELETE", path, "DELETE", recursive="true")

    # --- what ingest published --------------------------------------------------------------------

    def _ranges(self, folder, pattern):
        found = []
        for status in self.list(folder):
            name = pattern.fullmatch(status["pathSuffix"])
            if name and status["type"] == "FILE":
                found.append(Range(*map(int, name.groups()), f"{folder}/{status['pathSuffix']}",
                                   status["length"]))
        return sorted(found)

    def published(self, root, dataset):
        """[Range] of the data files of "ticks" or "bars", by partition and first offset."""
        return self._ranges(f"{root}/data/{DATASETS[dataset]}", PUBLISHED)

    def offsets(self, root, dataset):
        """{partition: [(first, last)]}, neighbours joined; AssertionError where two files share an
        offset."""
        joined = collections.defaultdict(list)
        for part in self.published(root, dataset):
            done = joined[part.partition]
            assert not done or done[-1][1] < part.first, f"{part.path} repeats offsets of {done[-1]}"
            if done and done[-1][1] + 1 == part.first:
                done[-1] = (done[-1][0], part.last)
            else:
                done.append((part.first, part.last))
        return dict(joined)

    def lines(self, path):
        """Of a data file, as its ending says."""
        data = self.read(path)
        return (gzip.decompress(data) if path.endswith(".gz") else data).decode().splitlines()

    def rows(self, root, dataset):
        """Every line of the data files as a str, in order of partition and offset."""
        return [line for part in self.published(root, dataset)
                for line in self.lines(part.path)]

    def rows_by_offset(self, root, dataset):
        """{(partition, offset): line}, for files where each offset of the range is a row."""
        found = {}
        for part in self.published(root, dataset):
            lines = self.lines(part.path)
            assert len(lines) == part.last - part.first + 1, \
                f"{part.path} has {len(lines)} rows, so its offsets can't be told"
            found.update({(part.partition, part.first + i): line for i, line in enumerate(lines)})
        return found

    def dead_letters(self, root, dataset):
        """[dict] in order of partition and offset; `raw` is the value's bytes or None."""
        folder = f"{root}/dead_letters/{DATASETS[dataset]}"
        found = []
        for path in sorted(self.walk(folder)):
            for line in self.read(path).decode().splitlines():
                letter = json.loads(line)
                for name, value in list(letter.items()):
                    if name in ("value", "raw", "value_base64", "raw_base64") and value is not None:
                        letter["raw"] = base64.b64decode(value)
                found.append(letter)
        return found
