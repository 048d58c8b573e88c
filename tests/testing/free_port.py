"""A port for a server that cannot pick one itself, or that keeps it through restarts."""
import contextlib
import random
import socket


def free_port() -> int:
    """Returns a port of the loopback that was free a moment ago. It is below those that Linux gives to connections and
    to port 0 (from 32768): one of these may be any other program's by the time it is used."""
    while True:
        port = random.SystemRandom().randrange(20000, 32768)
        with socket.socket() as held, contextlib.suppress(OSError):
            held.bind(("127.0.0.1", port))
            return port
