"""GroupMe, through a bot: plain text into the bot's one group.

Source: dev.groupme.com, bots; GroupMeCommunityDocs, bots and attachments; read 2026-11. Nothing in the text pings
anyone (only a mentions attachment does), so hostile text needs no more than to be printable.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from time import sleep
from typing import Annotated, ClassVar, Self
from urllib.parse import urljoin

from pydantic import AfterValidator, Field, SecretStr, model_validator

from monitor.channels import render
from monitor.channels.base import ChannelSettings, Message
from monitor.channels.targets import check_url, long_secrets, post
from monitor.errors import RemoteError, Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

MAX_TEXT, MAX_PARTS = 1_000, 3
SHOWN_THREADS, SHOWN_STEPS, SHOWN_AVOID = 4, 5, 2
# Below sections: how many of them, with how many lines each, and how many threads.
SECTIONS = ((8, 8, 2), (8, 5, 2), (6, 4, 1), (5, 3, 1), (4, 2, 1), (3, 1, 1), (2, 1, 1), (1, 1, 1))
FEWER_STEPS, A_STUMP = 3, 250  # so many steps, where that spares a last part of so few characters
_PREFIX = len("(1/3) ")


def _api(url: str) -> str:
    check_url(url)
    return url


def _bot(bot_id: SecretStr) -> SecretStr:
    if not bot_id.get_secret_value().isalnum():
        raise ValueError("must be the bot's id, letters and digits only")
    return bot_id


class GroupMeSettings(ChannelSettings):
    bot_id: Annotated[SecretStr, AfterValidator(_bot)]
    """The bot's id; whoever has it can post, so give it as bot_id_env or bot_id_file."""
    callback_secret: Annotated[SecretStr, AfterValidator(long_secrets)] | None = None
    """Any long text of your own: with it people may answer alerts in the group, through an address that is made of it
    (`heedful check` shows it). Give callback_secret_env or callback_secret_file."""
    group_id: Annotated[str, Field(pattern="^[0-9]{0,30}$", coerce_numbers_to_str=True)] = ""
    """The number of the bot's group: nothing from another one is heard. Needed beside callback_secret."""
    base_url: Annotated[str, AfterValidator(_api)] = "https://api.groupme.com"
    """Where GroupMe's API is."""
    show_private: bool = False
    """Whether the text of private messages is copied into the group."""

    @model_validator(mode="after")
    def _hears_one_group(self) -> Self:
        if self.callback_secret is not None and not self.group_id:
            raise ValueError("callback_secret needs group_id beside it: the number of the bot's group")
        return self


class GroupMe:
    """Posts to one GroupMe group, long messages in up to three numbered parts."""

    kind: ClassVar[str] = "groupme"
    Settings: ClassVar[type[ChannelSettings]] = GroupMeSettings
    min_gap: ClassVar[timedelta] = timedelta(seconds=1)

    def __init__(self, settings: GroupMeSettings, http: HttpClient, pause: Callable[[float], None] = sleep) -> None:
        self._settings, self._http, self._pause = settings, http, pause
        # How many parts of a delivery have arrived: a retry goes on after them instead of repeating them.
        self._arrived: OrderedDict[str, int] = OrderedDict()

    def render(self, notice: Notice, now: datetime) -> Message:
        """At most three messages of 1,000 characters; what does not fit is left out, and says so."""
        return render_texts(notice, now, show_private=self._settings.show_private)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002  # it takes no times
        """Post the parts in order, a second apart: GroupMe loses or swaps what comes faster."""
        n_parts = len(message.payloads)
        for number in range(min(self._arrived.get(delivery_id, 0), n_parts - 1), n_parts):
            if number:
                self._pause(self.min_gap.total_seconds())
            body = {"bot_id": self._settings.bot_id.get_secret_value(), **message.payloads[number]}
            post(self._http, urljoin(self._settings.base_url, "/v3/bots/post"), json.dumps(body).encode())
            self._arrived[delivery_id] = number + 1
            if len(self._arrived) > 200:
                self._arrived.popitem(last=False)
        self._arrived.pop(delivery_id, None)

    def check(self) -> None:
        """Say whether the API answers; whether the bot still lives, it tells only to who posts.

        Raises: Unavailable.
        """
        try:
            self._http.request("GET", urljoin(self._settings.base_url, "/v3/bots"))
        except Unavailable:
            raise
        except RemoteError:
            return  # it answers 401, as it should without a user's token


