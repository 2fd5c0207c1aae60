# SPDX-License-Identifier: GPL-3.0-or-later
"""How the benchmarks start their Spark peers, and the line that says why one isn't there."""
import pathlib
import subprocess

from measure import ROOT, Asked, not_measured

HERE = pathlib.Path(__file__).parent
PYTHON = ROOT / "build" / "venv" / "bin" / "python"
JARS = ROOT / "build" / "jars" / "spark"


def missing(python, needs_jars):
    """Why Spark can't be measured here, or None."""
    if not python.exists() or subprocess.run([python, "-c", "import pyspark"],
                                             capture_output=True).returncode != 0:
        return f"{python} has no PySpark: make deps"
    if needs_jars and not list(JARS.glob("*.jar")):
        return f"{JARS} has no jars: deploy/local/jars.sh spark"
    return None


def start(python, folder, program, *arguments, needs_jars=False):
    """The peer, or None after a line that says why there is none."""
    why = missing(python, needs_jars)
    if why:
        not_measured("Spark", why)
        return None
    jars = ",".join(map(str, sorted(JARS.glob("*.jar")))) if needs_jars else "-"
    return Asked(folder / f"{program}.log", python, HERE / program, folder, jars, *arguments)
