"""The fenced blocks of a Markdown file, the shell commands in them, and what is marked.

A mark is a comment above the fence, which a reader of the page does not see:

    <!-- not run: REASON -->             the whole block
    <!-- not run, "START": REASON -->    the commands that begin with START; there may be several such marks
    <!-- file: PATH -->                  the block is a file that the reader writes

A shell block is one of the language `sh`, or of none that begins with one of PROGRAMS. One of the language `text` shows
what the block before it prints (shown.py). A command ends with exit code 0, or as a comment behind it says: `# exit code 9`.
"""
import dataclasses
import re
import shlex
import subprocess
import textwrap

PROGRAMS = {
    "apptainer", "apt", "apt-get", "cd", "chmod", "cmake", "cp", "createdb", "ctest", "curl", "docker", "export", "grpcurl", "journalctl",
    "kill", "kubectl", "mkdir", "mv", "openssl", "pip", "printf", "python", "python3", "sbatch", "scripts", "sqlite3", "sudo",
    "systemctl", "tools", "tweedie", "tweedied",
}
FENCE = re.compile(r"^( *)```(\S*)\s*$")
MARK = re.compile(r"^ *<!-- not run(?:, \"([^\"]+)\")?: (.+?) -->\s*$")
FILE = re.compile(r"^ *<!-- file: (\S+) -->\s*$")
EXIT_CODE = re.compile(r"#.*\bexit code (\d+)\s*$")
ASSIGNMENT = re.compile(r"^[A-Z_][A-Z0-9_]*=")


@dataclasses.dataclass
class Command:
    """Of a shell block; `skip` says why it is not run."""
    line: int  # in the file, from 1
    text: str
    skip: str = ""

    @property
    def exit_code(self):
        """What it is to end with."""
        found = EXIT_CODE.search(self.text)
        return int(found[1]) if found else 0


@dataclasses.dataclass
class Fence:
    """A block, without its fences; `line` is that of its first one."""
    line: int
    language: str
    text: str
    marks: dict  # start of commands ("" for all) -> reason
    file: str = ""  # that the block is

    @property
    def is_shell(self):
        return not self.file and self._looks_like_shell()

    def _looks_like_shell(self):
        return self.language == "sh" or not self.language and program_of(self.text) in PROGRAMS


def program_of(command):
    """Returns the name of the first program: `tweedie` of `X=1 build/release/client/tweedie list`."""
    words = [word for word in command.split() if not ASSIGNMENT.match(word)]
    first = words[0] if words else ""
    return first.split("/")[0] if first.split("/")[0] in ("scripts", "tools") else first.split("/")[-1]


def fences(markdown):
    """Returns the blocks of a page. Raises ValueError for marks above no fence."""
    found, marks, name, opened, lines = [], {}, "", None, []
    for number, line in enumerate(markdown.splitlines(), 1):
        fence, mark, file = FENCE.match(line), MARK.match(line), FILE.match(line)
        if opened and fence and not fence[2]:
            opened.text = textwrap.dedent("\n".join(lines))
            check_is_recognised(opened)
            check_shows_something(opened, found)
            found.append(opened)
            opened = None
        elif opened:
            lines.append(line)
        elif fence:
            opened, lines, marks, name = Fence(number, fence[2], "", marks, name), [], {}, ""
        elif mark:
            marks[mark[1] or ""] = mark[2]
        elif file:
            name = file[1]
        elif marks or name or line.lstrip().startswith(("<!-- not run", "<!-- file")):
            raise ValueError(f"line {number}: a mark that is none, or is above no fence")
    if opened or marks or name:
        raise ValueError("the last fence or mark has no end")
    return found


def check_is_recognised(fence):
    """Raises ValueError if commands would be passed over."""
    if not fence.language and not fence.file and not fence.is_shell and any(program_of(line) in PROGRAMS for line in fence.text.splitlines()):
        raise ValueError(f"line {fence.line}: has commands, but does not begin with one: make it a block of sh")


def check_shows_something(fence, before):
    """Raises ValueError if it is to show what no commands have printed."""
    if fence.language == "text" and not (before and (before[-1].is_shell or before[-1].language == "python")):
        raise ValueError(f"line {fence.line}: shows what commands print, but is below none")


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
