"""The door for platforms that tell us of something new. What they tell is a hint: it makes sources due, no more."""

import re
from datetime import timedelta
from functools import partial

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from monitor.core.hints import Hint
from monitor.core.signatures import Signature, is_same, sign
from monitor.flows.hints import Hints, Listener
from monitor.flows.subscriptions import Subscriptions, path_of
from monitor.web.inbound import Chore, Door, Inbound, RawBody, Refused, Replays, check_signature

DOOR = "push"
# A challenge is shown back, and X's is signed with the very secret that events are signed with. None of these is the
# beginning of a body that we read, which is an object: nobody can have an event signed here.
_CRC = re.compile(r"[A-Za-z0-9_=+/.-]{1,300}")
_CHALLENGE = re.compile(r"[\x21-\x7e]{1,500}")
_CRC_ANSWER = Signature("", encoding="base64")


def open_door(inbound: Inbound) -> Door:
    """The addresses /push/<account>, and /push/<account>/<what only a hub was told>."""
    app = inbound.app
    hints = Hints(app.engine, lambda: app.plan, app.now, inbound.wake)
    subscriptions = Subscriptions(app.engine, lambda: app.plan, app.http, app.now, lambda: app.settings.web.public_url)
    push = _Push(inbound, hints, subscriptions)
    router = APIRouter(prefix="/push", tags=[DOOR])
    router.add_api_route("/{account}", push.challenged, methods=["GET"])
    router.add_api_route("/{account}", push.told, methods=["POST"])
    router.add_api_route("/{account}/{path}", push.challenged, methods=["GET"])
    router.add_api_route("/{account}/{path}", push.told, methods=["POST"])
    chores = (
        Chore("hints", timedelta(seconds=1), hints.flush),
        Chore("hints-prune", timedelta(hours=6), hints.prune),
        Chore("subscriptions", timedelta(minutes=1), subscriptions.renew),
    )
    return Door(router, chores, close=partial(hints.flush, at_once=True))


class _Push:
    """The endpoints; each account of the configuration with a push_secret has its own."""

    def __init__(self, inbound: Inbound, hints: Hints, subscriptions: Subscriptions) -> None:
        self._app, self._tally = inbound.app, inbound.tally
        self._hints, self._subscriptions = hints, subscriptions
        self._replays: dict[timedelta, Replays] = {}

    def _listener(self, account: str, path: str) -> Listener:
        """Raises: Refused where there is no such address: an unknown account and a wrong path look the same."""
        listener = self._app.plan.listeners.get(account)
        if listener is None:
            raise Refused(DOOR, "unknown", 404)
        wanted = path_of(account, listener) if listener.push.challenge == "topic" else None
        if wanted is None and path:
            raise Refused(DOOR, "unknown", 404)
        if wanted is not None and not any(is_same(one, path) for one in wanted):
            raise Refused(DOOR, "unknown", 404)
        return listener

    def challenged(self, request: Request, account: str, path: str = "") -> Response:
        """A platform makes sure that the address is ours."""
        listener = self._listener(account, path)
        if listener.push.challenge == "crc":
            token = _only(request, "crc_token", _CRC)
            self._tally.accepted(DOOR, "challenge")
            return JSONResponse({"response_token": sign(_CRC_ANSWER, listener.secrets[0], token.encode())})
        if listener.push.challenge == "token":
            return self._meta(request, listener)
        return self._hub(request, account)

    def _meta(self, request: Request, listener: Listener) -> Response:
        is_known = is_same(listener.verify_token, request.query_params.get("hub.verify_token", ""))
        if not is_known or request.query_params.get("hub.mode") != "subscribe":
            raise Refused(DOOR, "verify_token")
        return self._echo(request)

    def _hub(self, request: Request, account: str) -> Response:
        asked = request.query_params
        mode, topic = asked.get("hub.mode", ""), asked.get("hub.topic", "")
        if mode == "denied":
            self._subscriptions.denied(account, topic)
            return PlainTextResponse("")
        if not self._subscriptions.confirm(account, mode, topic, asked.get("hub.lease_seconds", "")):
            raise Refused(DOOR, "topic", 404)
        return self._echo(request)

    def _echo(self, request: Request) -> Response:
        challenge = _only(request, "hub.challenge", _CHALLENGE)
        self._tally.accepted(DOOR, "challenge")
        return PlainTextResponse(challenge)

    def told(self, request: Request, body: RawBody, account: str, path: str = "") -> Response:
        """A platform tells us something. Nothing in the body is read before its signature is found right."""
        listener = self._listener(account, path)
        push = listener.push
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() not in push.media_types:
            raise Refused(DOOR, "media_type", 415)
        check_signature(DOOR, push.signature, listener.secrets, request, body)
        now, replays = self._app.now(), self._replays_of(push.window)
        what = account.encode() + b"\0" + body
        if replays.is_known(what, now):
            # Platforms repeat what they take for lost, the same to the byte: a refusal would make them go on.
            self._tally.accepted(DOOR, "repeated")
            return PlainTextResponse("")
        hints = _read(listener, body)
        if times := [hint.at for hint in hints if hint.at is not None]:
            replays.check_time(DOOR, max(times), now)
        self._hints.take(account, hints)
        replays.remember(what, now)
        self._tally.accepted(DOOR)
        return PlainTextResponse("")

    def _replays_of(self, window: timedelta) -> Replays:
        return self._replays.setdefault(window, Replays(window))


def _read(listener: Listener, body: bytes) -> list[Hint]:
    try:
        return list(listener.push.read(body))
    except ValueError:
        raise Refused(DOOR, "unreadable", 400) from None


def _only(request: Request, name: str, form: re.Pattern[str]) -> str:
    """The one parameter of this name.

    Raises: Refused unless it is there once and has this form.
    """
    given = request.query_params.getlist(name)
    if len(given) != 1 or not form.fullmatch(given[0]):
        raise Refused(DOOR, "challenge", 400)
    return given[0]
