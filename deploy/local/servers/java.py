# SPDX-License-Identifier: GPL-3.0-or-later
"""The Java that runs the servers, their jars and their templates."""
import contextlib
import os
import pathlib
import re
import shutil
import subprocess

from .errors import StackError

FOLDER = pathlib.Path(__file__).resolve().parent.parent
ROOT = FOLDER.parent.parent
JARS = ROOT / "build" / "jars"
OLDEST = 17
QUICK = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]  # for what does little and should be up soon


def find():
    """The java program: JAVA_HOME's, else the one in PATH. Raises when it is missing or too old."""
    home = os.environ.get("JAVA_HOME")
    program = shutil.which(os.path.join(home, "bin", "java") if home else "java")
    if not program:
        where = f"JAVA_HOME ({home})" if home else "PATH"
        raise StackError(f"Java is missing: there is no java in {where}. Kafka and HDFS need Java "
                         f"{OLDEST} or newer; 'make deps' installs it")
    shown = subprocess.run([program, "-version"], capture_output=True, text=True)
    version = re.search(r'version "(?:1\.)?(\d+)', shown.stderr + shown.stdout)
    if not version or int(version[1]) < OLDEST:
        raise StackError(f"{program} is Java {version[1] if version else 'of unknown version'}; "
                         f"Kafka and HDFS need {OLDEST} or newer. 'make deps' installs one, "
                         "JAVA_HOME chooses it")
    return program


def fetch_jars(*names):
    done = subprocess.run([str(FOLDER / "jars.sh"), *names])
    if done.returncode != 0:
        raise StackError(f"the jars of {' and '.join(names)} could not be fetched, see above")


def version_of(name):
    """The version that NAME/pom.xml pins."""
    return re.search(r"<version>([^<]+)</version>", (FOLDER / name / "pom.xml").read_text())[1]


def render(template, target, values):
    """Fills @KEY@ in deploy/local/TEMPLATE."""
    text = (FOLDER / template).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)


def run(command, what):
    # In a session of its own: Ctrl-C on the terminal is for us alone.
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          start_new_session=True)
    if done.returncode != 0:
        end = "\n".join("  " + line for line in (done.stdout + done.stderr).splitlines()[-30:])
        raise StackError(f"{what} failed:\n{end}")


@contextlib.contextmanager
def fresh_folder(path):
    """A folder beside `path` that becomes `path` when all went well, so that it is whole or not
    there at all."""
    new = path.with_name(path.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    yield new
    new.rename(path)
