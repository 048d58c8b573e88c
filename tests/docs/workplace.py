"""Where the commands of one page are run: a folder that looks like a clone's root, and a server on free ports."""
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

import stand_ins

ROOT = stand_ins.ROOT
sys.path.insert(0, str(ROOT / "tests" / "testing"))
from free_port import free_port

PORT = re.compile(r"\b(74[38][0-9])\b")
SERVER = re.compile(r"^([A-Z_]+=\S+ )*(\S*/)?tweedied( +-|\s*$|\s+&|\s+#)")
OF_SERVER = re.compile(r"(^|[\s;(|])(\S*/)?(tweedie|curl|pidof|journalctl)\s")
PROFILES = "~/.config/tweedie/config"
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


@dataclasses.dataclass
class Done:
    """What a command came to: exit code, and what it printed, with the page's names and ports."""
    code: int
    output: str


def is_server(command):
    """Whether it is a server, which goes on until another one takes its place."""
    return bool(SERVER.match(command))


class Workplace:
    """Of one page; a context that ends what it started."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tweedie-docs-"))
        self._ports = {}
        self._server = None
        self._python = None
        stand_ins.fill(self.folder)
        self._environment = self._make_environment()

    def _make_environment(self):
        release = self.folder / "build" / "release"
        release.mkdir(parents=True)
        paths = []
        for name, program in (("server", os.environ["TWEEDIED"]), ("client", os.environ["TWEEDIE"])):
            (release / name).symlink_to(pathlib.Path(program).parent)
            paths.append(str(release / name))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TWEEDIE", "XDG_"))}
        programs = str(stand_ins.make_programs(self.folder))
        return {**kept, "PATH": os.pathsep.join([programs, *paths, os.environ["PATH"]]),
                "PYTHONPATH": os.pathsep.join([str(self.folder / "gen"), os.environ.get("PYTHONPATH", "")]),
                "HOME": str(self.folder / "home"), "TWEEDIE_SERVER": self.ported("127.0.0.1:7433"),
                "TWEEDIE_SERVER_NAME": "gpu-1"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._python is not None:
            self._python.kill()
            self._python.communicate()
        try:
            self._end_server()
        finally:
            shutil.rmtree(self.folder)

    def _end_server(self):
        if self._server is not None:
            self._server.terminate()
            self._server.communicate()
            code, self._server = self._server.returncode, None
            if code not in (0, -signal.SIGKILL):
                raise AssertionError(f"the page's server ended with {code}")

    def ported(self, text):
        """Returns the text with each port of the pages as a free one, always the same."""
        return PORT.sub(lambda found: str(self._ports.setdefault(found[0], free_port())), text)

    def _adapted(self, text):
        text = self.ported(text).replace("/var/lib/tweedie", str(self.folder / "var"))
        text = text.replace("/etc/tweedie", str(self.folder / "etc"))
        for name, stand_in in stand_ins.HOSTS.items():
            text = text.replace(name, stand_in)
        text = re.sub(r"\bDATA\b", self._stopped_data, text)
        return text.replace("jobs/NAME", self._new_job()) if "jobs/NAME" in text else text

    def _as_written(self, text):
        """Takes back what _adapted() did, so that a page can show it."""
        for port, free in self._ports.items():
            text = re.sub(rf"\b{free}\b", port, text)
        for name, path in (("/var/lib/tweedie", "var"), ("/etc/tweedie", "etc"), ("~", "home")):
            text = text.replace(str(self.folder / path), name)
        return text.replace(f"{self.folder}/", "")

    def _stopped_data(self, _):
        """Returns a data folder that no server uses, with a job in it."""
        if not (self.folder / "stopped").exists():
            self._serve("tweedied --data-dir stopped")
            self._shell("tweedie sample --steps 2")
            self._end_server()
        return "stopped"

    def _new_job(self):
        self._ensure_server()
        done = self._shell("tweedie sample --steps 300 --detach -q")
        return done.output.strip()

    def _ensure_server(self):
        if self._server is None:
            done = self._serve("tweedied --data-dir data-of-the-page")
            if done.code:
                raise RuntimeError(done.output)

    def write(self, name, text):
        """Writes a file that the page has the reader write."""
        path = self.folder / "home" / name[2:] if name.startswith("~/") else self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self._adapted(text) + "\n", encoding="utf-8")
        if name == PROFILES:  # which says where the server is, from now on
            self._environment.pop("TWEEDIE_SERVER")
            (self.folder / ".state").unlink(missing_ok=True)

    def run(self, command):
        """Runs a command. A server is begun, and goes on; it has the place of an earlier one."""
        if is_server(command):
            return self._serve(self._adapted(command))
        if OF_SERVER.search(command):
            self._ensure_server()
        return self._shell(self._adapted(command))

    def _shell(self, command):
        # What it exports or changes holds for the next one, as in a reader's terminal.
        whole = f"cd {self.folder}; [ ! -e .state ] || . ./.state\n{command}\nstatus=$?; export -p > {self.folder}/.state; exit $status"
        done = subprocess.run(["bash", "-c", whole], env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, timeout=LIMIT_SECONDS, stdin=subprocess.DEVNULL)
        return Done(done.returncode, self._as_written(done.stdout))

    def _serve(self, command):
        command = re.sub(r"\s*(&|#.*)?\s*$", "", command)
        for option, address in (("--listen", "127.0.0.1:7433"), ("--http", "127.0.0.1:7480")):
            command += "" if option in command else f" {option} {self.ported(address)}"
        self._end_server()
        errors = self.folder / "server.log"
        state = "[ ! -e .state ] || . ./.state\n"
        words = re.match(r"((?:[A-Z_]+=\S+ )*)(.*)", command, re.DOTALL)
        with errors.open("w") as log:
            self._server = subprocess.Popen(
                ["bash", "-c", f"{state}{words[1]}exec {words[2]} --disk-reserve-mebibytes 1"], cwd=self.folder,
                env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True)
        (self.folder / "server.pid").write_text(f"{self._server.pid}\n")
        said = self._server.stdout.readline()
        if said.startswith("listening on "):
            return Done(0, self._as_written(said))
        code, self._server = self._server.wait(), None
        return Done(code, f"the server did not start:\n{errors.read_text()}")

    def run_python(self, text):
        """Runs a block in the process of those before."""
        self._ensure_server()
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
                return Done(0 if line.strip() == "\x04ok" else 1, self._as_written(output))
            output += line
        return Done(1, output + "Python ended")
