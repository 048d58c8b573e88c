"""What TLS fails at, in words: gRPC reports all of it as UNAVAILABLE."""

from __future__ import annotations

import pathlib
import socket
import ssl
from typing import Optional

from tweedie import connection, errors

_TIMEOUT = 2.0  # seconds, of each system call
_HUNG_UP = "it hangs up after the handshake of TLS: does it want a certificate (cert, key)?"


def check_pem(options: connection.ConnectionOptions) -> None:
    """Raises ValueError if a file is no PEM, or the key is not the certificate's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if options.ca:
        _check(options.ca, lambda: context.load_verify_locations(options.ca))
    if options.cert and options.key:
        cert, key = options.cert, options.key
        pathlib.Path(key).read_bytes()  # an error of the file names it
        _check(f"{cert}, {key}", lambda: context.load_cert_chain(cert, key, password=""))


def _check(name: str, load: object) -> None:
    assert callable(load)
    try:
        load()
    except ssl.SSLError as error:
        raise ValueError(f"{name}: {error.reason or error}") from None


class Explainer:
    """Finds out why there is no connection, where TLS is the reason. Thread-safe."""

    def __init__(self, to: connection.Connection, options: connection.ConnectionOptions) -> None:
        self._to = to
        self._options = options

    def explain(self, error: errors.ServerError) -> errors.ServerError:
        """Returns UnauthenticatedError with the reason, or `error`. Takes seconds at most."""
        is_silent = isinstance(error, errors.UnavailableError) and error.details.retry_delay is None
        problem = self._problem() if is_silent else None
        if problem is None:
            return error
        if problem == _HUNG_UP:  # perhaps it stops, so it is tried again
            return errors.UnavailableError(f"{error.message}; {problem}")
        return errors.UnauthenticatedError(problem)

    def _problem(self) -> Optional[str]:
        parts = connection.split_host_and_port(self._to.target)
        if connection.is_unix_target(self._to.target) or parts is None:
            return None
        try:
            with socket.create_connection(parts, timeout=_TIMEOUT) as plain:
                return self._try_tls(plain, parts[0]) if self._to.tls else self._try_any(plain)
        except OSError:
            return None  # nobody listens, which gRPC says well enough

    def _try_any(self, plain: socket.socket) -> Optional[str]:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["h2"])
        try:
            with context.wrap_socket(plain):
                return f"{self._to.target} speaks TLS: give tls=True or https://"
        except (ssl.SSLError, OSError):
            return None

    def _try_tls(self, plain: socket.socket, host: str) -> Optional[str]:
        context = ssl.create_default_context(cafile=self._options.ca)
        context.set_alpn_protocols(["h2"])
        if self._options.cert and self._options.key:
            context.load_cert_chain(self._options.cert, self._options.key, password="")
        try:
            with context.wrap_socket(plain, server_hostname=host) as secure:
                # In TLS 1.3 a server judges the client only after the handshake.
                return None if secure.recv(1) else _HUNG_UP
        except ssl.SSLCertVerificationError as error:
            return (
                f"the certificate of {self._to.target} is not accepted: {error.verify_message} "
                "(ca names the authorities to accept)"
            )
        except (ssl.SSLEOFError, ConnectionResetError):
            return _HUNG_UP
        except ssl.SSLError as error:
            return self._refusal(error.reason or "")

    def _refusal(self, reason: str) -> Optional[str]:
        if reason in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"):
            return f"{self._to.target} does not speak TLS: leave out tls, ca and https://"
        if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason:
            return f"{self._to.target} wants a certificate (cert, key)"
        if "ALERT" in reason:
            return f"{self._to.target} refuses the connection: {reason.lower().replace('_', ' ')}"
        return None
