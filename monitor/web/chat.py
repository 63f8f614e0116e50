"""The door for what people say in chats: it is believed, heard, done and answered, each chat in its own way."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, Response

from monitor import log
from monitor.flows.chat import Answer, Answerer
from monitor.web.ears import ear_of
from monitor.web.ears.base import DOOR, Ear, Heard
from monitor.web.inbound import Door, Inbound, RawBody, Refused, Replays

_log = log.get()

WINDOW = timedelta(minutes=5)  # how long ago something may have been sent, where a chat says when
THREADS = 4  # in which is done what was said


def open_door(inbound: Inbound) -> Door:
    """The addresses /chat/<channel>, and /chat/<channel>/<what only the chat was told>."""
    chat = _Chat(inbound)
    router = APIRouter(prefix="/chat", tags=[DOOR])
    router.add_api_route("/{channel}", chat.said, methods=["POST"])
    router.add_api_route("/{channel}/{path}", chat.said, methods=["POST"])
    return Door(router, close=chat.close)


class _Chat:
    """The endpoints; each channel whose settings say how its chat is believed has its own."""

    def __init__(self, inbound: Inbound) -> None:
        app = inbound.app
        self._app, self._tally = app, inbound.tally
        self._answerer = Answerer(app.engine, lambda: app.plan, app.now, inbound.wake)
        self._replays = Replays(WINDOW)
        self._ears: dict[str, tuple[Any, Ear | None]] = {}
        self._pool = ThreadPoolExecutor(THREADS, "chat")

    def close(self) -> None:
        """Let what was said be done."""
        self._pool.shutdown()

    def _ear(self, channel: str) -> Ear:
        """Raises: Refused where there is no such address: what is unknown and what is not listened to look the same."""
        configured = self._app.settings.channels.get(channel)
        if configured is None:
            raise Refused(DOOR, "unknown", 404)
        settings, ear = self._ears.get(channel, (None, None))
        if settings is not configured.settings:  # the first time, and after a reload
            ear = ear_of(configured.kind, configured.settings)
            self._ears[channel] = (configured.settings, ear)
        if ear is None:
            raise Refused(DOOR, "unknown", 404)
        return ear

    def said(self, request: Request, body: RawBody, channel: str, path: str = "") -> Response:
        """Something was said; what is done twice, or by people whom we do not know, the flow sees to."""
        ear = self._ear(channel)
        ear.believe(request, body, path, self._replays, self._app.now())
        heard = ear.hear(body, path)
        if heard.call is None:
            self._tally.accepted(DOOR, "not_for_us" if heard.pong is None else "challenge")
            return PlainTextResponse("") if heard.pong is None else ear.reply(heard, None, self._app.http)
        answering = self._pool.submit(self._answerer.answer, heard.call)
        _, waiting = wait([answering], ear.patience)
        if waiting:
            self._tally.accepted(DOOR, "deferred")
            response = ear.defer()
            response.background = BackgroundTask(self._follow, ear, heard, answering)
            return response
        answer = answering.result()
        self._tally.accepted(DOOR, _outcome(answer))
        return ear.reply(heard, answer, self._app.http)

    def _follow(self, ear: Ear, heard: Heard, answering: "Future[Answer | None]") -> None:
        """Answer what took too long, once it is done."""
        try:
            answer = answering.result()
        except Exception as error:
            kind = heard.call.kind if heard.call else ""
            _log.exception("chat.unanswered", kind=kind, error=type(error).__name__, says="it could not be done")
            return
        ear.follow(heard, answer, self._app.http)


def _outcome(answer: Answer | None) -> str:
    if answer is None:
        return "repeated"
    return "stranger" if answer.is_stranger else "accepted"
