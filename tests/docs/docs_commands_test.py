"""Runs the shell commands and the Python of the documentation, and compares what they print with what the pages show.

usage: docs_commands_test.py [PAGE...]

Each page has a folder and a server of its own (workplace.py). What is not run is marked in the page (fences.py), and
printed with its reason. What a page shows is compared by the rule of shown.py. PATHs of the environment: TWEEDIED,
TWEEDIE; PYTHONPATH must have the package.
"""
import pathlib
import sys
import time

import fences
import shown
import stand_ins
from workplace import ROOT, Workplace

LEAST_RUN = 100  # of all pages: fewer means that the commands are not found
LEAST_SHOWN = 20  # likewise, of what the pages show


def pages():
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guides").glob("*.md"),
             ROOT / "client/python/README.md", ROOT / "bench/README.md"]
    return sorted(str(path.relative_to(ROOT)) for path in found)


class Page:
    """Runs one page, and prints a line a command."""

    def __init__(self, name):
        self._name = name
        self._printed = None  # by the block before; None: nothing of it ran
        self.ran = self.compared = self.failed = 0

    def run(self):
        found = fences.fences((ROOT / self._name).read_text(encoding="utf-8"))
        with Workplace() as place:
            for fence in found:
                self._run_fence(place, fence)
        return self

    def _run_fence(self, place, fence):
        if fence.file:
            place.write(fence.file, fence.text)
        elif fence.language == "text":
            self._compare(fence)
        elif fence.is_shell:
            self._run_all(fences.commands(fence), place.run)
        elif fence.language == "python":
            self._run_all([fences.Command(fence.line, fence.text, fence.marks.get("", ""))], place.run_python)

    def _run_all(self, commands, run):
        self._printed = None
        for command in commands:
            label = f"{self._name}:{command.line}: {command.text.splitlines()[0]}"
            absent = stand_ins.missing(command.text)
            if command.skip or absent:
                print(f"SKIPPED {label}\n        {command.skip or f'there is no {absent} here'}", flush=True)
                continue
            begin = time.monotonic()
            code, output = self._run_one(command, run)
            self.ran += 1
            self._printed = (self._printed or "") + output
            wrong = "" if code == command.exit_code else f"exit code {code}, not {command.exit_code}\n{output}"
            self._tell(f"{time.monotonic() - begin:5.1f} s  {label}", wrong)

    def _run_one(self, command, run):
        try:
            done = run(command.text)
            return done.code, done.output
        except Exception as error:  # a time limit, a server that cannot be started
            return type(error).__name__, str(error)

    def _compare(self, fence):
        label = f"{self._name}:{fence.line}: what is shown"
        if self._printed is None:
            print(f"SKIPPED {label}\n        the block before it is not run", flush=True)
            return
        self.compared += 1
        self._tell(f"         {label}", shown.difference(fence.text, self._printed))

    def _tell(self, label, wrong):
        self.failed += bool(wrong)
        print(f"{'FAILED ' if wrong else 'ok     '} {label}", flush=True)
        if wrong:
            print(wrong, flush=True)


def main():
    done = [Page(name).run() for name in sys.argv[1:] or pages()]
    ran, compared, failed = (sum(getattr(page, count) for page in done) for count in ("ran", "compared", "failed"))
    print(f"{ran} commands of {len(done)} pages, {compared} blocks of what they print, {failed} failed")
    are_all = not sys.argv[1:]
    return 1 if failed or (are_all and (ran < LEAST_RUN or compared < LEAST_SHOWN)) else 0


if __name__ == "__main__":
    sys.exit(main())
