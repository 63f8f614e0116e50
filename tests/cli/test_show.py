import json
from datetime import UTC, datetime, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from monitor.cli import show
from monitor.cli.backlog import parse_place, show_place
from monitor.cli.conversation import draw
from monitor.model import Author, Comment, Severity, StoredComment

COLUMNS = (show.Column("ID"), show.Column("SAYS", flexible=True, least=10), show.Column("N", right=True))
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@given(st.lists(st.tuples(st.text("abc", min_size=1, max_size=8), st.text(max_size=200), st.text("123", max_size=5))))
@example([("a", "日本語のコメントはとても広い" * 9, "1")])
def test_a_table_never_gets_wider_than_the_terminal(rows: list[tuple[str, str, str]]) -> None:
    cleaned = [tuple(show._line(cell) for cell in row) for row in rows]
    for line in show.aligned(COLUMNS, cleaned, 40):
        assert show.display_width(line) <= 40


def test_columns_stand_under_their_titles_whatever_the_script() -> None:
    rows = [("ab12", "日本語", "7"), ("cd34", "plain words", "12"), ("ef56", "é́combining", "3")]
    lines = show.aligned(COLUMNS, rows, None)
    assert {show.display_width(line) for line in lines} == {len("ab12  plain words  12")}


def test_nothing_is_cut_where_there_is_no_terminal() -> None:
    (_, line) = show.aligned(COLUMNS, [("a", "x" * 500, "1")], None)
    assert "x" * 500 in line


@given(st.text(max_size=80), st.integers(1, 60))
def test_a_cut_line_fits_and_is_marked(text: str, wide: int) -> None:
    shown = show.cut(text, wide)
    assert show.display_width(shown) <= wide
    assert shown == text or shown.endswith("…")


def test_json_has_a_form_for_everything_that_is_shown() -> None:
    values = {"at": NOW, "for": timedelta(minutes=2), "who": frozenset({"b", "a"}), "level": Severity.HIGH}
    assert json.loads(json.dumps(values, default=show.plain)) == {
        "at": "2026-03-02T09:00:00+00:00",
        "for": 120.0,
        "who": ["a", "b"],
        "level": "high",
    }


@given(st.integers(0, 99), st.integers(-(2**60), 2**60), st.integers(0, 2**63 - 1))
def test_a_place_in_the_backlog_is_read_back(rank: int, since: int, thread_id: int) -> None:
    assert parse_place(show_place((rank, since, thread_id))) == (rank, since, thread_id)


def stored(number: int, parent: int | None) -> StoredComment:
    comment = Comment(str(number), "comment", f"text {number}", Author("", f"author {number}"), NOW)
    return StoredComment("shop", "park", "bench", number, 1, parent, None, comment, NOW)


@given(st.lists(st.integers(0, 12) | st.none(), max_size=12))
def test_a_conversation_shows_each_comment_at_most_once_whatever_answers_what(parents: list[int | None]) -> None:
    lines = list(draw([stored(number, parent) for number, parent in enumerate(parents)], "UTC", 80))
    shown = [line.strip() for line in lines if line.strip().startswith("text")]
    assert len(shown) == len(set(shown))
    rooted = [number for number, parent in enumerate(parents) if parent is None or parent >= len(parents)]
    assert set(shown) >= {f"text {number}" for number in rooted}


def test_an_answer_stands_below_what_it_answers_and_further_right() -> None:
    lines = list(draw([stored(2, 1), stored(1, None), stored(3, None)], "Europe/London", 80))
    heads = [line for line in lines if "author" in line]
    assert [line.split(",")[0] for line in heads] == ["author 1", "  author 2", "author 3"]
    assert heads[0] == "author 1, Mon 2 Mar 2026, 09:00 GMT"
