"""Addresses, and where a token is sent."""

import pathlib

import pytest

import tweedie
from tweedie import connection
from tweedie.connection import ConnectionOptions, complete, make_connection

TOKEN = "secret-token"


def connect(server: str, token: str = TOKEN, tls: bool = False) -> connection.Connection:
    return make_connection(ConnectionOptions(server=server, token=token, tls=tls))


@pytest.mark.parametrize(
    ("server", "target"),
    [
        ("127.0.0.1:7433", "127.0.0.1:7433"),
        ("127.8.8.8:1", "127.8.8.8:1"),
        ("[::1]:7433", "[::1]:7433"),
        ("[::ffff:127.0.0.1]:7433", "[::ffff:127.0.0.1]:7433"),
        ("localhost:7433", "127.0.0.1:7433"),
        ("LocalHost:7433", "127.0.0.1:7433"),
        ("unix:/run/tweedie.sock", "unix:/run/tweedie.sock"),
    ],
)
def test_a_token_is_sent_within_this_machine(server: str, target: str) -> None:
    made = connect(server)
    assert made.target == target
    assert made.metadata == (("authorization", f"Bearer {TOKEN}"),)


@pytest.mark.parametrize(
    "server",
    [
        *("gpu-1.lab:7433", "10.0.0.7:7433", "0.0.0.0:7433", "[2001:db8::1]:7433"),
        *("[::ffff:10.0.0.7]:7433", "localhost.evil.org:7433", "127.0.0.1.evil.org:7433"),
        *("127.1:7433", "dns:///127.0.0.1:7433", "127.0.0.1", "::1:7433", "127.0.0.1:99999"),
    ],
)
def test_a_token_is_not_sent_in_the_clear_to_another_machine(server: str) -> None:
    with pytest.raises(ValueError, match="a token is sent over TLS") as caught:
        connect(server)
    assert TOKEN not in str(caught.value)
    with pytest.raises(ValueError, match="a token is sent over TLS"):
        tweedie.connect(server, token=TOKEN)


def test_over_tls_it_is_sent_anywhere() -> None:
    made = connect("https://gpu-1.lab:7433/")
    assert (made.target, made.tls) == ("gpu-1.lab:7433", True)
    assert made.metadata


def test_without_a_token_any_server_will_do() -> None:
    made = make_connection(ConnectionOptions(server="gpu-1.lab:7433", creator="ada"))
    assert (made.target, made.tls) == ("gpu-1.lab:7433", False)
    assert made.metadata == (("x-tweedie-creator", "ada"),)


def test_a_unix_socket_has_no_tls() -> None:
    assert not connect("unix:/x", tls=True).tls


def test_secrets_are_not_printed() -> None:
    assert TOKEN not in repr(connect("127.0.0.1:1"))


def test_the_environment_is_that_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWEEDIE_SERVER", "gpu-2.lab:1")
    monkeypatch.setenv("TWEEDIE_TLS", "true")
    monkeypatch.setenv("TWEEDIE_TOKEN", f" {TOKEN}\n")
    made = make_connection(complete(ConnectionOptions())[0])
    assert (made.target, made.tls) == ("gpu-2.lab:1", True)
    assert made.metadata == (("authorization", f"Bearer {TOKEN}"),)


def test_a_variable_that_is_neither_yes_nor_no_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWEEDIE_TLS", "maybe")
    with pytest.raises(ValueError, match="TWEEDIE_TLS must be true or false; was 'maybe'"):
        tweedie.connect()


def test_the_default_server_is_that_of_the_command_line() -> None:
    made = make_connection(complete(ConnectionOptions())[0])
    assert made == connection.Connection("127.0.0.1:7433")


@pytest.mark.parametrize("text", ["", " \n", "two words", "naïve", "x" * 5000])
def test_what_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="token holds no token") as caught:
        connect("127.0.0.1:1", text)
    assert not text.strip() or text not in str(caught.value)


def test_a_token_that_others_can_read_is_warned_of(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\n")
    path.chmod(0o644)
    with pytest.warns(UserWarning, match="others can read this token"):
        make_connection(ConnectionOptions(server="127.0.0.1:1", token_file=str(path)))
    with pytest.warns(UserWarning, match="others can read") as caught:
        tweedie.connect("127.0.0.1:1", token_file=str(path))
    assert caught[0].filename == __file__, "it is the caller's"
    path.chmod(0o600)
    made = make_connection(ConnectionOptions(server="127.0.0.1:1", token_file=str(path)))
    assert made.metadata == (("authorization", f"Bearer {TOKEN}"),)


def test_options_that_do_not_go_together(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="one of token and token_file"):
        tweedie.connect("127.0.0.1:1", token=TOKEN, token_file="x")
    with pytest.raises(ValueError, match="cert and key belong together"):
        tweedie.connect("https://127.0.0.1:1", cert="x")
    with pytest.raises(FileNotFoundError):
        tweedie.connect("https://127.0.0.1:1", ca=str(tmp_path / "none"))
    (tmp_path / "text").write_text("no PEM")
    with pytest.raises(ValueError, match="text: holds no PEM of a certificate"):
        tweedie.connect("https://127.0.0.1:1", ca=str(tmp_path / "text"))
