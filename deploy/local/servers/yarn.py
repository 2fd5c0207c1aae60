# SPDX-License-Identifier: GPL-3.0-or-later
"""YARN beside a local HDFS: a ResourceManager and a NodeManager, for trainings with engine yarn."""
from xml.sax.saxutils import escape

from . import java, ports, rest
from .processes import Processes

RESOURCEMANAGER, NODEMANAGER = "resourcemanager", "nodemanager"
CLASSES = {RESOURCEMANAGER: "org.apache.hadoop.yarn.server.resourcemanager.ResourceManager",
           NODEMANAGER: "org.apache.hadoop.yarn.server.nodemanager.NodeManager"}
PORTS = ("RM_HTTP_PORT", "RM_PORT", "RM_SCHEDULER_PORT", "RM_TRACKER_PORT", "RM_ADMIN_PORT", "NM_PORT",
         "NM_LOCALIZER_PORT", "NM_COLLECTOR_PORT", "NM_HTTP_PORT", "SHUFFLE_PORT")
JAVA_OPTIONS = ["--add-opens=java.base/java.lang=ALL-UNNAMED", "-Djava.net.preferIPv4Stack=true"]


class Yarn:
    """`hdfs`: the running Hdfs that jobs read and write."""

    def __init__(self, folder, hdfs):
        self.folder, self.hdfs = folder, hdfs
        self.conf = folder / "conf"
        self.ports = dict(zip(PORTS, ports.free(len(PORTS))))
        self.url = f"http://{ports.HOST}:{self.ports['RM_HTTP_PORT']}"
        self.classpath = f"{self.conf}:{java.JARS / 'yarn'}/*"
        self.processes = Processes(folder)

    def _write_config(self):
        values = {**self.ports, "FOLDER": escape(str(self.folder)),
                  "CLASSPATH": escape(self.classpath.replace(":", ","))}
        for name in ("yarn-site.xml", "mapred-site.xml", "capacity-scheduler.xml"):
            java.render(f"yarn/{name}.in", self.conf / name, values)
        for name in ("core-site.xml", "log4j.properties"):
            (self.conf / name).write_bytes((self.hdfs.conf / name).read_bytes())
        # The jars lack the web pages, and without the folders the servers do not start.
        for page in ("cluster", "node", "static"):
            (self.conf / "webapps" / page).mkdir(parents=True, exist_ok=True)

    def start(self, *names):
        java.fetch_jars("yarn")
        self._write_config()
        for name in names or (RESOURCEMANAGER, NODEMANAGER):
            self.processes.start(name, [java.find(), *java.QUICK, "-Xmx384m", *JAVA_OPTIONS, "-cp",
                                        self.classpath, CLASSES[name]])
        self.processes.wait(lambda: self.nodes() is not None, "the ResourceManager answers")
        if self.has_node():
            self.processes.wait(lambda: self.nodes(), "a node runs")

    def has_node(self):
        return NODEMANAGER in self.processes.running

    def _ask(self, path):
        return rest.call_json("GET", f"{self.url}/ws/v1/cluster/{path}", timeout_s=5)[1]

    def nodes(self):
        """Ids of the nodes that run; None: no answer."""
        try:
            nodes = (self._ask("nodes").get("nodes") or {}).get("node", [])
        except (OSError, ValueError, LookupError):
            return None
        return [node["id"] for node in nodes if node["state"] == "RUNNING"]

    def applications(self):
        """[{id, state, …}]"""
        return (self._ask("apps").get("apps") or {}).get("app", [])

    def stop(self):
        self.processes.stop()
