"""Runs the shell commands of the documentation, and the Python of the pages that no other test runs.

usage: docs_commands_test.py [PAGE...]

Each page has a folder and a server of its own (workplace.py). What is not run is marked in the page (fences.py), and
printed with its reason. PATHs of the environment: TWEEDIED, TWEEDIE; PYTHONPATH must have the package.
"""
import pathlib
import sys
import time

import fences
from workplace import ROOT, Workplace, is_server

# Their Python is run by client/python/tests/test_docs.py.
PYTHON_ELSEWHERE = {"docs/python.md", "client/python/README.md"}
# Pages whose commands are mostly for machines that a test has not: what is run of them. The rest is printed as skipped.
RUN_OF = {
    "docs/cli.md": (),
    "docs/deploy.md": (),
    "docs/operations.md": ("tweedied token", "tweedied check DATA", "tweedied export", "tweedie log-level", "openssl"),
}
ELSEWHERE = "of a page whose commands are for other machines; not in RUN_OF"
LEAST_RUN = 40  # of all pages: fewer means that the commands are not found


def pages():
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guides").glob("*.md"),
             ROOT / "client/python/README.md", ROOT / "bench/README.md"]
    return sorted(str(path.relative_to(ROOT)) for path in found)


def chosen(page, command):
    """Skips what RUN_OF leaves out."""
    if not command.text.startswith(RUN_OF.get(page, "")):
        command.skip = command.skip or ELSEWHERE
    return command


def steps(page):
    """Yields (command, whether it is Python), in their order."""
    for fence in fences.fences((ROOT / page).read_text(encoding="utf-8")):
        if fence.is_shell:
            yield from ((chosen(page, command), False) for command in fences.commands(fence))
        elif fence.language == "python" and page not in PYTHON_ELSEWHERE:
            yield fences.Command(fence.line, fence.text, fence.marks.get("", "")), True


def run_step(place, command, is_python):
    try:
        return place.run_python(command.text) if is_python else place.run(command.text)
    except Exception as error:  # a time limit, a server that cannot be started
        return f"{type(error).__name__}: {error}"


def run_page(page):
    """Prints a line a command. Returns how many ran, and how many failed."""
    ran = failed = 0
    found = list(steps(page))
    with Workplace(any(is_server(command.text) and not command.skip for command, _ in found)) as place:
        for command, is_python in found:
            label = f"{page}:{command.line}: {command.text.splitlines()[0]}"
            if command.skip:
                print(f"SKIPPED {label}\n        {command.skip}", flush=True)
                continue
            begin = time.monotonic()
            wrong = run_step(place, command, is_python)
            ran += 1
            failed += bool(wrong)
            print(f"{'FAILED ' if wrong else 'ok     '} {time.monotonic() - begin:5.1f} s  {label}", flush=True)
            if wrong:
                print(wrong, flush=True)
    return ran, failed


def main():
    chosen = sys.argv[1:] or pages()
    counts = [run_page(page) for page in chosen]
    ran, failed = (sum(column) for column in zip(*counts))
    print(f"{ran} commands of {len(chosen)} pages, {failed} failed")
    return 1 if failed or (not sys.argv[1:] and ran < LEAST_RUN) else 0


if __name__ == "__main__":
    sys.exit(main())
