"""Real servers for tests: `tweedied` as a child process."""

from __future__ import annotations

import os
import pathlib
import select
import signal
import subprocess
import time

from free_port import free_port

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
BUILD = REPOSITORY / "build" / "release"
TWEEDIED = os.environ.get("TWEEDIED", str(BUILD / "server" / "tweedied"))
TWEEDIE = os.environ.get("TWEEDIE", str(BUILD / "client" / "tweedie"))
IMAGES = REPOSITORY / "data" / "fashion-mnist-test"
MODEL = REPOSITORY / "models" / "fashion-mnist-32"
_READY = "listening on "
_START_SECONDS = 120


class Server:
    """A server on a data folder that outlives it, so that it can be killed and started again."""

    def __init__(self, folder: pathlib.Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self.address = f"127.0.0.1:{free_port()}"
        self.start()

    def start(self) -> None:
        """Starts it; at the address of before, if it ran before."""
        listen = () if "--listen" in self._options else ("--listen", self.address)
        with open(self._folder / "log", "a") as log:
            self._process = subprocess.Popen(
                [
                    *(TWEEDIED, "--data-dir", str(self._folder / "data")),
                    *("--models-dir", str(REPOSITORY / "models"), "--http", ""),
                    *("--log-level", "warning", "--disk-reserve-mebibytes", "1"),
                    *(*listen, *self._options),
                ],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.address = self._read_address()

    def log(self) -> str:
        """Returns what it wrote to standard error."""
        return (self._folder / "log").read_text()

    def kill(self) -> None:
        """kill -9, and waits until it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._close()

    def stop(self) -> None:
        """Drains it; it must end well."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(60)
        self._close()
        assert status in (0, -signal.SIGKILL), self.log()

    def _close(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read_address(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        end = time.monotonic() + _START_SECONDS
        while time.monotonic() < end:
            ready, _, _ = select.select([self._process.stdout], [], [], end - time.monotonic())
            line = self._process.stdout.readline() if ready else ""
            if line.startswith(_READY):
                return line[len(_READY) :].strip()
            assert line, f"tweedied did not say that it is listening:\n{self.log()}"
        raise AssertionError("tweedied did not start in time")
