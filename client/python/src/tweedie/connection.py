"""Where a server is and how to speak to it: addresses, TLS, tokens."""

from __future__ import annotations

import dataclasses
import ipaddress
import os
import pathlib
import stat
import warnings
from typing import Optional

import grpc

from tweedie.profiles import Profile, find_profile, parse_flag

DEFAULT_SERVER = "127.0.0.1:7433"
_HTTPS = "https://"
_MAX_TOKEN_BYTES = 4096


@dataclasses.dataclass(frozen=True)
class Connection:
    """What is needed to connect. What is PEM is the text, not a file.

    Attributes:
        target: HOST:PORT, [IPV6]:PORT, or unix:PATH, as it is connected to.
        tls: Whether to speak TLS.
        authorities: PEM; the system's if None.
        certificate: PEM of the chain that is shown to a server that asks for one.
        key: PEM of its key.
        metadata: What every call carries; a token is a secret, and is not printed.
    """

    target: str
    tls: bool = False
    authorities: Optional[bytes] = None
    certificate: Optional[bytes] = None
    key: Optional[bytes] = dataclasses.field(default=None, repr=False)
    metadata: tuple[tuple[str, str], ...] = dataclasses.field(default=(), repr=False)

    @property
    def credentials(self) -> grpc.ChannelCredentials:
        """Those of TLS."""
        return grpc.ssl_channel_credentials(self.authorities, self.key, self.certificate)

    @property
    def options(self) -> list[tuple[str, int]]:
        """Arguments of the channel, as of the C++ client (net/channel.cc)."""
        return [
            ("grpc.max_receive_message_length", -1),  # the server says how large messages may be
            ("grpc.max_send_message_length", -1),
            ("grpc.keepalive_time_ms", 60_000),
            ("grpc.keepalive_timeout_ms", 20_000),
            ("grpc.http2.max_pings_without_data", 0),  # a watch that only reads sends no data
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),  # tries are ours
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 10_000),
            ("grpc.max_reconnect_backoff_ms", 2_000),
            # A connection of its own for each client: one carries 128 streams.
            ("grpc.use_local_subchannel_pool", 1),
        ]


@dataclasses.dataclass(frozen=True)
class ConnectionOptions:
    """Where the server is and how to speak to it, as it was said; None for what was not.

    See tweedie.connect().
    """

    server: Optional[str] = None
    tls: Optional[bool] = None
    ca: Optional[str] = None
    cert: Optional[str] = None
    key: Optional[str] = None
    token: Optional[str] = dataclasses.field(default=None, repr=False)
    token_file: Optional[str] = None
    creator: Optional[str] = None


def complete(
    given: ConnectionOptions, profile: Optional[str] = None
) -> tuple[ConnectionOptions, Profile]:
    """Adds what is not given: from the environment, then from a profile, as the CLI does.

    Args:
        given: What goes first.
        profile: The profile's name; that of TWEEDIE_PROFILE, or [default], if None.

    Returns:
        All of it, and the profile.

    Raises:
        ValueError: If a variable or the profile is wrong.
        OSError: If a profile is named, and its file cannot be read.
    """
    server = given.server or _variable("TWEEDIE_SERVER")
    found = find_profile(profile or _variable("TWEEDIE_PROFILE"), server is not None)
    token, token_file = _choose_token(given, found)
    completed = ConnectionOptions(
        server=server or found.server or DEFAULT_SERVER,
        tls=_first(given.tls, _flag("TWEEDIE_TLS"), found.tls),
        ca=given.ca or _variable("TWEEDIE_CA") or found.ca,
        cert=given.cert or _variable("TWEEDIE_CERT") or found.cert,
        key=given.key or _variable("TWEEDIE_KEY") or found.key,
        token=token,
        token_file=token_file,
        creator=given.creator,
    )
    return completed, found


