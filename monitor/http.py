"""All HTTP that heedful does, in and out: one shared client, errors sorted by what to do next.

The caller gets an `Answer` for a 2xx or 304 and one of `monitor.errors` for anything else. No query, credential,
header or body appears in an error, nor in what the error was raised from; the host and path do, unless the caller
says that the path itself is secret. Proxies named in the environment are ignored.
"""

import json
import logging
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import httpcore
import httpx

from monitor import http_guard
from monitor.errors import Gone, Malformed, RateLimited, RemoteError, Unauthorized, Unavailable
from monitor.http_body import ACCEPTED, BodyCut, BodyTooLarge, BodyUnreadable, read_body

# It writes whole headers, which hold secrets, into the log of whoever turns its level up.
logging.getLogger("httpcore").setLevel(logging.WARNING)

MAX_REDIRECTS = 3
MAX_WAIT = timedelta(hours=24)
_KEPT = 20_000  # bytes of an unreadable answer that are kept for quarantine
_REDIRECTS = (301, 302, 303, 307, 308)
# What still travels along when a redirect leads to another host: everything else may be a credential.
_HARMLESS = frozenset(
    {"accept", "accept-encoding", "accept-language", "if-modified-since", "if-none-match", "user-agent"}
)
_PLAIN = frozenset({"host", "connection", "content-type", "content-length"})
_SECRET_NAME = re.compile(r"(?i)token|secret|passw|key|sig|auth|code")  # of a query's parameter
_SECRET_LENGTH = 8  # what is shorter is no credential, and would be found in any text


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers (case-insensitive), the whole decoded body, and the URL that answered.

    `shown` is how errors name that URL; it holds no secret.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)
    shown: str = ""
    credentials: tuple[str, ...] = field(default=(), repr=False)

    @property
    def start(self) -> str:
        """How the body begins, for quarantine: without our credentials, which some error pages show back."""
        return _text(self.body, self.credentials)

    def json(self) -> Any:
        """The body as JSON.

        Raises: Malformed, carrying the start of what came (an HTML page with status 200, a cut answer).
        """
        try:
            return json.loads(self.body, parse_constant=_refuse_constant)
        except ValueError as error:
            why = str(error)
        except RecursionError:
            why = "it is nested too deep"
        # Raised out here because a JSONDecodeError holds the whole body, and would travel along as the context.
        raise Malformed(
            f"{self.shown or _shown(self.url)} answered {self.status} with something that is not JSON ({why})",
            payload=self.start,
            status=self.status,
        )


