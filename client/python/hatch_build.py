"""Generates tweedie/v1 from the protos when a wheel is built; it is never committed."""

from __future__ import annotations

import importlib.resources
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PACKAGE = "tweedie/v1"


def find_protos(root: pathlib.Path) -> pathlib.Path:
    """Returns the folder that holds tweedie/v1: the sdist's own, or the repository's."""
    for folder in (root / "proto", root.parent.parent / "proto"):
        if (folder / PACKAGE).is_dir():
            return folder
    raise FileNotFoundError(f"there is no {PACKAGE} with protos in proto/ or ../../proto")


def plugin(name: str) -> str:
    """Returns the path of a plugin of protoc, of the environment that builds."""
    beside = pathlib.Path(sys.executable).parent
    path = shutil.which(name) or shutil.which(name, path=str(beside))
    if path is None:
        raise FileNotFoundError(f"there is no {name}: is mypy-protobuf installed?")
    return path


def generate(protos: pathlib.Path, out: pathlib.Path) -> None:
    """Writes modules and their types for the protos below `out`."""
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    names = sorted(str(path.relative_to(protos)) for path in (protos / PACKAGE).glob("*.proto"))
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc", f"-I{protos}", f"-I{well_known}"),
        f"--plugin=protoc-gen-mypy={plugin('protoc-gen-mypy')}",
        f"--plugin=protoc-gen-mypy_grpc={plugin('protoc-gen-mypy_grpc')}",
        *(f"--{kind}_out={out}" for kind in ("python", "mypy")),
    ]
    subprocess.run([*command, *names], check=True)
    service = f"{PACKAGE}/tweedie_service.proto"
    services = [f"--{kind}_out={out}" for kind in ("grpc_python", "mypy_grpc")]
    subprocess.run([*command, *services, service], check=True)


class StubsHook(BuildHookInterface[Any]):
    """Adds the generated files to the wheel, or to the source folder if it is editable."""

    _folder: tempfile.TemporaryDirectory[str] | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Generates before the wheel's files are gathered."""
        root = pathlib.Path(self.root)
        if version == "editable":
            generate(find_protos(root), root / "src")
            return
        self._folder = tempfile.TemporaryDirectory()
        out = pathlib.Path(self._folder.name)
        generate(find_protos(root), out)
        for path in sorted(out.rglob("*_pb2*")):
            build_data["force_include"][str(path)] = str(path.relative_to(out))

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what was generated."""
        if self._folder is not None:
            self._folder.cleanup()
