"""What the page's server and the service share: a socket to listen on, and whether a request means this machine."""

from __future__ import annotations

import os
import secrets
import socket
from ipaddress import ip_address

from isthmus.errors import UsageError


def listen(host: str, port: int) -> socket.socket:
    """Open a socket to listen on.

    Raises
    ------
    UsageError
        The port is taken, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named in full: asyncio sends small answers at once (TCP_NODELAY) only on sockets that say they are TCP's, and
    # without it every answer waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(100)  # who comes before the server is ready waits, and is not turned away
        return listening
    except OSError as error:
        listening.close()
        code = error.errno or 0
        reason = os.strerror(code) if code > 0 else error.strerror  # without the address again
        raise UsageError(f"--port {port}: {reason}; choose another, or leave it out") from None


def is_loopback(host: str) -> bool:
    """Tell whether an address or name is reached from this machine alone.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "example.org")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def means_this_machine(host: str, port: int) -> bool:
    """Tell whether a Host header names this machine, and this port; with port 0, any.

    A page of another site whose name resolves to this machine (DNS rebinding) shows by that name.

    >>> [means_this_machine(host, 8000) for host in ("localhost:8000", "[::1]:8000", "evil.example:8000")]
    [True, True, False]
    """
    name, _, given = host.rpartition(":") if host.count(":") in (1, 3) and not host.endswith("]") else (host, "", "")
    return name in ("127.0.0.1", "localhost", "[::1]") and (not port or given == str(port))


def same(secret: str, other: str) -> bool:
    """Compare secrets in a time that tells nothing of where they differ."""
    return secrets.compare_digest(secret.encode("utf-8", "surrogateescape"), other.encode("utf-8", "surrogateescape"))
