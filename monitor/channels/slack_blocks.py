"""A notice as a Block Kit message, for the webhook and for the bot; each limit is counted after escaping. Pure.

Source: docs.slack.dev, Block Kit and message formatting; read 2026-11.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from monitor.channels import render
from monitor.channels.base import Message
from monitor.model import Notice

MAX_HEADER, MAX_SECTION, MAX_TEXT, MAX_LINK = 150, 3_000, 4_000, 900
SHOWN_THREADS, SHOWN_STEPS, SHOWN_AVOID = 5, 8, 5
# At worst two lines make a block, of which a message has 50; below sections there is room for so many threads.
SHOWN_SECTIONS, SHOWN_LINES, SHOWN_BELOW = 7, 9, 2


def render_blocks(notice: Notice, now: datetime, *, show_private: bool = False) -> Message:
    """The notice as a Block Kit message; `text` is what a telephone shows of it."""
    # Here, because a command that only reads the configuration must not pay for the import.
    from slack_sdk.models.blocks import Block, DividerBlock, HeaderBlock, PlainTextObject, SectionBlock

    short = render.Shortener()
    title = render.heading(notice, short, 110)
    whose, what = (escape(part, MAX_SECTION // 2, short) for part in render.happened(notice, short))
    blocks: list[Block] = [
        HeaderBlock(text=PlainTextObject(text=entities(title, MAX_HEADER, short), emoji=False)),
        SectionBlock(text=_marked(f"*{whose}*" + (f" · {what}" if what else ""))),
    ]
    told = [
        render.tell(thread, notice, now, short, 400, private=show_private) for thread in notice.threads[:SHOWN_THREADS]
    ]
    parts = render.sections(notice, short, SHOWN_SECTIONS, SHOWN_LINES, 240)
    for part in parts:
        blocks += _section(part, short)
    for telling in told:
        blocks += _thread(telling, notice, short)
    if more := render.unshown(notice, len(told), len(parts), short):
        blocks.append(_context(escape(more, MAX_SECTION, short)))
    if playbook := _playbook(notice, short):
        blocks += [DividerBlock(), *playbook]
    blocks.append(_context(_foot(notice, short)))
    summary = [title, *(f"{each.name}: {each.said}" for each in told[:1])]
    payload = {
        **switches(),
        "text": entities(" · ".join(summary), MAX_TEXT, short),
        "blocks": [block.to_dict() for block in blocks],
    }
    return Message((payload,), is_truncated=short.has_cut)


def _thread(telling: render.Telling, notice: Notice, short: render.Shortener) -> list[Any]:
    from slack_sdk.models.blocks import SectionBlock

    # Together, escaped, these are less than a section holds.
    who = f"*{escape(telling.name, 200, short)}*"
    if telling.where:
        who += f" on {escape(telling.where, 300, short)}"
    if telling.about:
        who += f" under “{escape(telling.about, 250, short)}”"
    said = escape(telling.said, 1_100, short)
    links = [_link(telling.link, short), escape(telling.when, 120, short)]
    lines = [who, f">{said}" if telling.is_quoted else f"_{said}_", " · ".join(filter(None, links))]
    blocks: list[Any] = [SectionBlock(text=_marked("\n".join(lines)))]
    if telling.why:
        blocks.append(_context(_why(telling.why, notice, short)))
    return blocks


def _why(reasons: tuple[str, ...], notice: Notice, short: render.Shortener) -> str:
    lines = [
        f"*Why*: rule {escape(render.rule(notice, short), 100, short)}",
        *(f"• {escape(reason, 560, short)}" for reason in reasons),
    ]
    return "\n".join(lines)


def _playbook(notice: Notice, short: render.Shortener) -> list[Any]:
    from slack_sdk.models.blocks import SectionBlock

    steps = render.steps(notice, short, SHOWN_STEPS, 300)
    avoid = render.avoid(notice, short, SHOWN_AVOID, 200)
    if notice.playbook is None or not (steps or avoid):
        return []
    title = escape(short.line(notice.playbook.title, 100), 200, short)
    texts = ["\n".join([f"*What to do*: {title}", *(escape(step, 340, short) for step in steps)])]
    if avoid:
        texts.append("\n".join(["*What not to do*", *(f"• {escape(line, 300, short)}" for line in avoid)]))
    return [SectionBlock(text=_marked(text)) for text in texts]


def _section(part: render.Part, short: render.Shortener) -> Iterator[Any]:
    """A heading with its lines, in as few blocks as hold them."""
    from slack_sdk.models.blocks import SectionBlock

    text = f"*{escape(part.heading, 160, short)}*"
    for said, address in (*part.lines, *([(part.more, "")] if part.more else [])):
        pieces = [escape(said, 400, short), _link(address, short)]
        line = ("• " if said != part.more else "") + " · ".join(filter(None, pieces))
        if len(text) + len(line) >= MAX_SECTION:
            yield SectionBlock(text=_marked(text))
            text = line
        else:
            text += f"\n{line}"
    yield SectionBlock(text=_marked(text))


def _foot(notice: Notice, short: render.Shortener) -> str:
    pieces = [escape(piece, 420, short) for piece in render.foot(notice, short)]
    if command := render.take(notice):
        pieces.append(f"take it: `{escape(command, 120, short)}`")
    return " · ".join(pieces)


def _marked(text: str) -> Any:
    from slack_sdk.models.blocks import MarkdownTextObject

    # verbatim: Slack makes no links, channel names or mentions of its own out of what people wrote
    return MarkdownTextObject(text=text, verbatim=True)


def _context(text: str) -> Any:
    from slack_sdk.models.blocks import ContextBlock

    return ContextBlock(elements=[_marked(text)])


def switches() -> dict[str, Any]:
    """What a message says besides its text."""
    return {"unfurl_links": False, "unfurl_media": False}  # a hostile link is not previewed in the room


_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# A zero-width space before a formatting character keeps Slack from pairing it with another one.
_ESCAPES = {**_ENTITIES, **{mark: f"\u200b{mark}" for mark in "*_~`"}}


def escape(text: str, limit: int, short: render.Shortener) -> str:
    """Text from outside as mrkdwn that shows it literally and pings nobody, at most `limit` characters once escaped."""
    return _replaced(text, limit, _ESCAPES, short)


def entities(text: str, limit: int, short: render.Shortener) -> str:
    """The same for plain text, where only the three control characters count."""
    return _replaced(text, limit, _ENTITIES, short)


def _replaced(text: str, limit: int, escapes: Mapping[str, str], short: render.Shortener) -> str:
    pieces = [escapes.get(character, character) for character in text]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    short.has_cut = True
    kept: list[str] = []
    room = limit - 1
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + "…"


def _link(address: str, short: render.Shortener) -> str:
    quoted = re.sub("[|<>]", lambda found: f"%{ord(found[0]):02X}", address).replace("&", "&amp;")
    if len(quoted) > MAX_LINK:  # half an address leads nowhere
        short.has_cut = True
        return ""
    return f"<{quoted}|open it>" if quoted else ""


def as_text(payload: Mapping[str, Any]) -> str:
    """The blocks' own texts one below the other, cut at a line's end."""
    lines: list[str] = []
    for block in payload["blocks"]:
        if block["type"] == "actions":
            continue  # what its buttons do can be typed as well
        parts = [block["text"]] if "text" in block else block.get("elements", [])
        lines += [line for part in parts for line in part["text"].split("\n")]
    kept: list[str] = []
    room = MAX_TEXT - 2
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return "\n".join([*kept, "…"])
        kept.append(line)
    return "\n".join(kept)
