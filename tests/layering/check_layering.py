#!/usr/bin/env python3
"""Fails where a file includes what its layer must not.

usage: check_layering.py [ROOT]

Dependencies point one way (docs/architecture.md). LAYERS is the whole rule: a
file may include files of its own layer and of those that its layer names.
"""
import dataclasses
import pathlib
import posixpath
import re
import sys

# Layer -> the layers it may include. A file belongs to the longest layer that
# its path lies in. STATUS_MACROS is one file of core/base that needs nothing.
STATUS_MACROS = "core/base/status_macros.h"
_CONVERT = {"core/base", "core/diffusion", "core/jobs", "core/methods", "core/operators", "core/weights",
            "imaging", "proto"}
_RUNNER = _CONVERT | {"core/engine", "core/metrics", "core/weights/containers", "server/convert",
                      "server/log"}
_FRONT = _RUNNER | {"server/runner"}
LAYERS = {
    STATUS_MACROS: set(),
    "core/base": {STATUS_MACROS},
    "core/noise": {"core/base"},
    "core/nn": {"core/base"},
    "core/diffusion": {"core/base", "core/nn"},
    "core/device": {"core/base", "core/diffusion"},
    "core/plan/ops": set(),
    "core/plan": {"core/base", "core/diffusion", "core/nn", "core/plan/ops"},
    "core/weights/containers": {"core/base"},
    "core/weights/dialects": {"core/base", "core/diffusion", "core/nn"},
    "core/weights": {"core/base", "core/diffusion", "core/nn", "core/weights/containers",
                     "core/weights/dialects"},
    "core/operators": {"core/base", "core/noise"},
    "core/metrics": {"core/base"},
    "core/methods": {"core/base", "core/diffusion", "core/noise", "core/operators"},
    "core/engine": {"core/base", "core/diffusion", "core/methods"},
    "core/jobs": {"core/base"},
    "imaging": {"core/base"},
    "net": {STATUS_MACROS},
    "proto": set(),
    "server/auth": {"core/base", "net"},
    "server/convert": _CONVERT,
    "server/log": {"core/base", "core/jobs", "proto"},
    "server/runner": _RUNNER | {"core/device", "core/nn", "core/plan", "core/plan/ops"},
    "server/watch": _FRONT,
    "server/tls": {"core/base", "net"},
    "server/sockets": {"core/base", "net"},
    "server/peers": {"core/base", "core/jobs", "net", "proto", "server/runner", "server/tls", "server/watch"},
    "server/rpc": _FRONT | {"net", "server/auth", "server/tls", "server/sockets", "server/watch", "server/peers"},
    "server/http": {"core/base", "net", "proto", "server/sockets", "server/tls"},
    "server/base": {"core/base", "core/jobs"},
    "server/tools": {"core/base", "core/jobs", "server/auth", "server/base"},
    "server/model_tools": {"server/base", "core/base", "core/diffusion", "core/nn", "core/weights",
                           "core/weights/containers", "core/weights/dialects"},
    "server": _FRONT | {"server/auth", "server/base", "server/model_tools", "server/tools", "server/watch", "server/peers",
               "server/rpc", "server/http", "server/tls"},
    "client/cpp": {"net", "proto", STATUS_MACROS},
    "client/cli": {"client/cpp", "net", "proto", "imaging", STATUS_MACROS},
}
for _layer, _allowed in LAYERS.items():
    if "core/base" in _allowed:
        _allowed.add(STATUS_MACROS)
# May include everything of ours, and dear headers; but not LibTorch with gRPC.
EXEMPT = ("tests", "bench", "tools")

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)
TORCH = re.compile(r"^(torch|ATen|c10)/")
GRPC = re.compile(r"^(grpc|grpcpp|grpc\+\+)/|\.grpc\.pb\.h$")
PROTOBUF = re.compile(r"^google/(protobuf|rpc)/|\.pb\.h$")
PROTO = re.compile(r"^(tweedie/v1|google/rpc)/.*\.pb\.h$")
CHEAP_TORCH = "ATen/core/Tensor.h"  # the most that a header may cost
MAY_BE_DEAR = ("core/nn/", *(f"{folder}/" for folder in EXEMPT))


@dataclasses.dataclass
class File:
    path: str
    includes: list

    def includes_any(self, pattern):
        return any(pattern.search(include) for include in self.includes)


def layer_of(path):
    """Returns the layer of a path from the root, or None outside all layers."""
    parts = path.split("/")
    names = ("/".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in names if name in LAYERS), None)


def target_layer(include, files):
    """Returns the layer that an #include line points into, or None if not ours."""
    if PROTO.search(include):
        return "proto"
    return layer_of(include) if include in files else None


def read_tree(root):
    """Returns {path: File} of all C++ files of the project."""
    files = {}
    for folder in ("core", "server", "client", "imaging", "net", "proto", *EXEMPT):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cc"):
                name = path.relative_to(root).as_posix()
                files[name] = File(name, INCLUDE.findall(path.read_text(encoding="utf-8")))
    return files


def edge_errors(file, files):
    layer = layer_of(file.path)
    if layer is None:
        return [f"{file.path}: lies in no layer of {pathlib.Path(__file__).name}"]
    allowed = LAYERS[layer] | {layer}
    targets = ((include, target_layer(include, files)) for include in file.includes)
    return [f"{file.path}: includes {include}, but {layer} may not depend on {target}"
            for include, target in targets if target and target not in allowed]


def relative_errors(file, files):
    """Errors of includes that name a file from the includer's folder, past the rules above."""
    folder = posixpath.dirname(file.path)
    return [f"{file.path}: includes {include}, which is no path from the repository's root"
            for include in file.includes
            if include not in files and posixpath.normpath(f"{folder}/{include}") in files]


def library_errors(file):
    """Errors of what a file includes of LibTorch, gRPC and protobuf."""
    in_core = file.path.startswith(("core/", "imaging/"))
    client = file.path.startswith(("client/", "net/"))
    header = file.path.endswith(".h")
    dear = [i for i in file.includes if TORCH.search(i) and i != CHEAP_TORCH]
    rules = [
        (file.includes_any(TORCH) and file.includes_any(GRPC), "includes both LibTorch and gRPC"),
        (in_core and file.includes_any(GRPC), "includes gRPC, which core and imaging do not know"),
        (in_core and file.includes_any(PROTOBUF), "includes protobuf, which core and imaging do not know"),
        (client and file.includes_any(TORCH), "includes LibTorch, which the client does not link"),
        (header and dear and not file.path.startswith(MAY_BE_DEAR),
         f"a header outside core/nn includes {', '.join(dear)}; {CHEAP_TORCH} at most"),
    ]
    return [f"{file.path}: {message}" for broken, message in rules if broken]


def check(root):
    """Returns the errors of the tree at `root`, and how many files it has."""
    files = read_tree(root)
    errors = []
    for file in files.values():
        exempt = file.path.startswith(tuple(f"{folder}/" for folder in EXEMPT))
        errors += [] if exempt else edge_errors(file, files)
        errors += relative_errors(file, files) + library_errors(file)
    return errors, len(files)


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parents[2]
    errors, count = check(root)
    if count == 0:
        errors = [f"{root}: no C++ files found"]
    print("\n".join(errors) if errors else f"layering: {count} files ok")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
