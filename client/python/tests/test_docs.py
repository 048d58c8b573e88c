"""The documentation has an example of each method (tests/docs runs them), and so has the script."""

from __future__ import annotations

import re
import subprocess
import sys

import servers

import tweedie

PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
HERE = servers.REPOSITORY / "client" / "python"


def readme_block(name: str) -> str:
    return (servers.REPOSITORY / name).read_text()


def test_the_readme_of_the_repository_shows_what_the_package_s_does() -> None:
    (block,) = PYTHON_BLOCK.findall(readme_block("client/python/README.md"))
    assert block in readme_block("README.md")


def test_every_method_of_the_api_has_an_example_that_is_run() -> None:
    examples = "\n".join(PYTHON_BLOCK.findall(readme_block("docs/python.md")))
    methods = [
        task.name for task in tweedie.v1.job_pb2.Job.DESCRIPTOR.oneofs_by_name["task"].fields
    ]
    assert {"sample", "denoise", "dps", "repaint"} <= set(methods)
    assert [name for name in methods if f" client.{name}(" not in examples] == []


def test_every_method_is_run_by_the_example_script(server: servers.Server) -> None:
    command = [sys.executable, str(HERE / "examples" / "restore.py")]
    done = subprocess.run(
        [*command, "--server", server.address, "--steps", "10"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = sorted(line.split()[0] for line in done.stdout.splitlines())
    methods = ["ald", "ddnm", "ddrm", "diffpir", "dps", "pigdm", "reddiff", "repaint", "sdedit"]
    assert lines == methods
