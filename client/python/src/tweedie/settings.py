"""What connect() is told, and finds where it is not told: the connection and how calls behave."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any, Callable, Optional, TypeVar

from typing_extensions import ParamSpec

from tweedie import calls, connection, tls
from tweedie.profiles import Profile
from tweedie.retry import RESUME_POLICY, RetryPolicy

P = ParamSpec("P")
ChannelT = TypeVar("ChannelT")
ClientT = TypeVar("ClientT")


@dataclasses.dataclass(frozen=True)
class Settings:
    """All that a client needs.

    Attributes:
        to: How to connect.
        options: How calls behave.
        model: The model of tasks that name none.
    """

    to: connection.Connection
    options: calls.CallOptions
    model: Optional[str]

    def open_channel(
        self, secure: Callable[..., ChannelT], insecure: Callable[..., ChannelT]
    ) -> ChannelT:
        """Returns a channel, by one of the two functions of gRPC."""
        if self.to.tls:
            return secure(self.to.target, self.to.credentials, options=self.to.options)
        return insecure(self.to.target, options=self.to.options)


def find_settings(
    server: Optional[str] = None,
    *,
    profile: Optional[str] = None,
    tls: Optional[bool] = None,
    ca: Optional[str] = None,
    cert: Optional[str] = None,
    key: Optional[str] = None,
    token: Optional[str] = None,
    token_file: Optional[str] = None,
    creator: Optional[str] = None,
    model: Optional[str] = None,
    retry: Optional[RetryPolicy] = None,
    resume: RetryPolicy = RESUME_POLICY,
    timeout: float = 120.0,
    on_retry: calls.OnRetry = calls.log_retry,
) -> Settings:
    """Returns a client of a server. It connects when it is first used.

    What is left out comes from the variables of the command-line client: TWEEDIE_SERVER,
    TWEEDIE_TLS, TWEEDIE_CA, TWEEDIE_CERT, TWEEDIE_KEY, TWEEDIE_TOKEN, TWEEDIE_TOKEN_FILE; then from
    a profile of its file, ~/.config/tweedie/config. That of [default] gives its token and files of
    TLS to its own server alone.

    Args:
        server: HOST:PORT, https://HOST:PORT, or unix:PATH; 127.0.0.1:7433 by default.
        profile: A section of the file; TWEEDIE_PROFILE, or [default] if there is one, by default.
        tls: Whether to speak TLS, as with https:// and with the files below.
        ca: PEM file of the authorities that the server's certificate must come from; the system's
            by default.
        cert: PEM file of a certificate to show to a server that asks for one.
        key: PEM file of its key.
        token: What says who you are; better left to `token_file`. Sent over TLS, or within this
            machine, only.
        token_file: File of the token.
        creator: A name for your jobs, at a server that asks for no token.
        model: The model of tasks that name none; the server's only one by default.
        retry: When calls are tried again; by default RetryPolicy(), with `retry-for` and `wait-for`
            of the profile.
        resume: When streams that broke are taken up again.
        timeout: Seconds of one try of a call.
        on_retry: Told of each failure that will be tried again, and the wait before it; by default
            the logger `tweedie` is, at the level INFO.

    Raises:
        ValueError: If the options do not go together; a token would be readable on its way; or the
            profile, or something in its file, is wrong.
        OSError: If a file cannot be read.
    """
    given = connection.ConnectionOptions(
        server=server, tls=tls, ca=ca, cert=cert, key=key, token=token, token_file=token_file,
        creator=creator,
    )  # fmt: skip
    options, found = connection.complete(given, profile)
    to, explain = _prepare(options)
    behaviour = calls.CallOptions(
        retry=retry or _policy_of(found), resume=resume, timeout=timeout, metadata=to.metadata,
        explain=explain, on_retry=on_retry,
    )  # fmt: skip
    return Settings(to, behaviour, model)


def connecting(
    find: Callable[P, Settings], make: Callable[[Settings], ClientT]
) -> Callable[P, ClientT]:
    """Returns a function with the parameters and the help of `find` that makes a client."""

    @functools.wraps(find)
    def connect(*args: P.args, **kwargs: P.kwargs) -> ClientT:
        return make(find(*args, **kwargs))

    connect.__name__ = connect.__qualname__ = "connect"
    returned = inspect.signature(make).return_annotation
    described: Any = connect
    described.__signature__ = inspect.signature(find).replace(return_annotation=returned)
    return connect


def _prepare(options: connection.ConnectionOptions) -> tuple[connection.Connection, Any]:
    to = connection.make_connection(options)
    if to.tls:
        tls.check_pem(options)
    return to, tls.Explainer(to, options).explain


def _policy_of(profile: Profile) -> RetryPolicy:
    policy = RetryPolicy()
    if profile.retry_for is not None:
        policy = dataclasses.replace(policy, give_up_after=profile.retry_for)
    if profile.wait_for is not None:
        policy = dataclasses.replace(policy, give_up_when_full=profile.wait_for)
    return policy