class HttpClient:
    """The shared client: threads may use it side by side. Close it once, at the end.

    `resolver`, `network` and `tls` are how tests stand in for DNS, the internet and its certificates.
    """

    def __init__(
        self,
        *,
        timeout: timedelta = timedelta(seconds=20),
        deadline: timedelta = timedelta(seconds=45),
        max_body: int = 15_000_000,
        user_agent: str = "heedful/0.1",
        resolver: http_guard.Resolver = http_guard.resolve,
        network: httpcore.NetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._transport = http_guard.GuardedTransport(
            resolver=resolver,
            network=network or httpcore.SyncBackend(),
            tls=tls or httpx.create_ssl_context(),  # SSL_CERT_FILE may name an authority of one's own
        )
        self._client = httpx.Client(
            timeout=min(timeout, deadline).total_seconds(),
            headers={"user-agent": user_agent, "accept-encoding": ACCEPTED},
            trust_env=False,
            transport=self._transport,
        )
        self._deadline, self._max_body = deadline.total_seconds(), max_body

    def get(
        self, url: str, *, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """GET, following up to 3 redirects (never from a public host to a private address).

        Raises: see `request`.
        """
        return self.request("GET", url, params=params, headers=headers, follow=True)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        follow: bool = False,
        secret_path: bool = False,
        public_only: bool = False,
        timeout: timedelta | None = None,
    ) -> Answer:
        """Send one request and read the whole answer, at most `max_body` bytes within `deadline`.

        `secret_path`: the path is a secret (a webhook URL); errors then name the host only. `public_only`: the
        URL is not the operator's own word (it stood in a comment), so its host must be on the open internet.
        `follow` is for GET and HEAD; a redirect that is not followed is Unavailable. `timeout`: for the whole answer,
        instead of the client's own limits.

        Raises: Unavailable, RateLimited, Unauthorized, Gone or Malformed, each with `status` where there was
        one; `was_sent` is False where no connection was made.
        """
        shown = _shown(url, secret_path)
        request = self._built(method, url, params, headers, content, shown)
        request.extensions[http_guard.PUBLIC_ONLY] = public_only
        seconds = self._deadline if timeout is None else timeout.total_seconds()
        if timeout is not None:
            request.extensions["timeout"] = httpx.Timeout(seconds).as_dict()
        with http_guard.until(seconds):
            answer = self._sent(request, shown)
            if answer.status in _REDIRECTS and follow and method in ("GET", "HEAD"):
                answer = self._followed(request, answer, shown)
        if answer.status == 304 or 200 <= answer.status < 300:
            return answer
        error = _error(answer, shown)
        error.payload = answer.start  # some platforms say only there what the status means
        error.headers = answer.headers  # and when to come back in headers of their own
        raise error

    def close(self) -> None:
        self._client.close()

    def _built(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
        content: bytes | None,
        shown: str,
    ) -> httpx.Request:
        try:
            request = self._client.build_request(method, url, params=params, headers=headers, content=content)
            if request.url.userinfo:
                next(httpx.BasicAuth(request.url.username, request.url.password).auth_flow(request))  # sets the header
                request.url = request.url.copy_with(userinfo=b"")
            return request
        except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
            pass
        raise Malformed(f"{shown}: not a URL, or a header, that can be sent")

    def _followed(self, request: httpx.Request, answer: Answer, shown: str) -> Answer:
        home = request.url
        for _ in range(MAX_REDIRECTS):
            request = self._next_hop(request, answer, home, shown)
            answer = self._sent(request, f"{shown} (redirected to {request.url.host})", is_first=False)
            if answer.status not in _REDIRECTS:
                return answer
        raise Unavailable(f"{shown} redirects more than {MAX_REDIRECTS} times", status=answer.status)

    def _next_hop(self, before: httpx.Request, answer: Answer, home: httpx.URL, shown: str) -> httpx.Request:
        target = http_guard.redirect_target(before.url, answer.headers.get("location", ""))
        if target is None:
            raise Unavailable(f"{shown} redirects to something that is not a URL", status=answer.status)
        if target.scheme != "https" and before.url.scheme == "https":
            raise Unavailable(f"{shown} redirects from https to {target.scheme}", status=answer.status)
        is_guarded = before.extensions[http_guard.PUBLIC_ONLY] or not http_guard.is_home(target, home)
        stays = http_guard.is_home(target, before.url)
        headers = {k: v for k, v in before.headers.items() if k != "host" and (stays or k in _HARMLESS)}
        request = self._client.build_request(before.method, target, headers=headers)
        request.extensions[http_guard.PUBLIC_ONLY] = is_guarded
        return request

    def _sent(self, request: httpx.Request, shown: str, *, is_first: bool = True) -> Answer:
        failure: RemoteError
        try:
            # Not by the client's own `send`: that logs the URL, keeps cookies (which brands must not share) and
            # parses each Location even when it does not follow it.
            response = self._transport.handle_request(request)
            try:
                return self._read(request, response, shown)
            finally:
                response.close()
        except http_guard.FAULTS as error:
            was_sent = not (is_first and isinstance(error, http_guard.NEVER_SENT))
            failure = Unavailable(f"{shown}: {_fault(error)}", was_sent=was_sent)
        except BodyCut:
            failure = Unavailable(f"{shown}: the answer was cut short")
        except BodyTooLarge as error:
            says = f"{shown}: the answer is larger than {self._max_body:,} bytes"
            failure = Malformed(says, payload=_text(error.start, _credentials(request)))
        except BodyUnreadable as error:
            failure = Malformed(f"{shown}: the answer cannot be read: {error}")
        raise failure  # out here, so that no error of the network, which knows the URL, is its context

    def _read(self, request: httpx.Request, response: httpx.Response, shown: str) -> Answer:
        encoding = response.headers.get("content-encoding", "")
        if response.status_code == 304 or 200 <= response.status_code < 300:
            announced = response.headers.get("content-length", "")
            if announced.isdecimal() and len(announced) < 20 and int(announced) > self._max_body:
                raise BodyTooLarge(b"")
            body = read_body(response.iter_raw(), encoding, self._max_body)
        else:
            body = _start_of(response, encoding)
        return Answer(
            response.status_code, response.headers, body, str(request.url), shown, credentials=_credentials(request)
        )


def _start_of(response: httpx.Response, encoding: str) -> bytes:
    """What an error page begins with; whatever is wrong with the page, its status is what matters."""
    try:
        return read_body(response.iter_raw(), encoding, _KEPT)
    except BodyTooLarge as error:
        return error.start
    except (BodyCut, BodyUnreadable, *http_guard.FAULTS):
        return b""


def _fault(error: Exception) -> str:
    """What the network did, in words that hold nothing of the request."""
    if isinstance(error, httpcore.ConnectError):  # DNS, TLS, refused: the text is the system's, about the host alone
        return f"no connection: {str(error)[:200] or 'refused'}"
    if isinstance(error, httpcore.TimeoutException):
        return f"too slow ({type(error).__name__})"
    return f"the connection broke ({type(error).__name__})"


_CODE = re.compile(rb"[a-z]+(_[a-z]+)+")


def _error(answer: Answer, shown: str) -> RemoteError:
    status, now = answer.status, datetime.now(UTC)
    says = f"{shown} answered {status}"
    if len(answer.body) <= 40 and _CODE.fullmatch(answer.body):
        says += f" ({answer.body.decode()})"  # a word such as Slack's no_service; anything freer might echo a secret
    if status in (420, 429):
        return RateLimited(says, retry_at=retry_at(answer.headers, now), status=status)
    if status in (401, 403):
        return Unauthorized(says, status=status)
    if status in (404, 410):
        return Gone(says, status=status)
    if status >= 500 or status in (408, 425) or 300 <= status < 400:
        return Unavailable(says, retry_at=retry_at(answer.headers, now), status=status)
    return Malformed(says, payload=answer.start, status=status)


def retry_at(headers: Mapping[str, str], now: datetime) -> datetime | None:
    """When `Retry-After` (seconds or an HTTP date) lets us try again, or None where it says nothing readable.

    Never before `now` nor more than 24 hours after it, whatever the other side says.
    """
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", value):
        return now + timedelta(seconds=min(float(value[:20]), MAX_WAIT.total_seconds()))
    try:
        at = parsedate_to_datetime(value)
        at = at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(at, now), now + MAX_WAIT)


def _shown(url: str, secret_path: bool = False) -> str:
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError, ValueError, TypeError):
        return "an unreadable URL"
    return parts.host if secret_path else f"{parts.host}{parts.path}"


def _credentials(request: httpx.Request) -> tuple[str, ...]:
    """What our request held that must not be kept where the other side shows it back, longest first."""
    values = [value for name, value in request.headers.items() if name not in _HARMLESS | _PLAIN]
    values += [value for name, value in request.url.params.multi_items() if _SECRET_NAME.search(name)]
    parts = {part for value in values for part in (value, value.rpartition(" ")[2])}
    return tuple(sorted((part for part in parts if len(part) >= _SECRET_LENGTH), key=len, reverse=True))


def _text(body: bytes, credentials: tuple[str, ...]) -> str:
    longest = max(map(len, credentials), default=0)
    text = body[: _KEPT + longest].decode("utf-8", "replace")  # so that none is cut in half, and missed, at the end
    for credential in credentials:
        text = text.replace(credential, "[secret]")
    return text[:_KEPT]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
