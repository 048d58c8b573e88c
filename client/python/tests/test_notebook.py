"""What notebooks show: the outputs of cells, and the example notebook as a whole."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import servers
from PIL import Image

import tweedie
from tweedie import notebook

NOTEBOOK = servers.REPOSITORY / "client" / "python" / "examples" / "dps.ipynb"
PICTURE = r'<img alt="([^"]*)" style="[^"]*" src="data:image/png;base64,([^"]+)"'


class Page:
    """Stands for IPython.display: keeps what a cell's output has been."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def HTML(self, text: str) -> str:  # noqa: N802
        return text

    def display(self, text: str, display_id: bool) -> Page:
        assert display_id
        self.shown.append(text)
        return self

    def update(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Page:
    pytest.importorskip("IPython", reason="IPython is not installed")
    import IPython

    page = Page()
    monkeypatch.setattr(IPython, "display", page)
    return page


def pictures(html: str) -> dict[str, np.ndarray]:
    found = re.findall(PICTURE, html)
    decode = base64.b64decode
    return {alt: np.asarray(Image.open(io.BytesIO(decode(data)))) for alt, data in found}


def test_frames_move_and_end_with_the_result(client: tweedie.Client, page: Page) -> None:
    job = client.sample(2, steps=60)
    result = notebook.show(job, interval=20, kinds=("x0_hat", "x_t"))
    alts = [alt for html in page.shown for alt in pictures(html)]
    assert "x0_hat at step 60" in alts
    assert "x_t at step 60" in alts
    assert len(page.shown) > 5
    last = pictures(page.shown[-1])
    assert list(last) == ["result"]
    np.testing.assert_array_equal(last["result"][:, :32], np.asarray(result.pil()[0]))
    assert "SUCCEEDED, 60 of 60 steps" in page.shown[-1]
    assert '<progress max="60" value="60">' in page.shown[-1]


def test_failures_are_shown_and_raised(
    client: tweedie.Client, page: Page, clean: np.ndarray
) -> None:
    box = tweedie.inpaint_box(8, 8, 16, 16)
    job = client.dps(operator=box, simulate_from=clean, zeta=1e30, steps=20, clip=False)
    with pytest.raises(tweedie.JobFailedError):
        notebook.show(job)
    assert "FAILED" in page.shown[-1]


def test_text_of_a_server_is_no_markup() -> None:
    job = tweedie.v1.job_pb2.Job(name="jobs/x", state=tweedie.v1.job_pb2.Job.FAILED)
    job.error.message = "<script>"
    assert "<script>" not in notebook.job_html(job)
    assert "&lt;script&gt;" in notebook.job_html(job)


def test_more_images_than_are_shown(client: tweedie.Client, page: Page) -> None:
    notebook.show(client.sample(5, steps=1), max_images=3)
    assert list(pictures(page.shown[-1])) == ["result (the first 3 of 5)"]


def test_the_example_notebook_runs(
    server: servers.Server, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    monkeypatch.setenv("TWEEDIE_SERVER", server.address)
    monkeypatch.setenv("JUPYTER_PLATFORM_DIRS", "1")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") for cell in book.cells), "it is kept without outputs"
    runner = nbclient.NotebookClient(
        book, timeout=300, resources={"metadata": {"path": NOTEBOOK.parent}}
    )
    runner.execute()  # raises what a cell raises: its figures are checked there
    shown = list(outputs(book, "text/html"))
    assert sum("result" in pictures(html) for html in shown) == 3
    assert all("SUCCEEDED" in html for html in shown if "jobs/" in html)
    printed = "".join(outputs(book, "text/plain"))
    for said in ("box: measured", "blur: measured", "box: ours", "blur: ours", "ddrm"):
        assert said in printed
    assert len(list(outputs(book, "image/png"))) == 2


def outputs(book: Any, kind: str) -> Iterator[str]:
    """Yields what cells have shown of a kind; of "text/plain" also what they printed."""
    for cell in book.cells:
        for output in cell.get("outputs", []):
            if kind in output.get("data", {}):
                yield output["data"][kind]
            elif kind == "text/plain" and output.output_type == "stream":
                yield output["text"]
