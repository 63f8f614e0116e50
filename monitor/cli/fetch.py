"""heedful fetch: what a source returns now."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import Call, complete_source, pass_call
from monitor.cli.endings import ATTENTION
from monitor.core.phrasing import counted, local_time
from monitor.model import Comment

if TYPE_CHECKING:
    from monitor.flows.plan import Reader

COLUMNS = (
    show.Column("WHEN", flexible=True, least=17),
    show.Column("KIND"),
    show.Column("ID", flexible=True, least=10),
    show.Column("ANSWERS", flexible=True, least=10),
    show.Column("AUTHOR", flexible=True, least=10),
    show.Column("SAYS", flexible=True, least=24),
)


@dataclass
class Fetched:
    """What came: read comments, what could not be read (with why), and what the platform says is gone."""

    comments: list[Comment] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    n_pages: int = 0
    has_more: bool = False


@click.command()
@click.argument("source", shell_complete=complete_source)
@click.option("--pages", default=1, show_default=True, type=click.IntRange(1, 1_000), help="How many pages at most.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def fetch(call: Call, /, source: str, pages: int, as_json: bool) -> None:
    """Show what a source returns now, as heedful understands it. Nothing is stored, nothing is sent.

    It reads from where a first poll would. Exit code 3: something could not be read.
    """
    settings = call.settings
    call.known("source", source, settings.sources)
    fetched = _read(call.app.plan.reader(source), pages, call)
    if as_json:
        for comment in fetched.comments:
            show.json_line(asdict(comment))
    elif fetched.comments:
        zone = settings.brands[settings.sources[source].brand].timezone
        show.table(COLUMNS, [_row(comment, zone) for comment in fetched.comments])
    _sum_up(fetched)
    if fetched.unread:
        raise SystemExit(ATTENTION)


def _read(reader: "Reader", pages: int, call: Call) -> Fetched:
    fetched = Fetched()
    for page in _pages(reader, pages, call):
        fetched.n_pages += 1
        fetched.has_more = page.more
        fetched.gone += page.gone
        for raw in page.raws:
            try:
                comment = reader.normalise(raw)
            except ValueError as error:
                fetched.unread.append(" ".join(str(error).split()))
                continue
            if comment is not None:
                fetched.comments.append(comment)
    return fetched


def _pages(reader: "Reader", pages: int, call: Call) -> Iterator[Any]:
    cursor = None
    for _ in range(pages):
        page = reader.fetch_page(cursor, call.now)
        yield page
        if not page.more or page.cursor == cursor:
            return
        cursor = page.cursor


def _row(comment: Comment, zone: str) -> list[str]:
    return [
        local_time(comment.created_at, zone),
        comment.kind,
        show.words(comment.native_id, 60),
        show.words(comment.parent_native_id or comment.subject_native_id or "", 60),
        show.words(comment.author.name or comment.author.handle, 40),
        show.words(comment.text),
    ]


def _sum_up(fetched: Fetched) -> None:
    pages = counted(fetched.n_pages, "page", "pages")
    more = ", and there is more (--pages)" if fetched.has_more else ""
    show.hint(f"{counted(len(fetched.comments), 'comment', 'comments')} on {pages}{more}.")
    if fetched.gone:
        show.hint(f"{counted(len(fetched.gone), 'comment is', 'comments are')} gone from the platform.")
    for reason in fetched.unread[:5]:
        show.hint(f"Could not be read: {show.words(reason, 300)}")
    if len(fetched.unread) > 5:
        show.hint(f"... and {len(fetched.unread) - 5} more could not be read.")
