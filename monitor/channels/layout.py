"""A whole message in the order in which it is read, for the targets that write it as text. Pure.

A target says how it writes (`Markup`) and what fits; of the sizes in which a notice can be told, the largest that
fits is taken. Nothing is cut after it was escaped.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from monitor.channels import render
from monitor.model import Notice, Severity

Drawn = TypeVar("Drawn")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a notice is told; `quote` and `longest` are characters, the latter of any line from outside.

    `lines` are those of one section.
    """

    threads: int
    quote: int
    reasons: int
    steps: int
    avoid: int
    sections: int
    lines: int
    longest: int = 500


SIZES = (
    Size(5, 400, 4, 8, 5, 10, 12),
    Size(4, 300, 4, 6, 4, 10, 8),
    Size(3, 250, 4, 5, 3, 10, 5),
    Size(2, 200, 4, 5, 3, 8, 4, 250),
    Size(1, 200, 4, 4, 2, 6, 3, 200),
    Size(1, 150, 2, 3, 2, 4, 2, 120),
    Size(1, 80, 1, 1, 1, 2, 1, 60),
    Size(1, 45, 1, 1, 1, 1, 1, 45),
    Size(1, 20, 1, 1, 1, 1, 1, 20),
)
_LINE = 240  # characters of a section's line


@dataclass(frozen=True, slots=True)
class Layout:
    """A notice in words, from top to bottom; what a resolved alert no longer asks for is empty."""

    severity: Severity
    is_resolved: bool
    title: str
    whose: str
    what: str
    threads: tuple[render.Telling, ...]
    sections: tuple[render.Part, ...]
    more: str
    rule: str
    playbook: str
    steps: tuple[str, ...]
    avoid: tuple[str, ...]
    alert: str
    foot: tuple[str, ...]
    command: str
    is_truncated: bool


def lay_out(notice: Notice, now: datetime, size: Size = SIZES[0], *, show_private: bool = False) -> Layout:
    """The notice in this size."""
    short = render.Shortener(size.longest)
    title = render.heading(notice, short, 110)
    whose, what = render.happened(notice, short)
    threads = tuple(
        render.tell(thread, notice, now, short, size.quote, private=show_private, n_reasons=size.reasons)
        for thread in notice.threads[: size.threads]
    )
    sections = render.sections(notice, short, size.sections, size.lines, _LINE)
    more = render.unshown(notice, len(threads), len(sections), short)
    steps = tuple(render.steps(notice, short, size.steps, 300))
    avoid = tuple(render.avoid(notice, short, size.avoid, 200))
    playbook = short.line(notice.playbook.title, 100) if notice.playbook and (steps or avoid) else ""
    return Layout(
        severity=notice.severity,
        is_resolved=render.is_resolved(notice),
        title=title,
        whose=whose,
        what=what,
        threads=threads,
        sections=sections,
        more=more,
        rule=render.rule(notice, short),
        playbook=playbook,
        steps=steps,
        avoid=avoid,
        alert=render.alert(notice),
        foot=tuple(render.foot(notice, short)),
        command=render.take(notice),
        is_truncated=short.has_cut,
    )


def fitted(
    notice: Notice,
    now: datetime,
    draw: Callable[[Layout], Drawn],
    fits: Callable[[Drawn], bool],
    *,
    show_private: bool = False,
) -> tuple[Drawn, bool]:
    """The largest drawing of the notice that fits, or else the smallest there is; and whether anything was cut."""
    for size in SIZES:
        layout = lay_out(notice, now, size, show_private=show_private)
        drawn = draw(layout)
        if fits(drawn):
            break
    return drawn, layout.is_truncated


@dataclass(frozen=True, slots=True)
class Markup:
    """How a target writes text: all take plain text, but `bold`, which takes what is escaped already."""

    escape: Callable[[str], str] = str
    bold: Callable[[str], str] = str
    code: Callable[[str], str] = str
    quote: Callable[[str], str] = "> {}".format
    link: Callable[[str], str] = str


PLAIN = Markup()


def body(layout: Layout, markup: Markup) -> list[str]:
    """All below the title, line by line; an empty line stands between the parts."""
    paragraphs = [paragraph for paragraph in _paragraphs(layout, markup) if paragraph]
    return [line for paragraph in paragraphs for line in ("", *paragraph)][1:]


def _paragraphs(layout: Layout, markup: Markup) -> Iterator[list[str]]:
    escape, bold = markup.escape, markup.bold
    yield [" · ".join(filter(None, [bold(escape(layout.whose)), escape(layout.what)]))]
    for part in layout.sections:
        yield section(part, markup)
    for telling in layout.threads:
        yield thread(telling, layout.rule, markup)
    yield [escape(layout.more)] if layout.more else []
    yield what_to_do(layout, markup)
    yield what_not_to_do(layout, markup)
    yield [foot(layout, markup)]


def thread(telling: render.Telling, rule: str, markup: Markup) -> list[str]:
    """One thread: who wrote where, what, since when, and why it is told."""
    escape, bold = markup.escape, markup.bold
    said = markup.quote(telling.said) if telling.is_quoted else escape(telling.said)
    link = markup.link(telling.link) if telling.link else ""
    lines = [who(telling, markup), said, " · ".join(filter(None, [link, escape(telling.when)]))]
    if telling.why:
        lines += [f"{bold('Why')}: rule {escape(rule)}", *(f"• {escape(reason)}" for reason in telling.why)]
    return lines


def section(part: render.Part, markup: Markup) -> list[str]:
    """One section: its lines below its heading, each with its link behind it."""
    lines = [
        " · ".join(filter(None, [f"• {markup.escape(text)}", markup.link(address) if address else ""]))
        for text, address in part.lines
    ]
    return [markup.bold(markup.escape(part.heading)), *lines, *([markup.escape(part.more)] if part.more else [])]


def who(telling: render.Telling, markup: Markup) -> str:
    """The line that says who wrote, where and under what."""
    escape = markup.escape
    line = markup.bold(escape(telling.name))
    line += f" on {escape(telling.where)}" if telling.where else ""
    return line + (f" under “{escape(telling.about)}”" if telling.about else "")


def what_to_do(layout: Layout, markup: Markup) -> list[str]:
    """The playbook's steps below its title."""
    if not layout.playbook and not layout.steps:
        return []
    title = f": {markup.escape(layout.playbook)}" if layout.playbook else ""
    return [markup.bold("What to do") + title, *(markup.escape(step) for step in layout.steps)]


def what_not_to_do(layout: Layout, markup: Markup) -> list[str]:
    """What the playbook warns of."""
    return (
        [markup.bold("What not to do"), *(f"• {markup.escape(line)}" for line in layout.avoid)] if layout.avoid else []
    )


def foot(layout: Layout, markup: Markup) -> str:
    """The alert's id, when it was told, and who has it or what to type to own it."""
    pieces = [markup.escape(piece) for piece in layout.foot]
    return " · ".join([*pieces, *([f"take it: {markup.code(layout.command)}"] if layout.command else [])])
