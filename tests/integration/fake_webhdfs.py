# SPDX-License-Identifier: GPL-3.0-or-later
"""A WebHDFS server over an in-memory file system that can be told to misbehave at any step: for
faults that a real HDFS can't be made to show at the wanted moment.

  hdfs = FakeHdfs()
  hdfs.fail("RENAME", "lost-answer")            # the next RENAME; fail(…, times=3) for the next three
  hdfs.fail("DATA", "half"); hdfs.fired         # [(step, fault)] that happened

Steps are WebHDFS operations, and DATA for the body's PUT to the DataNode. Both are this server."""
import http.server
import json
import socket
import struct
import threading
import urllib.parse

EXCEPTIONS = {
    "standby": (403, "org.apache.hadoop.ipc.StandbyException", "Operation category WRITE"),
    "retriable": (403, "org.apache.hadoop.ipc.RetriableException", "Namenode is in startup mode"),
    "safe-mode": (403, "org.apache.hadoop.hdfs.server.namenode.SafeModeException", "Cannot write"),
    "quota": (403, "org.apache.hadoop.hdfs.protocol.DSQuotaExceededException", "quota exceeded"),
    "denied": (403, "org.apache.hadoop.security.AccessControlException", "Permission denied"),
    "credential": (403, "java.lang.SecurityException",
                   "Failed to obtain user group information: org.apache.hadoop.security.token."
                   "SecretManager$InvalidToken: Token  has expired"),
    "server-error": (500, "java.lang.NullPointerException", ""),
}
# What is sent instead of the right answer; the call is not carried out.
BODIES = {"false": b'{"boolean":false}', "empty": b"", "cut-json": b'{"boolean":tr',
          "html": b"<html>hello</html>"}
HEAD = "head"  # where the head of an answer ends; see answer_cut
NOT_FOUND = (404, "java.io.FileNotFoundException", "does not exist")
INVALID = (400, "org.apache.hadoop.HadoopIllegalArgumentException", "concat: not these")
EXISTS = (403, "org.apache.hadoop.fs.FileAlreadyExistsException", "exists")


def answer_cut(at):
    """A fault: the call is carried out, and a reset comes after that many bytes of its answer
    (negative: that many before its end)."""
    def fault(handler):
        handler.cut_at = at
        handler.behave()
    return fault


def body_cut(share):
    """A fault: a reset after that share of the request's body; the DataNode keeps what came."""
    def fault(handler):
        length = int(int(handler.headers.get("Content-Length") or 0) * share)
        handler.received = handler.rfile.read(length)
        if handler.step == "DATA":
            handler.behave(answer=False)
        handler.hang_up()
    return fault


class Refused(Exception):
    """An answer that is a RemoteException: (status, class, message)."""


