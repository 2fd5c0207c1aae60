# SPDX-License-Identifier: GPL-3.0-or-later
"""HDFS: a NameNode and a DataNode, and the folder of the services' user."""
import os
import pwd
import socket
import urllib.parse
from xml.sax.saxutils import escape

from . import java, rest
from .errors import StackError
from .ports import HOST
from .supervisor import Program

NAMENODE, DATANODE = "namenode", "datanode"
OWNER, HOME = "bitcoin", "/bitcoin"
HEAP = ["-Xms64m", "-Xmx256m", "-XX:+UseSerialGC"]
# The NameNode moves no data: it gains more from a start without the optimizing compiler.
TUNING = {NAMENODE: [*HEAP, *java.QUICK], DATANODE: HEAP}
CLASSES = {NAMENODE: "org.apache.hadoop.hdfs.server.namenode.NameNode",
           DATANODE: "org.apache.hadoop.hdfs.server.datanode.DataNode"}


def _bean(url, server, name):
    """What a server tells of itself by JMX."""
    query = f"/jmx?qry=Hadoop:service={server},name={name}"
    return rest.call_json("GET", url + query, timeout_s=2)[1]["beans"][0]


class Hdfs:
    def __init__(self, state, ports):
        self.folder = state / "hdfs"
        self.names, self.blocks = self.folder / "name", self.folder / "data"
        self.conf = self.folder / "conf"
        self.ports = ports
        self.url = f"http://{HOST}:{ports['namenode-http']}"
        self.datanode_url = f"http://{HOST}:{ports['datanode-http']}"
        self.superuser = pwd.getpwuid(os.geteuid()).pw_name
        self.options = ["-Djava.awt.headless=true", "-Djava.net.preferIPv4Stack=true",
                        # WebHDFS answers through JAXB, which reaches into the class loader.
                        "--add-opens=java.base/java.lang=ALL-UNNAMED",
                        "-cp", f"{self.conf}:{java.JARS / 'hadoop'}/*"]

    # --- files ----------------------------------------------------------------------------------

    def _write_config(self):
        ports = self.ports
        java.render("hadoop/core-site.xml.in", self.conf / "core-site.xml", {
            "RPC_PORT": ports["namenode-rpc"], "TMP": escape(str(self.folder / "tmp"))})
        java.render("hadoop/hdfs-site.xml.in", self.conf / "hdfs-site.xml", {
            # Not as URIs: the DataNode would encode them once more.
            "NAME": escape(str(self.names)), "DATA": escape(str(self.blocks)),
            "RPC_PORT": ports["namenode-rpc"], "HTTP_PORT": ports["namenode-http"],
            "DATANODE_HTTP_PORT": ports["datanode-http"],
            "DATANODE_DATA_PORT": ports["datanode-data"],
            "DATANODE_IPC_PORT": ports["datanode-ipc"]})
        java.render("hadoop/log4j.properties", self.conf / "log4j.properties", {})
        # The jars lack the web pages, and without the folders the servers do not start.
        for page in ("hdfs", "datanode", "static"):
            (self.conf / "webapps" / page).mkdir(parents=True, exist_ok=True)

    def prepare(self, java_program):
        """Writes the configuration; formats the NameNode's folder if there is none, and only
        then."""
        self._write_config()
        if self.names.exists():
            return
        if self.blocks.exists():
            raise StackError(f"{self.blocks} holds blocks, but the NameNode's folder {self.names} "
                             "is missing; a new one would lose them. Put it back, or 'make "
                             "clean-data'")
        with java.fresh_folder(self.names) as folder:
            java.run([java_program, *java.QUICK, *self.options, CLASSES[NAMENODE],
                      "-D", f"dfs.namenode.name.dir={folder}",
                      "-format", "-nonInteractive"], "formatting the NameNode's folder")

    def programs(self, java_program):
        return [Program(name, [java_program, *TUNING[name], *self.options, CLASSES[name]], priority)
                for name, priority in ((NAMENODE, 10), (DATANODE, 20))]

    # --- readiness ------------------------------------------------------------------------------

    def rpc_answers(self):
        try:
            socket.create_connection((HOST, self.ports["namenode-rpc"]), 1).close()
        except OSError:
            return False
        return True

    def problem(self):
        """Why it can't be used yet, or None."""
        try:
            state = _bean(self.url, "NameNode", "FSNamesystemState")
            if state["FSState"] != "Operational":
                return "the NameNode is in safe mode"
            if state["NumLiveDataNodes"] < 1:
                return "no DataNode is live"
            # The NameNode notices only after a while that a DataNode went.
            info = _bean(self.datanode_url, "DataNode", "DataNodeInfo")
            if '"ActorState":"RUNNING"' not in info["BPServiceActorInfo"]:
                return "the DataNode has not joined the NameNode"
        except (OSError, ValueError, LookupError, TypeError) as error:
            return f"no answer: {error}"
        return None

    # --- folders --------------------------------------------------------------------------------

    def _put(self, path, **query):
        query = urllib.parse.urlencode({**query, "user.name": self.superuser})
        where = f"{self.url}/webhdfs/v1{urllib.parse.quote(path)}?{query}"
        try:
            status, answer = rest.call("PUT", where)
        except OSError as error:
            raise StackError(f"PUT {where}: {error}") from None
        if status != 200:
            raise StackError(f"PUT {where}: {status} {answer.decode(errors='replace')}")

    def make_home(self, path, owner=OWNER):
        """A folder that belongs to `owner`, made by the superuser."""
        self._put(path, op="MKDIRS", permission="755")
        self._put(path, op="SETOWNER", owner=owner, group=owner)

    def first_use(self):
        self.make_home(HOME)
