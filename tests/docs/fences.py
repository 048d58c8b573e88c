"""The fenced blocks of a Markdown file, the shell commands in them, and what is marked as not to be run.

A mark is a comment above the fence, which a reader of the page does not see:

    <!-- not run: REASON -->             the whole block
    <!-- not run, "START": REASON -->    the commands that begin with START; there may be several such marks

A shell block is one of the language `sh`, or of none that begins with one of PROGRAMS.
"""
import dataclasses
import re
import shlex
import subprocess
import textwrap

PROGRAMS = {
    "apptainer", "apt", "cd", "cmake", "cp", "createdb", "ctest", "curl", "docker", "export", "grpcurl", "kill", "kubectl", "mkdir",
    "openssl", "pip", "printf", "python", "python3", "sbatch", "scripts", "sqlite3", "sudo", "systemctl", "tools", "tweedie", "tweedied",
}
FENCE = re.compile(r"^( *)```(\S*)\s*$")
MARK = re.compile(r"^ *<!-- not run(?:, \"([^\"]+)\")?: (.+?) -->\s*$")
ASSIGNMENT = re.compile(r"^[A-Z_][A-Z0-9_]*=")


@dataclasses.dataclass
class Command:
    """Of a shell block; `skip` says why it is not run."""
    line: int  # in the file, from 1
    text: str
    skip: str = ""


@dataclasses.dataclass
class Fence:
    """A block, without its fences; `line` is that of its first one."""
    line: int
    language: str
    text: str
    marks: dict  # start of commands ("" for all) -> reason

    @property
    def is_shell(self):
        return self.language == "sh" or not self.language and program_of(self.text) in PROGRAMS


def program_of(command):
    """Returns the name of the first program: `tweedie` of `X=1 build/release/client/tweedie list`."""
    words = [word for word in command.split() if not ASSIGNMENT.match(word)]
    first = words[0] if words else ""
    return first.split("/")[0] if first.split("/")[0] in ("scripts", "tools") else first.split("/")[-1]


def fences(markdown):
    """Returns the blocks of a page. Raises ValueError for marks above no fence."""
    found, marks, opened, lines = [], {}, None, []
    for number, line in enumerate(markdown.splitlines(), 1):
        fence, mark = FENCE.match(line), MARK.match(line)
        if opened and fence and not fence[2]:
            opened.text = textwrap.dedent("\n".join(lines))
            check_is_recognised(opened)
            found.append(opened)
            opened = None
        elif opened:
            lines.append(line)
        elif fence:
            opened, lines, marks = Fence(number, fence[2], "", marks), [], {}
        elif mark:
            marks[mark[1] or ""] = mark[2]
        elif marks or line.lstrip().startswith("<!-- not run"):
            raise ValueError(f"line {number}: a mark that is none, or is above no fence")
    if opened or marks:
        raise ValueError("the last fence or mark has no end")
    return found


def check_is_recognised(fence):
    """Raises ValueError if commands would be passed over."""
    if not fence.language and not fence.is_shell and any(program_of(line) in PROGRAMS for line in fence.text.splitlines()):
        raise ValueError(f"line {fence.line}: has commands, but does not begin with one: make it a block of sh")


def commands(fence):
    """Returns the commands of a shell block. Raises ValueError for marks of no command."""
    found, pending, begin = [], "", 0
    for number, line in enumerate(fence.text.splitlines(), fence.line + 1):
        begin = begin if pending else number
        pending = f"{pending}\n{line}" if pending else line
        if is_whole(pending):
            if without_comment(pending):
                found.append(Command(begin, pending))
            pending = ""
    if pending:
        raise ValueError(f"line {begin}: the command has no end: {pending}")
    mark_skipped(fence, found)
    return found


def mark_skipped(fence, found):
    for start, reason in fence.marks.items():
        marked = [command for command in found if command.text.startswith(start)]
        if not marked:
            raise ValueError(f"line {fence.line}: no command begins with the mark's {start!r}")
        for command in marked:
            command.skip = reason


def without_comment(command):
    """Returns its words, of which there are none in a comment or an empty line."""
    return shlex.split(command, comments=True)


def is_whole(text):
    """Whether a shell needs no further line."""
    if text.endswith("\\"):
        return False
    done = subprocess.run(["bash", "-n", "-c", text], capture_output=True, text=True, check=False)
    return done.returncode == 0 and not done.stderr
