"""Processes that the sections drive: the project's own programs, each with a line of commands, and servers."""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
from typing import Dict, List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "release"


class Commanded:
    """A program that answers each line with a line of JSON."""

    def __init__(self, command: List[str], env: Optional[Dict[str, str]] = None):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env,
                                         cwd=ROOT)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, *words) -> dict:
        self.tell(*words)
        return self.answer()

    def tell(self, *words) -> None:
        self._process.stdin.write(" ".join(map(str, words)) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict:
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args[0]} ended with status {self._process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def engine_worker() -> Commanded:
    return Commanded([str(BUILD / "bench" / "engine_worker")])


def job_client(address: str) -> Commanded:
    client = Commanded([str(BUILD / "bench" / "job_client")])
    client.ask("connect", address)
    return client


class Server:
    """A tweedied on free ports; ready once this is made. Its data are its own, unless `data` is given."""

    def __init__(self, models: pathlib.Path, *options: str, data: Optional[pathlib.Path] = None):
        self._own_data = data is None
        self.data = data or pathlib.Path(tempfile.mkdtemp(prefix="tweedie-bench-"))
        begin = time.monotonic()
        self._log = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            [str(BUILD / "server" / "tweedied"), "--data-dir", str(self.data), "--models-dir", str(models), "--listen",
             "127.0.0.1:0", "--http", "", "--log-level", "warning", *options],
            stdout=subprocess.PIPE, stderr=self._log, text=True)
        self.address = self._wait_until_ready()
        self.seconds_to_ready = time.monotonic() - begin

    def _wait_until_ready(self) -> str:
        for line in self._process.stdout:
            if line.startswith("listening on "):
                return line.split()[2]
        self._log.seek(0)
        raise RuntimeError("tweedied ended: " + self._log.read())

    @property
    def pid(self) -> int:
        return self._process.pid

    def settle(self, patience: float = 120) -> None:
        """Waits until the server has measured what its calls cost, and is at rest."""
        deadline = time.monotonic() + patience
        while not list(self.data.glob("call-costs/*.json")):
            if time.monotonic() > deadline:
                raise RuntimeError("tweedied does not come to rest")
            time.sleep(0.1)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=120)
        self._log.close()
        if self._own_data:
            shutil.rmtree(self.data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def memory(pid: int) -> Dict[str, float]:
    """MiB of a process: `rss` and `anonymous` now, `peak` the most that its rss was."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    fields = {"rss": "VmRSS", "anonymous": "RssAnon", "peak": "VmHWM"}
    return {name: int(re.search(rf"^{field}:\s+(\d+)", text, re.M)[1]) / 1024 for name, field in fields.items()}


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor, its ended threads too."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100
