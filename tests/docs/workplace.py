"""Where the commands of one page are run: a folder that looks like a clone's root, and a server on free ports."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "testing"))
from running_server import free_port

IMAGES = ROOT / "data" / "fashion-mnist-test"
LINKS = ("client", "data", "models", "proto", "tools")
# They would change the machine, or an environment that others use: a page that has them marks them.
REFUSED = ("apt-get", "docker", "kubectl", "pip", "sudo", "systemctl")
# What the pages call the reader's own pictures.
PICTURES = ("photo.png", "sharp.png", "blurred.png", "sketch.png", "photos/a.png", "photos/b.png")
PORT = re.compile(r"\b(74[38][0-9])\b")
SERVER = re.compile(r"^([A-Z_]+=\S+ )*(\S*/)?tweedied( +-|\s*$|\s+&|\s+#)")
LIMIT_SECONDS = 600  # of a command, on a machine that is busy
# Runs what Python blocks say, one after the other, with the names of those before.
PYTHON_LOOP = """
import sys, traceback
names = {"__name__": "__main__"}
for path in map(str.strip, sys.stdin):
    try:
        exec(compile(open(path).read(), path, "exec"), names)
        print("\\x04ok", flush=True)
    except BaseException:
        traceback.print_exc(file=sys.stdout)
        print("\\x04failed", flush=True)
"""


def is_server(command):
    """Whether it is a server, which goes on until another one takes its place."""
    return bool(SERVER.match(command))


class Workplace:
    """Of one page; a context that ends what it started."""

    def __init__(self, starts_server):
        """`starts_server`: whether the page's own commands begin one."""
        self._starts_server = starts_server
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tweedie-docs-"))
        self._ports = {}
        self._server = None
        self._python = None
        for name in LINKS:
            (self.folder / name).symlink_to(ROOT / name)
        for name in PICTURES:
            (self.folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(IMAGES / "0001.png", self.folder / name)
        self._environment = self._make_environment()

    def _make_environment(self):
        (self.folder / "etc").mkdir()
        release = self.folder / "build" / "release"
        release.mkdir(parents=True)
        paths = []
        for name, program in (("server", os.environ["TWEEDIED"]), ("client", os.environ["TWEEDIE"])):
            (release / name).symlink_to(pathlib.Path(program).parent)
            paths.append(str(release / name))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TWEEDIE")}
        return {**kept, "PATH": os.pathsep.join([str(self._make_programs()), *paths, os.environ["PATH"]]),
                "PYTHONPATH": os.pathsep.join([str(self.folder / "gen"), os.environ.get("PYTHONPATH", "")]),
                "TWEEDIE_SERVER": self.ported("127.0.0.1:7433")}

    def _make_programs(self):
        """Returns a folder of `python`, which is this one, and of what refuses to run."""
        folder = self.folder / "bin"
        folder.mkdir()
        said = "echo \"$0: not run by the tests of the documentation: mark it\" >&2; exit 1"
        programs = {name: said for name in REFUSED} | {name: f'exec {sys.executable} "$@"' for name in ("python", "python3")}
        for name, text in programs.items():
            (folder / name).write_text(f"#!/bin/sh\n{text}\n")
            (folder / name).chmod(0o755)
        return folder

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end_server()
        if self._python is not None:
            self._python.kill()
            self._python.communicate()
        shutil.rmtree(self.folder)

    def _end_server(self):
        if self._server is not None:
            self._server.terminate()
            self._server.communicate()
            self._server = None

    def ported(self, text):
        """Returns the text with each port of the pages as a free one, always the same."""
        return PORT.sub(lambda found: str(self._ports.setdefault(found[0], free_port())), text)

    def _adapted(self, text):
        text = self.ported(text).replace("/var/lib/tweedie", str(self.folder / "var"))
        text = text.replace("/etc/tweedie", str(self.folder / "etc"))
        text = re.sub(r"\bDATA\b", self._stopped_data, text)
        return text.replace("jobs/NAME", self._new_job()) if "jobs/NAME" in text else text

    def _stopped_data(self, _):
        """Returns a data folder that no server uses, with a job in it."""
        if not (self.folder / "stopped").exists():
            self._serve("tweedied --data-dir stopped")
            self._shell("tweedie sample --steps 2")
            self._end_server()
        return "stopped"

    def _new_job(self):
        done = self._shell("tweedie sample --steps 300 --detach")
        return done.stdout.strip()

    def run(self, command):
        """Returns what went wrong, or nothing. A server is begun, and goes on; it has the place of an earlier one."""
        if is_server(command):
            return self._serve(self._adapted(command))
        if self._server is None and not self._starts_server:
            self._serve(self.ported("tweedied --data-dir data-of-the-page --listen 127.0.0.1:7433 --http 127.0.0.1:7480"))
        done = self._shell(self._adapted(command))
        return "" if done.returncode == 0 else f"exit code {done.returncode}\n{done.stdout}{done.stderr}"

    def _shell(self, command):
        # What it exports or changes holds for the next one, as in a reader's terminal.
        whole = f"cd {self.folder}; [ ! -e .state ] || . ./.state\n{command}\nstatus=$?; export -p > {self.folder}/.state; exit $status"
        return subprocess.run(["bash", "-c", whole], env=self._environment, capture_output=True, text=True, check=False,
                              timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL)

    def _serve(self, command):
        command = re.sub(r"\s*(&|#.*)?\s*$", "", command)
        for option, address in (("--listen", "127.0.0.1:7433"), ("--http", "127.0.0.1:7480")):
            command += "" if option in command else f" {option} {self.ported(address)}"
        self._end_server()
        errors = self.folder / "server.log"
        state = "[ ! -e .state ] || . ./.state\n"
        words = re.match(r"((?:[A-Z_]+=\S+ )*)(.*)", command, re.DOTALL)
        with errors.open("w") as log:
            process = subprocess.Popen(
                ["bash", "-c", f"{state}{words[1]}exec {words[2]} --disk-reserve-mebibytes 1"], cwd=self.folder,
                env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True)
        self._server = process
        said = process.stdout.readline()
        return "" if said.startswith("listening on ") else f"the server did not start:\n{errors.read_text()}"

    def run_python(self, text):
        """Returns what went wrong, or nothing."""
        if self._python is None:
            self._python = subprocess.Popen(
                [sys.executable, "-c", PYTHON_LOOP], cwd=self.folder, env=self._environment, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        script = self.folder / "block.py"
        script.write_text(self._adapted(text))
        self._python.stdin.write(f"{script}\n")
        self._python.stdin.flush()
        output = ""
        for line in self._python.stdout:
            if line.startswith("\x04"):
                return "" if line.strip() == "\x04ok" else output
            output += line
        return output + "Python ended"