class Files:
    """Paths to bytes, or None for a folder; each with an id that a rename keeps."""

    def __init__(self):
        self.lock = threading.RLock()
        self.entries = {"/": (1, None)}
        self.next_id = 16385

    def _new(self, path, data):
        self.entries[path] = (self.next_id, data)
        self.next_id += 1

    def parent(self, path):
        return path.rsplit("/", 1)[0] or "/"

    def is_folder(self, path):
        return path in self.entries and self.entries[path][1] is None

    def mkdirs(self, path):
        with self.lock:
            if path in self.entries:
                return
            self.mkdirs(self.parent(path))
            self._new(path, None)

    def create(self, path, data, make_parent):
        with self.lock:
            if make_parent:
                self.mkdirs(self.parent(path))
            if not self.is_folder(self.parent(path)):
                raise Refused(NOT_FOUND)
            if path in self.entries:
                raise Refused(EXISTS)
            self._new(path, data)

    def rename(self, source, target, over=False):
        with self.lock:
            if source not in self.entries or not self.is_folder(self.parent(target)):
                raise Refused(NOT_FOUND)
            if target in self.entries and not over:
                raise Refused(EXISTS)
            self.entries[target] = self.entries.pop(source)

    def concat(self, target, sources):
        with self.lock:
            if target not in self.entries or any(source not in self.entries for source in sources):
                raise Refused(NOT_FOUND)
            if target in sources or any(not self.entries[source][1] for source in sources):
                raise Refused(INVALID)
            file_id, data = self.entries[target]
            for source in sources:
                data += self.entries.pop(source)[1]
            self.entries[target] = (file_id, data)

    def delete(self, path):
        with self.lock:
            gone = [p for p in self.entries if p == path or p.startswith(path + "/")]
            for p in gone:
                del self.entries[p]
            return bool(gone)

    def status(self, path):
        with self.lock:
            if path not in self.entries:
                raise Refused(NOT_FOUND)
            file_id, data = self.entries[path]
            return {"fileId": file_id, "length": len(data or b""), "modificationTime": 1,
                    "type": "DIRECTORY" if data is None else "FILE", "pathSuffix": ""}

    def list(self, path):
        with self.lock:
            self.status(path)
            names = sorted(p for p in self.entries if p != "/" and self.parent(p) == path)
            return [{**self.status(p), "pathSuffix": p.rsplit("/", 1)[1]} for p in names]

    def below(self, path):
        """{path: bytes} of all files."""
        with self.lock:
            return {p: data for p, (_, data) in self.entries.items()
                    if data is not None and p.startswith(path + "/")}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    # --- faults ---------------------------------------------------------------------------------

    def handle_call(self):
        url = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        is_data = url.path.startswith("/data/")
        self.file = urllib.parse.unquote(url.path[len("/data" if is_data else "/webhdfs/v1"):])
        self.step = "DATA" if is_data else self.query["op"]
        self.server.fake.seen.append((self.step, dict(self.query), dict(self.headers)))
        if self.headers.get("Content-Type") != "application/octet-stream" and self.command != "GET":
            self.say(400, b"the content type must be application/octet-stream")
            return
        fault = self.server.fake.take_fault(self.step, self.file)
        try:
            self.misbehave(fault) if fault else self.behave()
        except Refused as refused:
            self.refuse(*refused.args[0])
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = handle_call

    def misbehave(self, fault):
        if fault == "reset":
            self.hang_up()
        elif fault == "lost-answer":
            self.behave(answer=False)
            self.hang_up()
        elif fault == "half":
            self.half()
        elif fault in ("slow", "late"):  # done at once, or only when nobody waits any more
            if fault == "slow":
                self.behave(answer=False)
            else:
                self.body()
            self.server.fake.released.wait(self.server.fake.slow_s)
            if fault == "late":
                self.behave(answer=False, data=self.received)
            self.hang_up()
        elif callable(fault):
            fault(self)
        elif fault in EXCEPTIONS:
            self.body()
            raise Refused(EXCEPTIONS[fault])
        elif fault == "no-location":
            self.body()
            self.say(307, b"")
        else:
            self.body()
            self.say(200, BODIES[fault])

    def half(self):
        if self.step == "DATA":
            length = int(self.headers["Content-Length"]) // 2
            self.server.files.create(self.file, self.rfile.read(length), False)
        else:
            self.behave(answer=False)
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n{\"boo")
            self.wfile.flush()
        self.hang_up()

    def hang_up(self):
        """With a reset, not an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()
        raise ConnectionError

    # --- as it should be --------------------------------------------------------------------------

    received = cut_at = None

    def body(self):
        if self.received is None:
            self.received = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return self.received

    def behave(self, answer=True, data=None):
        files = self.server.files
        sent = self.body() if data is None else data
        status, reply = 200, b""
        if self.step == "DATA":
            if self.command == "GET":
                reply = files.entries[self.file][1]
            else:
                files.create(self.file, sent, self.query["createparent"] == "true")
                status = 201
        elif self.step in ("CREATE", "OPEN"):
            fake = self.server.fake
            away = fake.away_port and not self.query.get("excludedatanodes")
            port = fake.away_port if away else self.server.server_address[1]
            host = f"http://{fake.datanode_host}:{port}"
            reply = {"Location": f"{host}/data{urllib.parse.quote(self.file)}?createparent="
                                 f"{self.query.get('createparent')}&delegation=dn-secret"}
        elif self.step == "MKDIRS":
            files.mkdirs(self.file)
            reply = {"boolean": True}
        elif self.step == "DELETE":
            reply = {"boolean": files.delete(self.file)}
        elif self.step == "RENAME":
            assert self.query["renameoptions"] in ("NONE", "OVERWRITE")
            files.rename(self.file, self.query["destination"],
                         self.query["renameoptions"] == "OVERWRITE")
        elif self.step == "CONCAT":
            files.concat(self.file, self.query["sources"].split(","))
        elif self.step == "GETFILESTATUS":
            reply = {"FileStatus": files.status(self.file)}
        elif self.step == "LISTSTATUS_BATCH":
            after = self.query.get("startAfter", "")
            page = [s for s in files.list(self.file) if s["pathSuffix"] > after]
            reply = {"DirectoryListing": {
                "partialListing": {"FileStatuses": {"FileStatus": page[:10]}},
                "remainingEntries": max(0, len(page) - 10)}}
        if answer:
            self.say(status, reply if isinstance(reply, bytes) else json.dumps(reply).encode())

    def refuse(self, status, name, message):
        self.body()
        self.say(status, json.dumps({"RemoteException": {
            "exception": name.rsplit(".", 1)[1], "javaClassName": name,
            "message": message}}).encode())

    def say(self, status, data):
        self.body()
        head = (f"HTTP/1.1 {status} {self.responses[status][0]}\r\n"
                f"Content-Length: {len(data)}\r\n\r\n").encode()
        if self.cut_at is None:
            self.wfile.write(head + data)
            return
        self.wfile.write((head + data)[:len(head) if self.cut_at == HEAD else self.cut_at])
        self.hang_up()

    def setup(self):
        super().setup()
        self.connection.settimeout(60)

    def handle_one_request(self):
        self.received = self.cut_at = None
        super().handle_one_request()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        pass  # a connection that the other side dropped


class FakeHdfs:
    def __init__(self, files=None):
        self.files = files or Files()
        self.lock = threading.Lock()
        self.faults = []  # [step, fault, times left, part of the path]
        self.mode = None  # a fault of every call to the NameNode
        self.fired, self.seen = [], []
        self.datanode_host = "127.0.0.1"
        self.away_port = None  # where nobody listens: CREATE and OPEN name it first
        self.slow_s = 60
        self.released = threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.fake, self.server.files = self, self.files
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def fail(self, step, fault, times=1, path=""):
        with self.lock:
            self.faults.append([step, fault, times, path])

    def take_fault(self, step, path):
        with self.lock:
            for rule in self.faults:
                if rule[0] == step and rule[2] > 0 and rule[3] in path:
                    rule[2] -= 1
                    self.fired.append((step, rule[1]))
                    return rule[1]
            return self.mode if step != "DATA" else None

    def heal(self):
        with self.lock:
            self.faults.clear()
            self.mode = None

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
