"""What is let in: requests from this machine's own page, that know the token, and are of a sane size."""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isthmus.web import means_this_machine, same

SAFE = ("GET", "HEAD")
SMALL = 4 << 20
"""Bytes that a request may carry."""
HELD = 64 << 20
"""Bytes of a picture or sound that is sent to be looked at, which is held in memory."""
LARGE = 1 << 30
"""Bytes of a file that is sent to be kept, which is written as it comes."""

_RULES = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "frame-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


class _TooLargeError(Exception):
    pass


class Guard:
    """Stands before the app, and turns away what no page of its own would send.

    A page of another site can make a browser send requests to this machine. It does not know the token, it cannot
    set the Host header (which a name that resolves to this machine would show: DNS rebinding), and its Origin tells
    it from this page.

    Parameters
    ----------
    app
        What is guarded.
    token
        What the first address carries as `?token=`; a cookie keeps it from then on.
    port
        The port that is listened on; 0 in tests lets any pass.
    held, large
        Beginnings of paths that may be sent files: to be looked at, and to be kept.
    """

    def __init__(
        self, app: ASGIApp, token: str, port: int, held: Iterable[str] = (), large: Iterable[str] = ()
    ) -> None:
        self.app, self.token, self.port, self.held, self.large = app, token, port, tuple(held), tuple(large)
        self.cookie = f"isthmus-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            return await refusal(scope, receive, send)
        limit, read, began = self._limit(scope["path"]), 0, False
        words = f"more than {limit:,} bytes were sent: too much for one request"

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > limit:
                raise _TooLargeError
            return message

        async def ruled(message: Message) -> None:
            nonlocal began
            if read > limit and not began:
                raise _TooLargeError  # what reads the body has caught the first, and has an answer of its own
            if message["type"] == "http.response.start":
                began = True
                own = {name for name, _ in message["headers"]}
                more = [(name.encode(), rule.encode()) for name, rule in _RULES.items() if name.encode() not in own]
                message["headers"] = [*message["headers"], *more]
            await send(message)

        try:
            if int(headers.get("content-length", "0")) > limit:
                raise _TooLargeError
            await self.app(scope, counted, ruled)
        except _TooLargeError:
            if not began:
                await _refused(words, 413)(scope, receive, send)
        except ValueError:
            if began:
                raise
            await _refused("the request cannot be read", 400)(scope, receive, send)

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        host = headers.get("host", "")
        if not means_this_machine(host, self.port):
            return _refused("this server answers to its own address only", 403)
        origin = headers.get("origin")
        if origin is not None and origin != f"{scope['scheme']}://{host}":
            return _refused("pages of other sites may not ask this server", 403)
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if asked and scope["method"] in SAFE and scope["path"] == "/" and self._knows(asked):
            answer = RedirectResponse("/", 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
            answer.set_cookie(self.cookie, self.token, httponly=True, samesite="strict", path="/")
            return answer
        if self._knows(headers.get("authorization", "").removeprefix("Bearer ")):
            return None  # a program, not a browser: no other site can make one send this
        if not self._knows(_cookie(headers, self.cookie)):
            return _refused("open the address that `isthmus open` printed: it holds this server's token", 401)
        site = headers.get("sec-fetch-site", "none")
        if site not in ("same-origin", "none") or (scope["method"] not in SAFE and origin is None):
            return _refused("pages of other sites may not ask this server", 403)
        return None

    def _limit(self, path: str) -> int:
        return LARGE if path.startswith(self.large) else HELD if path.startswith(self.held) else SMALL

    def _knows(self, token: str) -> bool:
        return same(token, self.token)


def _cookie(headers: dict[str, str], name: str) -> str:
    try:
        held = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return held[name].value if name in held else ""


def _refused(words: str, status: int) -> Response:
    return PlainTextResponse(f"isthmus: {words}\n", status, dict(_RULES))
