# SPDX-License-Identifier: GPL-3.0-or-later
"""An HDFS with two NameNodes that share their edits in a local folder, and one DataNode. Who is
active is said by hand (`haadmin`), as an operator does where no ZooKeeper decides."""
from xml.sax.saxutils import escape

from servers import java, ports, rest
from servers.hdfs import CLASSES, DATANODE, NAMENODE, TUNING
from servers.processes import Processes

SERVICE, NODES = "tickline", ("nn1", "nn2")
PORTS = ("nn1-rpc", "nn1-http", "nn2-rpc", "nn2-http", "datanode-http", "datanode-data",
         "datanode-ipc")
HAADMIN = "org.apache.hadoop.hdfs.tools.DFSHAAdmin"


class HaHdfs:
    def __init__(self, folder):
        self.folder = folder
        self.ports = dict(zip(PORTS, ports.free(len(PORTS))))
        self.urls = {node: f"http://{ports.HOST}:{self.ports[f'{node}-http']}" for node in NODES}
        self.processes = Processes(folder)
        self.java = java.find()

    # --- configuration --------------------------------------------------------------------------

    def _site(self, node):
        at = {name: f"{ports.HOST}:{port}" for name, port in self.ports.items()}
        own = {f"dfs.namenode.{kind}-address.{SERVICE}.{one}": at[f"{one}-{kind}"]
               for one in NODES for kind in ("rpc", "http")}
        return {
            **own, "fs.defaultFS": f"hdfs://{SERVICE}", "dfs.nameservices": SERVICE,
            f"dfs.ha.namenodes.{SERVICE}": ",".join(NODES), "dfs.ha.namenode.id": node,
            "dfs.namenode.name.dir": self.folder / node, "hadoop.tmp.dir": self.folder / "tmp",
            "dfs.namenode.shared.edits.dir": (self.folder / "edits").as_uri(),
            "dfs.ha.fencing.methods": "shell(/bin/true)",
            "dfs.ha.tail-edits.period": "1s", "dfs.ha.log-roll.period": "5s",
            "dfs.datanode.data.dir": self.folder / "data", "dfs.replication": 1,
            "dfs.datanode.http.address": at["datanode-http"],
            "dfs.datanode.address": at["datanode-data"],
            "dfs.datanode.ipc.address": at["datanode-ipc"],
            "dfs.datanode.hostname": ports.HOST,
            "dfs.namenode.datanode.registration.ip-hostname-check": "false",
            "dfs.namenode.safemode.extension": 0, "dfs.blockreport.initialDelay": 0,
            "dfs.heartbeat.interval": 1,
            f"dfs.client.failover.proxy.provider.{SERVICE}":
                "org.apache.hadoop.hdfs.server.namenode.ha.ConfiguredFailoverProxyProvider"}

    def _conf(self, node):
        conf = self.folder / f"conf-{node}"
        rows = "".join(f"<property><name>{name}</name><value>{escape(str(value))}</value></property>"
                       for name, value in self._site(node).items())
        for name in ("core-site.xml", "hdfs-site.xml"):
            conf.mkdir(parents=True, exist_ok=True)
            (conf / name).write_text(f"<configuration>{rows}</configuration>")
        java.render("hadoop/log4j.properties", conf / "log4j.properties", {})
        for page in ("hdfs", "datanode", "static"):
            (conf / "webapps" / page).mkdir(parents=True, exist_ok=True)
        return conf

    def _command(self, node, name, *arguments):
        return [self.java, *TUNING.get(name, java.QUICK), "-Djava.awt.headless=true",
                "-Djava.net.preferIPv4Stack=true", "--add-opens=java.base/java.lang=ALL-UNNAMED",
                "-cp", f"{self._conf(node)}:{java.JARS / 'hadoop'}/*", CLASSES.get(name, name),
                *arguments]

    # --- life -----------------------------------------------------------------------------------

    def start(self):
        java.run(self._command("nn1", NAMENODE, "-format", "-nonInteractive"), "formatting")
        self.start_node("nn1")
        java.run(self._command("nn2", NAMENODE, "-bootstrapStandby", "-nonInteractive"),
                 "copying the first NameNode's state")
        self.start_node("nn2")
        self.activate("nn1")
        self.processes.start(DATANODE, self._command("nn1", DATANODE))
        self.processes.wait(lambda: all(self.bean(node, "FSNamesystemState", "NumLiveDataNodes") == 1
                                        for node in NODES), "both know the DataNode")
        self.processes.wait(lambda: not self.bean("nn1", "NameNodeInfo", "Safemode"),
                            "the safe mode is left")

    def start_node(self, node):
        self.processes.start(node, self._command(node, NAMENODE))
        self.processes.wait(lambda: self.state(node), f"{node} answers")

    def activate(self, node):
        """Forced: who was active before may be dead, and cannot be asked."""
        java.run(self._command(node, HAADMIN, "-transitionToActive", "--forceactive", node),
                 f"activating {node}")
        self.processes.wait(lambda: self.state(node) == "active", f"{node} is active")

    def stand_by(self, node):
        java.run(self._command(node, HAADMIN, "-transitionToStandby", node), f"retiring {node}")

    def stop(self):
        self.processes.stop()

    # --- looking --------------------------------------------------------------------------------

    def bean(self, node, name, member):
        """None: it does not answer."""
        try:
            query = f"/jmx?qry=Hadoop:service=NameNode,name={name}"
            return rest.call_json("GET", self.urls[node] + query, timeout_s=2)[1]["beans"][0][member]
        except (OSError, ValueError, LookupError):
            return None

    def state(self, node):
        return self.bean(node, "NameNodeStatus", "State")
