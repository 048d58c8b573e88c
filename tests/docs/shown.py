"""Compares what a page shows with what was printed.

The rule: a block of the language `text` shows what the commands, or the Python, of the block before it print (standard
output and error), line by line, as a terminal shows it. In place of what is shown may be printed:

    ...                             anything in a line; alone in a line, any lines
    a date with a time, `4.2 s`     another one
    an id: jobs/f74hejnq24ce, ten or more digits (hex too), a token
                                    another one
    a number with a point           one that differs by 2 %: other kinds of CPU round otherwise
    a blank or several              as many others

Lines of progress are left out, since those that follow take their place in a terminal.
"""
import re

TOLERANCE = 0.02
PROGRESS = re.compile(r"^(jobs/\S+ (queued|running)\b|\[[#.]+\]).*\n?", re.MULTILINE)
KINDS = [
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?",
    r"\b\d+(?:\.\d+)? s\b",
    r"\bjobs/[a-z0-9]{12}\b",
    r"\btweedie_[\w-]{43}",
    r"\b[0-9a-f]{10,}\b",
]
NUMBER = r"(?<![\w.])\d+\.\d+(?![\w.])"
PIECES = re.compile("|".join(f"({kind})" for kind in [r"\.\.\.", *KINDS, NUMBER, r"\s+"]))


def pattern_of(line):
    """Returns the regular expression of a shown line, and the numbers that its groups must be near to."""
    pattern, numbers, end = "", [], 0
    for piece in PIECES.finditer(line):
        pattern += re.escape(line[end:piece.start()])
        end = piece.end()
        kind = piece.lastindex - 1
        if kind == 0:
            pattern += ".*"
        elif kind <= len(KINDS):
            pattern += KINDS[kind - 1]
        elif kind == len(KINDS) + 1:
            pattern += r"(\d+\.\d+)"
            numbers.append(float(piece[0]))
        else:
            pattern += r"\s+"
    return pattern + re.escape(line[end:]), numbers


def is_shown(line, printed):
    """Whether a shown line stands for a printed one."""
    pattern, numbers = pattern_of(line.strip())
    found = re.fullmatch(pattern, printed.strip())
    return bool(found) and all(abs(float(had) - want) <= TOLERANCE * want for had, want in zip(found.groups(), numbers))


def lines_of(text):
    return [line for line in text.splitlines() if line.strip()]


def are_shown(shown, printed):
    """Whether the lines stand for those printed."""
    if not shown:
        return not printed
    if shown[0].strip() == "...":
        return any(are_shown(shown[1:], printed[skipped:]) for skipped in range(len(printed) + 1))
    return bool(printed) and is_shown(shown[0], printed[0]) and are_shown(shown[1:], printed[1:])


def difference(shown, printed):
    """Returns what is wrong with a block, or nothing."""
    seen = PROGRESS.sub("", printed)
    if are_shown(lines_of(shown), lines_of(seen)):
        return ""
    return f"the page shows\n{shown}\nbut this was printed\n{seen}"
