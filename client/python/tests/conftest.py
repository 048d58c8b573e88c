"""One server for the tests that do not disturb it, and clients of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import servers
from PIL import Image

import tweedie

for _name in [name for name in os.environ if name.startswith("TWEEDIE_")]:
    del os.environ[_name]  # the tests' own servers are meant
os.environ["XDG_CONFIG_HOME"] = os.devnull  # nor is the file of who runs them


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    """The server of all tests that leave it as it is."""
    running = servers.Server(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


@pytest.fixture
def client(server: servers.Server) -> Iterator[tweedie.Client]:
    """A client of it."""
    with tweedie.connect(server.address) as connected:
        yield connected


@pytest.fixture
def start_server(tmp_path: object) -> Iterator[Callable[..., servers.Server]]:
    """Starts servers of a test's own, which end with it."""
    started: list[servers.Server] = []

    def start(*options: str) -> servers.Server:
        folder = tmp_path / f"server{len(started)}"  # type: ignore[operator]
        folder.mkdir()
        started.append(servers.Server(folder, *options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def clean() -> np.ndarray:
    """Two test images, [2, 1, 32, 32], in [-1, 1]."""
    files = [servers.IMAGES / "0000.png", servers.IMAGES / "0001.png"]
    pixels = np.stack([np.asarray(Image.open(file)) for file in files])
    return tweedie.images.from_uint8(pixels[:, None])
