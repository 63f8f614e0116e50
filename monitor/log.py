"""Log lines: one event for each unit of work, named `noun.past_verb`, without secrets and without anyone's words.

docs/events.md lists every event with its fields. Lines go to standard error, so that alerts on a console stay apart.
"""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from threading import Lock
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor

SECRET = "[secret]"  # noqa: S105  what stands in its place
WORDS = "[text]"
LONGEST = 1_000
_SECRET_KEY = re.compile(
    r"(?i)(^|_)(token|secret|password|passwd|pass|authori[sz]ation|api_?key|cookie|credentials?|dsn|webhook(_url)?"
    r"|bot_id|signing_key|private_key|session)(s?$|_(value|header)$)"
)
_WORDS_KEY = frozenset({"text", "texts", "comment", "excerpt", "body", "payload", "content", "title", "author_name"})
_IN_TEXT = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^/\s@'\"]+@"), rf"\1{SECRET}@"),
    (
        re.compile(r"(?i)([?&;](?:[\w-]*(?:token|secret|password|key|sig|signature|code|auth)[\w-]*)=)[^&\s'\"]+"),
        rf"\1{SECRET}",
    ),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {SECRET}"),
    (re.compile(r"(?i)(hooks\.slack\.com/(?:services|workflows|triggers)/)[^\s'\"]+"), rf"\1{SECRET}"),
    (re.compile(r"\b(xox[abeoprs]|xapp|ghp|gho|ghs|github_pat|glpat|whsec|sk|EAA[A-Za-z]?)[-_][\w-]{8,}"), SECRET),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"), SECRET),
)


def start(style: str = "auto", stream: TextIO | None = None, level: str = "info") -> None:
    """Set up logging for this process: `style` is "json", "console" or "auto" (console on a terminal).

    What libraries say goes the same way, from warnings on.
    """
    stream = stream or sys.stderr
    is_console = style == "console" or (style == "auto" and stream.isatty())
    structlog.configure(
        processors=[*_first(), *_last(is_console, stream)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    _take_in_libraries(is_console, stream)


def get(name: str = "", **bound: Any) -> structlog.typing.FilteringBoundLogger:
    """A logger whose every line carries `bound`; `start` may come later."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(name, **bound)
    return logger


def _first() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _last(is_console: bool, stream: TextIO) -> list[Processor]:
    if is_console:
        plain = structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=24
        )
        return [structlog.processors.format_exc_info, redact, plain]
    return [
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


def _take_in_libraries(is_console: bool, stream: TextIO) -> None:
    """Libraries' own log lines, in our form; httpx would write whole URLs at level info."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *_first()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_last(is_console, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Take out what looks like a secret, by its name or by its form, and what people wrote, by its name."""
    for key, value in event.items():
        if key not in ("event", "level", "timestamp"):
            event[key] = _clean(key, value)
    event["event"] = _cut(scrub(str(event.get("event", ""))))
    return event


def _clean(key: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if _SECRET_KEY.search(key):
        return SECRET
    if key in _WORDS_KEY:
        return WORDS
    if isinstance(value, str):
        return scrub(value) if key == "exception" else _cut(scrub(value))
    if isinstance(value, Mapping):
        return {name: _clean(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, inner) for inner in value]
    return _cut(scrub(str(value)))


def scrub(text: str) -> str:
    """The text without what has the form of a secret."""
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


def _cut(text: str) -> str:
    """One line of characters that cannot steer a terminal, not too long."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text)} characters)"


class Outages:
    """Says once that something is lost and once that it is back, whatever happens in between; threads share it.

    Sources and channels remember their outages in the database; this is for what has no row there.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._since: MutableMapping[str, tuple[datetime, int]] = {}

    def lost(self, what: str, now: datetime) -> bool:
        """Note a failure of `what`; True at the first since it worked: log that one."""
        with self._lock:
            since, n_failures = self._since.get(what, (now, 0))
            self._since[what] = (since, n_failures + 1)
            return n_failures == 0

    def back(self, what: str, now: datetime) -> dict[str, Any] | None:
        """Note that `what` works; after an outage the fields to log, otherwise None."""
        if what not in self._since:
            return None
        with self._lock:
            since, n_failures = self._since.pop(what, (now, 0))
        return {"n_failures": n_failures, "lost_s": round((now - since).total_seconds(), 1)} if n_failures else None
