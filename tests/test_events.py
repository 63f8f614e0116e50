"""docs/events.md lists every log event of the code with its level and fields, and nothing else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from monitor.files import shipped

ROOT = Path(__file__).resolve().parents[1]
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}


def logged(path: Path) -> Iterator[tuple[str, str, frozenset[str]]]:
    """(event, level, fields) of each log call in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        if "log" not in ast.unparse(node.func.value):
            continue
        assert isinstance(node.args[0], ast.Constant), f"{path.name}:{node.lineno}: an event is a literal"
        fields = frozenset(str(keyword.arg) for keyword in node.keywords) - {"exc_info"}
        yield str(node.args[0].value), LEVELS[node.func.attr], fields


def of_the_code() -> dict[str, tuple[set[str], set[str]]]:
    found: dict[str, tuple[set[str], set[str]]] = {}
    for path in sorted((*(ROOT / "monitor").rglob("*.py"), *(ROOT / "connectors").rglob("*.py"))):
        for event, level, fields in logged(path):
            levels, names = found.setdefault(event, (set(), set()))
            levels.add(level)
            names |= fields
    return found


def of_the_page() -> dict[str, tuple[set[str], set[str]]]:
    rows = re.findall(r"(?m)^\| `([^`]+)` \| ([a-z, ]+) \| (.*?) \|", (ROOT / "docs" / "events.md").read_text("utf-8"))
    return {event: (set(level.split(", ")), set(re.findall(r"`(\w+)`", fields))) for event, level, fields in rows}


def test_every_event_of_the_code_is_on_the_page_with_its_level_and_fields() -> None:
    page = of_the_page()
    assert {event: page.get(event) for event in of_the_code()} == of_the_code()


def test_the_page_has_no_event_that_the_code_has_not() -> None:
    assert sorted(set(of_the_page()) - set(of_the_code())) == []


def test_events_are_a_noun_and_what_was_done() -> None:
    assert [event for event in of_the_code() if not re.fullmatch(r"[a-z]+\.[a-z_]+", event)] == []


def test_the_code_that_is_read_is_the_code_that_runs() -> None:
    assert len(of_the_code()) > 10
    assert shipped("monitor") == ROOT / "monitor"
