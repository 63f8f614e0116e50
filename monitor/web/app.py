"""The web application for what comes from outside: its doors, and what holds for all of them.

A door is a module with `open_door(inbound) -> Door`; adding one is a line in DOORS. Endpoints are plain functions,
which run in a few threads of their own.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor import log
from monitor.web import chat, push
from monitor.web.inbound import Door, Inbound, Refused, Tally, door_of

_log = log.get()

Opening = Callable[[Inbound], Door]
DOORS: Sequence[Opening] = (push.open_door, chat.open_door)
THREADS = 8  # in which endpoints run; each may hold one connection to the database

# What is answered is for machines. A page of ours may set its own.
HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-origin",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"x-robots-tag": b"noindex",
}


def build(doors: Sequence[Door], tally: Tally) -> FastAPI:
    """The application of these doors: no pages about itself, no details in errors."""
    web = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False, lifespan=_few_threads)
    for door in doors:
        web.include_router(door.router)

    def refused(request: Request, error: Any) -> Response:
        if isinstance(error, Refused):
            tally.refused(error.door, error.why)
            return _bare(error.status)
        status = error.status_code if isinstance(error, HTTPException) else 400
        tally.refused(door_of(request), f"status_{status}")
        return _bare(status)

    for kind in (Refused, HTTPException, RequestValidationError):
        web.add_exception_handler(kind, refused)
    web.add_middleware(_Fence)
    return web


def _bare(status: int) -> Response:
    """A status and its usual words. What is refused is not read to its end: the connection is closed."""
    return PlainTextResponse(f"{HTTPStatus(status).phrase}\n", status, headers={"connection": "close"})


@asynccontextmanager
async def _few_threads(_web: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield


class _Fence:
    """Around everything: puts the headers on each answer, and makes a bare 500 of what went wrong in us."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        has_begun = False

        async def send_fenced(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                present = {name for name, _ in message["headers"]}
                message["headers"] += [header for header in HEADERS.items() if header[0] not in present]
            await send(message)

        try:
            await self._app(scope, receive, send_fenced)
        except Exception:
            _log.exception("inbound.crashed")
            if not has_begun:
                await _bare(500)(scope, receive, send_fenced)