def render_texts(notice: Notice, now: datetime, *, show_private: bool = False) -> Message:
    """The notice with as many of its threads as leave room for what to do."""
    parts, short = _fitting(notice, now, SHOWN_STEPS, show_private=show_private)
    if len(parts) > 1 and len(parts[-1]) < A_STUMP:
        fewer, cut = _fitting(notice, now, FEWER_STEPS, show_private=show_private)
        if len(fewer) < len(parts):  # telephones need not ring once more for a last line
            parts, short = fewer, cut
    if len(parts) > MAX_PARTS:
        short.has_cut = True
        parts = [*parts[: MAX_PARTS - 1], parts[MAX_PARTS - 1][: MAX_TEXT - _PREFIX - 2] + "\n…"]
    numbered = [f"({n}/{len(parts)}) {part}" for n, part in enumerate(parts, 1)] if len(parts) > 1 else parts
    return Message(tuple({"text": text} for text in numbered), is_truncated=short.has_cut)


def _fitting(notice: Notice, now: datetime, n_steps: int, *, show_private: bool) -> tuple[list[str], render.Shortener]:
    """The parts with as much as three parts hold, at least one thread or section, and whether anything was cut."""
    for n_sections, n_lines, n_threads in _sizes(notice):
        short = render.Shortener()
        sections = render.sections(notice, short, n_sections, n_lines, 140)
        told = [*_sections(sections), *_threads(notice, now, short, n_threads, show_private)]
        if more := render.unshown(notice, min(n_threads, len(notice.threads)), len(sections), short):
            told += ["", more]
        parts = _parts(_lines(notice, told, n_steps, short))
        if len(parts) <= MAX_PARTS:
            break
    return parts, short


def _sizes(notice: Notice) -> Sequence[tuple[int, int, int]]:
    """What to try, from the most to the least: sections, lines of each, threads."""
    if notice.sections:
        return SECTIONS
    return [(0, 0, n) for n in range(min(SHOWN_THREADS, len(notice.threads)), 0, -1)] or [(0, 0, 0)]


def _threads(notice: Notice, now: datetime, short: render.Shortener, n: int, show_private: bool) -> Iterator[str]:
    for thread in notice.threads[:n]:
        telling = render.tell(thread, notice, now, short, 200, private=show_private)
        yield from ("", *_thread(telling, render.rule(notice, short)))


def _sections(parts: Sequence[render.Part]) -> Iterator[str]:
    for part in parts:
        yield from ("", part.heading.upper())
        for text, link in part.lines:
            yield from (f"• {text}", *([link] if link else []))  # a link alone on its line
        yield from [part.more] if part.more else []


def _lines(notice: Notice, told: Sequence[str], n_steps: int, short: render.Shortener) -> list[str]:
    whose, what = render.happened(notice, short)
    lines = [render.heading(notice, short, 120), f"{whose} · {what}" if what else whose, *told]
    if steps := render.steps(notice, short, n_steps, 160):
        lines += ["", "WHAT TO DO", *steps]
    if avoid := render.avoid(notice, short, SHOWN_AVOID, 120):
        lines += [f"NOT: {line}" for line in avoid]
    return [*lines, "", _foot(notice, short)]


def _thread(telling: render.Telling, rule: str) -> list[str]:
    who = telling.name + (f" on {telling.where}" if telling.where else "")
    who += f" under “{telling.about}”" if telling.about else ""
    said = f"“{telling.said}”" if telling.is_quoted else telling.said
    lines = [who, telling.when, said, *(f"Why ({rule}): {reason}" for reason in telling.why)]
    return [*lines, telling.link] if telling.link else lines  # alone on its line, so that it becomes a link


def _foot(notice: Notice, short: render.Shortener) -> str:
    foot, command = ", ".join(render.foot(notice, short)), render.take(notice)
    return f"{foot}. Take it: {command}" if command else foot


def _parts(lines: Sequence[str]) -> list[str]:
    """The lines in as few texts as hold them; no line is longer than a text."""
    parts: list[str] = []
    text = ""
    for line in lines:
        longer = f"{text}\n{line}" if text else line
        if len(longer) > MAX_TEXT - _PREFIX:
            parts.append(text.rstrip("\n"))
            longer = line
        text = longer
    return [*parts, text]
