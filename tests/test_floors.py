"""Who may import whom (ARCHITECTURE.md): lower floors know nothing of higher ones, and thought touches no world."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FLOORS = (
    ("monitor.model", "monitor.errors"),
    ("monitor.core", "monitor.signals"),
    (
        *(
            "monitor.settings",
            "monitor.files",
            "monitor.glance",
            "monitor.log",
            "monitor.http",
            "monitor.http_body",
        ),
        *(
            "monitor.http_guard",
            "monitor.sealing",
            "monitor.store",
            "monitor.channels",
            "monitor.systemd",
            "connectors",
        ),
    ),
    ("monitor.flows",),
    (
        *("monitor.app", "monitor.grants", "monitor.scheduler", "monitor.cli", "monitor.web", "monitor.example"),
        "monitor.training",
    ),
)
APART = ("monitor.store", "monitor.channels", "monitor.settings", "connectors")  # of one floor, and never each other
NAMES_CONNECTORS = ("monitor.app", "monitor.grants", "connectors")
THOUGHT_MAY_USE = {"pydantic", "re2", "selectolax", "holidays", "numpy", "icalendar", "recurring_ical_events"}  # pure
THOUGHT_NEVER_USES = {"os", "random", "secrets", "socket", "subprocess", "threading", "time", "urllib.request", "uuid"}
CLOCKS = {"now", "utcnow", "today"}


def modules() -> dict[str, Path]:
    """Every module of ours, by its name."""
    files = [file for package in ("monitor", "connectors") for file in sorted((ROOT / package).rglob("*.py"))]
    named = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in files}
    return {name.removesuffix(".__init__"): file for name, file in named.items() if name != "monitor.__init__"}


def floor(module: str) -> int | None:
    for number, names in enumerate(FLOORS):
        if any(module == name or module.startswith(f"{name}.") for name in names):
            return number
    return None


def imported(file: Path) -> Iterator[str]:
    """What a file imports, wherever in it; `from a import b` gives "a.b", which may be a module or a name."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


MODULES = modules()
THOUGHT = sorted(name for name in MODULES if floor(name) in (0, 1))


def test_every_module_stands_on_a_floor() -> None:
    assert [name for name in MODULES if floor(name) is None] == []
    assert [name for names in FLOORS for name in names if name not in MODULES] == []


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_from_its_own_floor_or_below(module: str) -> None:
    own = floor(module)
    assert own is not None
    ours = {name for name in imported(MODULES[module]) if name.split(".")[0] in ("monitor", "connectors")}
    assert {name for name in ours if (floor(name) or 0) > own} == set()


@pytest.mark.parametrize("module", sorted(MODULES))
def test_only_the_app_names_the_connectors(module: str) -> None:
    if not module.startswith(NAMES_CONNECTORS):
        assert {name for name in imported(MODULES[module]) if name.split(".")[0] == "connectors"} == set()


@pytest.mark.parametrize("module", sorted(name for name in MODULES if name.startswith(APART)))
def test_the_hands_do_not_know_each_other(module: str) -> None:
    others = tuple(name for name in APART if not module.startswith(name))
    assert {name for name in imported(MODULES[module]) if name.startswith(others)} == set()


@pytest.mark.parametrize("module", THOUGHT)
def test_thought_uses_pure_libraries_only(module: str) -> None:
    names = set(imported(MODULES[module]))
    allowed = sys.stdlib_module_names | THOUGHT_MAY_USE | {"monitor"}
    assert {name for name in names if name.split(".")[0] not in allowed} == set()
    assert {name for name in names for bad in THOUGHT_NEVER_USES if name == bad or name.startswith(f"{bad}.")} == set()


@pytest.mark.parametrize("module", THOUGHT)
def test_thought_never_reads_the_clock(module: str) -> None:
    read = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS and "date" in ast.unparse(node.value)
    ]
    assert read == []
