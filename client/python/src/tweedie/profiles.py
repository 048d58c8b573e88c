"""Profiles of servers: the file that the command-line client reads too.

# Without a name.
[default]
server = 127.0.0.1:7433

[lab]
server = https://gpu-1.lab:7433
token-file = ~/.config/tweedie/lab.token
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import pathlib
from collections.abc import Iterable
from typing import Any, Callable, Optional

_DEFAULT = "default"
_SPACE = " \t\r\n\v\f"
_TRUE = ("1", "true", "on", "yes", "enable")
_FALSE = ("0", "false", "off", "no", "disable")
_PREVIEWS = ("auto", "none", "blocks", "kitty", "sixel")
_TOKEN = (
    "a token does not belong here; put it into a file of its own, and its path here: "
    "token-file = PATH"
)


@dataclasses.dataclass(frozen=True)
class Profile:
    """What a section says; what it does not is None.

    Attributes:
        server: HOST:PORT, https://HOST:PORT or unix:PATH.
        tls: Whether to speak TLS.
        ca: PEM file of authorities.
        cert: PEM file of a certificate.
        key: PEM file of its key.
        token_file: File of a token.
        retry_for: Seconds to go on trying to reach a server.
        wait_for: Seconds to wait for room in a full queue.
        preview: How a terminal shows results, which is the command line's.
    """

    server: Optional[str] = None
    tls: Optional[bool] = None
    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    token_file: Optional[str] = None
    retry_for: Optional[float] = None
    wait_for: Optional[float] = None
    preview: Optional[str] = None

    def elsewhere(self) -> Profile:
        """Returns what of it holds for another server too: its token is for its own."""
        return dataclasses.replace(
            self, server=None, tls=None, ca=None, cert=None, key=None, token_file=None
        )


def find_profile(name: Optional[str], is_elsewhere: bool) -> Profile:
    """Returns the profile of a name, or [default] if there is one.

    Args:
        name: A section of the file; None for [default].
        is_elsewhere: Whether the server is known already: then it gets nothing of [default] that
            belongs to a connection. A profile that is named is meant.

    Raises:
        ValueError: If there is no such profile, or something of the file is wrong; with its line.
        OSError: If a profile is named, and the file cannot be read.
    """
    path = _find_path()
    if name is None and (path is None or not os.path.exists(path)):
        return Profile()
    if path is None:
        raise ValueError(f"there is no profile '{name}': neither XDG_CONFIG_HOME nor HOME is set")
    sections = parse(path, path.read_text("utf-8", "replace"))
    if name is None:
        found = sections.get(_DEFAULT, Profile())
        return found.elsewhere() if is_elsewhere else found
    if name not in sections:
        raise ValueError(f"there is no profile '{name}' in {path}{_did_you_mean(name, sections)}")
    return sections[name]


def parse(path: pathlib.Path, text: str) -> dict[str, Profile]:
    """Returns the profiles of a file by their names. Raises ValueError, with the line."""
    sections: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(text.split("\n"), 1):
        try:
            _add_line(line.strip(_SPACE), path, sections)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
    return {name: Profile(**entries) for name, entries in sections.items()}


def parse_flag(text: str) -> bool:
    """Returns whether a text says yes. Raises ValueError if it says neither yes nor no."""
    if text.lower() not in _TRUE + _FALSE:
        raise ValueError(f"must be true or false; was '{text}'")
    return text.lower() in _TRUE


def _find_path() -> Optional[pathlib.Path]:
    folder = os.environ.get("XDG_CONFIG_HOME")
    home = os.environ.get("HOME")
    if not folder and not home:
        return None
    return pathlib.Path(folder or f"{home}/.config") / "tweedie" / "config"


def _add_line(line: str, path: pathlib.Path, sections: dict[str, dict[str, Any]]) -> None:
    if not line or line.startswith("#"):
        return
    if line.startswith("[") and line.endswith("]"):
        _add_section(line[1:-1].strip(_SPACE), sections)
        return
    key, equals, value = (part.strip(_SPACE) for part in line.partition("="))
    if not equals:
        raise ValueError("neither [a profile] nor key = value")
    if not sections:
        raise ValueError("before the first [profile]")
    _add_entry(key, value, path, sections[list(sections)[-1]])


def _add_section(name: str, sections: dict[str, dict[str, Any]]) -> None:
    if not name:
        raise ValueError("a profile without a name")
    if name in sections:
        raise ValueError(f"there is a profile {name} already")
    sections[name] = {}


def _add_entry(key: str, value: str, path: pathlib.Path, entries: dict[str, Any]) -> None:
    if key == "token":
        raise ValueError(_TOKEN)
    if key not in _KEYS:
        raise ValueError(f"there is no key '{key}'{_did_you_mean(key, _KEYS)}")
    field = key.replace("-", "_")
    if field in entries:
        raise ValueError(f"{key} is given twice")
    try:
        entries[field] = _KEYS[key](value, path)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _resolve(value: str, path: pathlib.Path) -> str:
    """Paths that begin with ~/ are of the home, others without / before them of the folder."""
    if value.startswith("~/"):
        return os.environ.get("HOME", "") + value[1:]
    return str(path.parent / value)


def _parse_seconds(text: str, _: pathlib.Path) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise ValueError(f"must be a number of seconds, at least 0; was '{text}'")
    return seconds


def _parse_preview(text: str, _: pathlib.Path) -> str:
    if text not in _PREVIEWS:
        meant = _did_you_mean(text, _PREVIEWS)
        raise ValueError(f"must be one of {', '.join(_PREVIEWS)}; was '{text}'{meant}")
    return text


_KEYS: dict[str, Callable[[str, pathlib.Path], Any]] = {
    "server": lambda text, _: text,
    "tls": lambda text, _: parse_flag(text),
    "ca": _resolve,
    "cert": _resolve,
    "key": _resolve,
    "token-file": _resolve,
    "retry-for": _parse_seconds,
    "wait-for": _parse_seconds,
    "preview": _parse_preview,
}


def _did_you_mean(text: str, words: Iterable[str]) -> str:
    near = difflib.get_close_matches(text, list(words), 1)
    return f"; did you mean '{near[0]}'?" if near else ""
