"""Profiles: the file that the command-line client reads, with the same meaning and errors."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
from typing import Any

import pytest
import servers

import tweedie
from tweedie import aio, connection, settings
from tweedie.connection import ConnectionOptions

TEXT = """
# where we work
[default]
server = here:1
token-file = here.token
retry-for = 7

[lab]
  server=https://lab:2
ca = /etc/lab.pem
tls = true
preview = none
"""


@pytest.fixture
def config(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    """The file, which is not there yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "tweedie").mkdir()
    return tmp_path / "tweedie" / "config"


def complete(profile: str | None = None, **given: Any) -> ConnectionOptions:
    return connection.complete(ConnectionOptions(**given), profile)[0]


def test_default_is_taken_by_itself(config: pathlib.Path) -> None:
    config.write_text(TEXT)
    options = complete()
    assert (options.server, options.tls) == ("here:1", None)
    assert options.token_file == str(config.parent / "here.token")


def test_others_are_taken_by_name(config: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text(TEXT)
    lab = ConnectionOptions(server="https://lab:2", ca="/etc/lab.pem", tls=True)
    assert complete("lab") == lab
    monkeypatch.setenv("TWEEDIE_PROFILE", "lab")
    assert complete() == lab
    assert complete("default").server == "here:1"


def test_arguments_then_environment_then_profile(
    config: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(TEXT)
    monkeypatch.setenv("TWEEDIE_SERVER", "environment:3")
    monkeypatch.setenv("TWEEDIE_CA", "environment.pem")
    assert complete("lab").server == "environment:3"
    assert complete("lab").ca == "environment.pem"
    assert complete("lab").tls is True
    given = complete("lab", server="given:4", ca="given.pem", tls=False)
    assert given == ConnectionOptions(server="given:4", ca="given.pem", tls=False)


def test_the_token_of_default_is_for_its_own_server(
    config: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(TEXT + "token-file = lab.token\n")
    assert complete(server="other:5").token_file is None
    assert complete("lab", server="other:5").token_file == str(config.parent / "lab.token")
    monkeypatch.setenv("TWEEDIE_SERVER", "other:5")
    assert complete().token_file is None


def test_a_token_given_elsewhere_goes_first(
    config: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(TEXT)
    assert complete(token="mine").token_file is None
    assert complete(token_file="mine.token").token_file == "mine.token"
    monkeypatch.setenv("TWEEDIE_TOKEN", "secret")
    assert (complete().token, complete().token_file) == ("secret", None)


def test_patience_is_that_of_the_profile(config: pathlib.Path) -> None:
    config.write_text("[default]\nretry-for = 7\nwait-for = 1.5\n")
    policy = settings.find_settings().options.retry
    assert (policy.give_up_after, policy.give_up_when_full) == (7.0, 1.5)
    given = tweedie.RetryPolicy(give_up_after=1.0)
    assert settings.find_settings(retry=given).options.retry == given
    elsewhere = settings.find_settings("other:5").options.retry
    assert elsewhere.give_up_after == 7.0


def test_paths_are_of_the_home_or_the_folder(
    config: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    config.write_text("[default]\nca = ~/ca.pem\ncert = c.pem\nkey = /k.pem\n")
    options = complete()
    assert options.ca == "/home/ada/ca.pem"
    assert options.cert == str(config.parent / "c.pem")
    assert options.key == "/k.pem"


def test_the_file_is_that_of_xdg_or_of_the_home(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".config" / "tweedie").mkdir(parents=True)
    (tmp_path / ".config" / "tweedie" / "config").write_text("[default]\nserver = home:6\n")
    assert complete().server == "home:6"


def test_no_file_is_no_profile(config: pathlib.Path) -> None:
    assert complete() == ConnectionOptions(server="127.0.0.1:7433")
    with pytest.raises(FileNotFoundError, match="config"):
        complete("lab")


# The same file is wrong for both clients, and both say so in the same words.
@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("[default]\nservre = x\n", None),
        ("[default]\npreview = block\n", None),
        ("[default]\njson = true\n", None),
        ("server = x\n", None),
        ("[a]\n[a]\n", None),
        ("[]\n", None),
        ("[a]\nca = x\nca = y\n", None),
        ("[a]\nhello\n", None),
        ("[default]\ntoken = secret\n", None),
        (TEXT, "lba"),
        (TEXT, "nothing-like-it"),
    ],
)
def test_errors_are_those_of_the_command_line(
    config: pathlib.Path, text: str, profile: str | None
) -> None:
    config.write_text(text)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - compared below
        tweedie.connect(profile=profile)
    with pytest.raises(ValueError, match=re.escape(str(caught.value))):
        aio.connect(profile=profile)
    command = [servers.TWEEDIE, "info", *(("--profile", profile) if profile else ())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert done.returncode in (2, 8)
    said = done.stderr.splitlines()[0].replace(": --", ": ")
    assert said == f"tweedie: {caught.value}"
    assert "secret" not in said


@pytest.mark.parametrize(
    "text", ["retry-for = soon", "wait-for = -1", "retry-for = nan", "tls = maybe"]
)
def test_values_that_are_wrong_are_told_with_their_line(config: pathlib.Path, text: str) -> None:
    config.write_text(f"[default]\n\n{text}\n")
    key, _, value = text.partition(" = ")
    with pytest.raises(ValueError, match=f"config:3: {key}: must be .*; was '{value}'"):
        tweedie.connect()


def test_a_profile_reaches_its_server(config: pathlib.Path, server: servers.Server) -> None:
    config.write_text(
        f"[default]\nserver = {server.address}\n[away]\nserver = 127.0.0.1:1\nretry-for = 0\n"
    )
    with tweedie.connect() as client:
        assert client.server_info().version
    with tweedie.connect(profile="away") as client:
        with pytest.raises(tweedie.errors.UnavailableError):
            client.server_info()
    with tweedie.connect(server.address, profile="away") as client:
        assert client.server_info().version
