"""The terminal, showing each message as the people on Slack or GroupMe would read it.

Rendering is the imitated channel's own, so that what a newcomer sees here is what would be posted there.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from html import unescape
from io import BytesIO, TextIOWrapper
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TextIO

from monitor.channels.base import ChannelSettings, Message
from monitor.channels.groupme import render_texts
from monitor.channels.slack_blocks import render_blocks
from monitor.core.text import excerpt
from monitor.errors import Unavailable
from monitor.http import HttpClient
from monitor.model import Notice

if TYPE_CHECKING:
    from rich.panel import Panel
    from rich.text import Text

_NAMES = {"slack": "Slack", "groupme": "GroupMe"}
_MAX_WIDTH = 100
_WRITING = Lock()  # one for the process: two console channels write to one terminal


class ConsoleSettings(ChannelSettings):
    imitate: Literal["slack", "groupme"] = "slack"
    """Whose messages it shows: "slack" or "groupme"."""
    title: str = ""
    """The room that stands in the heading, such as "#customer-care"."""
    show_private: bool = False
    """Whether the text of private messages is shown."""


class Console:
    """Writes whole messages to a text stream, in colour where that is a terminal."""

    kind: ClassVar[str] = "console"
    Settings: ClassVar[type[ChannelSettings]] = ConsoleSettings
    min_gap: ClassVar[timedelta] = timedelta(0)

    def __init__(self, settings: ConsoleSettings, http: HttpClient | None = None, stream: TextIO | None = None) -> None:  # noqa: ARG002
        self._settings, self._stream = settings, stream

    def render(self, notice: Notice, now: datetime) -> Message:
        """What the imitated channel would post."""
        render = render_blocks if self._settings.imitate == "slack" else render_texts
        return render(notice, now, show_private=self._settings.show_private)

    def send(self, message: Message, delivery_id: str, now: datetime) -> None:  # noqa: ARG002
        """Write it in one piece, so that the messages of two threads do not mix.

        Raises: Unavailable: the stream is closed.
        """
        stream = self._stream or sys.stdout
        failure = ""
        try:
            drawn = self._drawn(message, stream.isatty(), getattr(stream, "encoding", None) or "utf-8")
            with _WRITING:
                stream.write(drawn)
                stream.flush()
        except (OSError, ValueError) as error:
            failure = f"the terminal takes no more output: {type(error).__name__}"
        if failure:
            raise Unavailable(failure)

    def check(self) -> None:
        """There is always a terminal, or a log that stands for it."""

    def _drawn(self, message: Message, is_terminal: bool, encoding: str) -> str:
        from rich.console import Console as Terminal

        # Drawn aside: rich writes piece by piece. What the encoding lacks becomes a question mark.
        paper = TextIOWrapper(BytesIO(), encoding=encoding, errors="replace", newline="\n")
        terminal = Terminal(file=paper, force_terminal=is_terminal, highlight=False, legacy_windows=False)
        terminal.width = min(terminal.width, _MAX_WIDTH)
        terminal.print(self._panel(message.payloads))
        paper.flush()
        paper.seek(0)
        return paper.read()

    def _panel(self, payloads: Sequence[Mapping[str, Any]]) -> "Panel":
        """One box for one message, also where the imitated channel posts it in parts."""
        from rich import box
        from rich.panel import Panel
        from rich.text import Text

        heading = " · ".join(filter(None, [_NAMES[self._settings.imitate], excerpt(self._settings.title, 60)]))
        body = Text("\n\n").join(
            blocks_as_text(payload["blocks"]) if "blocks" in payload else Text(payload["text"]) for payload in payloads
        )
        return Panel(body, title=Text(heading, style="bold cyan"), title_align="left", box=box.ROUNDED, padding=(0, 1))


def blocks_as_text(blocks: list[Mapping[str, Any]]) -> "Text":
    """Block Kit blocks as styled text, one below the other."""
    from rich.text import Text

    drawn = []
    for block in blocks:
        if block["type"] == "header":
            drawn.append(Text(unescape(block["text"]["text"]), style="bold reverse"))
        elif block["type"] == "section":
            drawn.append(_mrkdwn(block["text"]["text"]))
        elif block["type"] == "context":
            drawn += [_mrkdwn(element["text"], "dim") for element in block["elements"]]
        elif block["type"] == "divider":
            drawn.append(Text("─" * 20, style="dim"))
    return Text("\n\n").join(drawn)


_MARK = re.compile(
    r"(?<!\u200b)(?:\*(?P<bold>[^*\n]+?)(?<!\u200b)\*|`(?P<code>[^`\n]+)`|(?<!\w)_(?P<italic>[^_\n]+?)_(?!\w))"
    r"|<(?P<url>https?://[^|>]+)\|(?P<label>[^>]+)>"
)


def _mrkdwn(marked: str, style: str = "") -> "Text":
    """The part of mrkdwn that `monitor.channels.slack_blocks` writes, as styled text."""
    from rich.text import Text

    lines = []
    for line in marked.split("\n"):
        is_quote = line.startswith(">")
        text, at = Text("│ " if is_quote else "", style="green" if is_quote else style), 0
        shown = line[1:] if is_quote else line
        for found in _MARK.finditer(shown):
            text.append(_plain(shown[at : found.start()]))
            text.append_text(_styled(found))
            at = found.end()
        text.append(_plain(shown[at:]))
        lines.append(text)
    return Text("\n").join(lines)


def _styled(found: re.Match[str]) -> "Text":
    from rich.text import Text

    if found["url"]:
        address = unescape(found["url"])
        return Text(f"{_plain(found['label'])}: {address}", style="underline")
    for style in ("bold", "code", "italic"):
        if found[style]:
            return Text(_plain(found[style]), style="bold yellow" if style == "code" else style)
    return Text(found[0])


def _plain(text: str) -> str:
    return unescape(text.replace("\u200b", ""))
