"""What the figures were measured on."""
import importlib.metadata
import os
import pathlib
import platform
import re
import subprocess
import time
from typing import Dict, List

from .processes import ROOT

PEERS = ("torch", "diffusers", "openvino", "onnxruntime", "deepinv")
VECTORS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_bf16")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def commit() -> str:
    """What tweedie was built from, if it was built."""
    changed = " with changes" if _git("status", "--porcelain", "--untracked-files=no") else ""
    return _git("rev-parse", "--short=12", "HEAD") + changed


def _cpu(field: str) -> str:
    return re.search(rf"^{field}\s*: (.*)$", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.M)[1]


def flags() -> List[str]:
    """What the processor can do, as Linux names it."""
    return _cpu("flags").split()


def describe() -> Dict[str, str]:
    able = flags()
    kib = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="utf-8"))[1])
    return {
        "processor": _cpu("model name"),
        "cores": str(os.cpu_count()),
        "vector instructions": ", ".join(f for f in VECTORS if f in able),
        "virtual": "yes" if "hypervisor" in able else "no",
        "memory": f"{kib / 1024 ** 2:.0f} GiB",
        "system": f"Linux {platform.release()}, Python {platform.python_version()}",
        "peers": ", ".join(f"{name} {_version(name)}" for name in PEERS),
    }


def busy_cores(seconds: float = 1.0) -> float:
    """How many cores are in use now, by whatever runs beside this."""
    def busy() -> int:
        fields = list(map(int, pathlib.Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]))
        return sum(fields[:8]) - fields[3] - fields[4]  # all but idle and waiting for the disk
    before = busy()
    time.sleep(seconds)
    return (busy() - before) / os.sysconf("SC_CLK_TCK") / seconds