def make_connection(options: ConnectionOptions) -> Connection:
    """Returns how to connect.

    Raises:
        ValueError: If the options do not go together, or a token would cross the network in the
            clear; nothing is sent then.
        OSError: If a file cannot be read.
    """
    server = options.server or DEFAULT_SERVER
    https = server.startswith(_HTTPS)
    target = server[len(_HTTPS) :].rstrip("/") if https else server
    has_files = bool(options.ca or options.cert or options.key)
    tls = (https or bool(options.tls) or has_files) and not is_unix_target(target)
    secret = _read_secret(options)
    metadata = []
    if secret:
        target = target if tls else _local_target(target)
        metadata.append(("authorization", f"Bearer {secret}"))
    if options.creator:
        metadata.append(("x-tweedie-creator", options.creator))
    pem = _read_tls_files(options) if tls else {}
    return Connection(target=target, tls=tls, metadata=tuple(metadata), **pem)


def is_unix_target(target: str) -> bool:
    """Whether it names a Unix socket."""
    return target.startswith(("unix:", "unix-abstract:"))


def split_host_and_port(target: str) -> Optional[tuple[str, int]]:
    """Returns the parts of HOST:PORT or [IPV6]:PORT, without brackets; None for other forms."""
    host, colon, port = target.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        return None
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], int(port)
    return None if ":" in host or "/" in host else (host, int(port))


def _local_target(target: str) -> str:
    """Returns the target to connect to so that no byte leaves this machine.

    `localhost` becomes a number, since what a name means is another's to say.
    """
    if is_unix_target(target):
        return target
    parts = split_host_and_port(target)
    if parts is not None:
        host, port = parts
        if host.lower() == "localhost":
            return f"127.0.0.1:{port}"
        if _is_loopback(host):
            return target
    raise ValueError(
        f"{target}: a token is sent over TLS, or within this machine (127.0.0.1, [::1], unix:PATH) "
        "only; others could read it on its way"
    )


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _variable(name: str) -> Optional[str]:
    return os.environ.get(name) or None


def _flag(name: str) -> Optional[bool]:
    text = _variable(name)
    try:
        return None if text is None else parse_flag(text)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _first(*values: Optional[bool]) -> Optional[bool]:
    return next((value for value in values if value is not None), None)


def _choose_token(
    given: ConnectionOptions, profile: Profile
) -> tuple[Optional[str], Optional[str]]:
    """Returns the token and its file, of which the first that is said anywhere counts."""
    if given.token is not None or given.token_file is not None:
        return given.token, given.token_file
    from_variable = _variable("TWEEDIE_TOKEN")
    if from_variable:
        return _parse_token(from_variable, "TWEEDIE_TOKEN"), None
    return None, _variable("TWEEDIE_TOKEN_FILE") or profile.token_file


def _read_secret(options: ConnectionOptions) -> Optional[str]:
    if options.token is not None and options.token_file is not None:
        raise ValueError("one of token and token_file is allowed")
    if options.token is not None:
        return _parse_token(options.token, "token")
    return None if options.token_file is None else _read_token(options.token_file)


def _read_token(path: str) -> str:
    token = _parse_token(pathlib.Path(path).read_text("utf-8", "replace"), path)
    if os.stat(path).st_mode & (stat.S_IRGRP | stat.S_IROTH):
        warnings.warn(f"{path}: others can read this token (chmod 600)", stacklevel=7)
    return token


def _parse_token(text: str, name: str) -> str:
    """Returns the one word that `text` is. An error never repeats it."""
    token = text.strip(" \t\r\n\v\f")
    if not token:
        raise ValueError(f"{name} holds no token")
    if len(token) > _MAX_TOKEN_BYTES:
        raise ValueError(f"{name} holds no token: longer than {_MAX_TOKEN_BYTES} bytes")
    if not all("!" <= character <= "~" for character in token):
        raise ValueError(f"{name} holds no token: a token is one word of ASCII characters")
    return token


def _read_tls_files(options: ConnectionOptions) -> dict[str, bytes]:
    if bool(options.cert) != bool(options.key):
        raise ValueError("cert and key belong together")
    pem = {}
    if options.ca:
        pem["authorities"] = _read_pem(options.ca, "CERTIFICATE")
    if options.cert and options.key:
        pem["certificate"] = _read_pem(options.cert, "CERTIFICATE")
        pem["key"] = _read_pem(options.key, "PRIVATE KEY")
    return pem


def _read_pem(path: str, kind: str) -> bytes:
    data = pathlib.Path(path).read_bytes()
    if b"-----BEGIN " not in data or f"{kind}-----".encode() not in data:
        raise ValueError(f"{path}: holds no PEM of a {kind.lower()}")
    return data
