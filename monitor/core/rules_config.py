"""Reading rule files: parsed TOML to compiled rules, or a refusal that names file, key, reason and nearest name."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from monitor.core.conditions import CONDITIONS
from monitor.core.facts import View
from monitor.core.matching import Matcher
from monitor.core.nearest import nearest
from monitor.core.people import QUALIFIES_PEOPLE, People
from monitor.core.reading import Section
from monitor.core.truth import ALWAYS, NEVER, Asked, Condition, Context, Known, Truth
from monitor.model import Severity

GROUPINGS = ("thread", "subject", "source", "brand", "author")
DEEPEST = 20  # nested all, any and not


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready to be asked; `window` is set if it asks about the people under a post, `is_about_us` if it asks
    about posts of ours.
    """

    name: str
    title: str
    severity: Severity
    playbook: str
    group_by: str
    route: str
    is_enabled: bool
    when: Condition
    window: timedelta | None
    crowds: tuple[People, ...]
    needs_first_timer: bool
    compares: tuple[tuple[str, float], ...]
    reaches: tuple[tuple[str, float], ...]
    is_about_us: bool


@dataclass(frozen=True, slots=True)
class _Origin:
    """A rule's table, merged over the files, and the file that named it last."""

    file: str
    table: Mapping[str, Any]


def list_files(tables: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """The lists that are kept in files of their own, as name -> file: read them and hand them to `load_rules`."""
    found = {}
    for _, table in tables:
        lists = table.get("lists")
        for name, value in lists.items() if isinstance(lists, Mapping) else ():
            if isinstance(value, Mapping) and isinstance(value.get("file"), str):
                found[name] = value["file"]
    return found


def parse_list(text: str) -> tuple[str, ...]:
    """The entries of a list file: one a line, `#` begins a comment."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in lines if line)


def read_rules(
    tables: Sequence[tuple[str, Mapping[str, Any]]], known: Known, lists: Mapping[str, Sequence[str]]
) -> tuple[list[Rule], Matcher, dict[str, Any]]:
    """The rules in the order of their first mention, their matcher, and all that their verdicts depend on.

    Raises: ConfigError.
    """
    origins: dict[str, _Origin] = {}
    named: dict[str, Sequence[str]] = {}
    for file, table in tables:
        top = Section(file, "", table)
        named |= _read_lists(Section(file, "lists", top.get("lists") or {}), lists)
        for name, rule in Section(file, "rules", top.get("rules") or {}).table.items():
            earlier = origins[name].table if name in origins else {}
            origins[name] = _Origin(file, {**earlier, **Section(file, f"rules.{name}", rule).table})
        top.finish()
    matcher = Matcher()
    context = Context(known, named, matcher)
    rules = [_read_rule(name, origin, context, origins) for name, origin in origins.items()]
    matcher.build()
    matters = {rule.name: {**origins[rule.name].table, "title": ""} for rule in rules if rule.is_enabled}
    return rules, matcher, {"rules": matters, "lists": named}


def _read_lists(section: Section, from_files: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for name, value in section.table.items():
        if not isinstance(value, Mapping):
            found[name] = section.texts(name)
            continue
        inner = Section(section.file, f"lists.{name}", value)
        file = inner.text("file")
        inner.finish()
        if name not in from_files:
            inner.refuse("file", f"the list {file!r} was not read")
        found[name] = tuple(from_files[name])
    return found


def _read_rule(name: str, origin: _Origin, context: Context, others: Collection[str]) -> Rule:
    section = Section(origin.file, f"rules.{name}", origin.table)
    if not name.replace("-", "").replace("_", "").isalnum():
        section.refuse("", "a rule's name is made of letters, digits, - and _")
    when = section.get("when")
    if when is None:
        hint = nearest(name, [other for other in others if other != name])
        section.refuse("when", "this is missing" + (hint if "did you mean" in hint else ""))
    condition = read_condition(Asked(origin.file, f"rules.{name}.when", when, context))
    leaves = list(_leaves(condition))
    windows = [leaf.window for leaf in leaves if leaf.window is not None]
    rule = Rule(
        name=name,
        title=section.text("title", name.replace("-", " ").capitalize()),
        severity=Severity(section.choice("severity", tuple(Severity))),
        playbook=_reference(section, "playbook", context.known.playbooks),
        group_by=section.choice("group_by", GROUPINGS, "thread"),
        route=_reference(section, "route", context.known.routes),
        is_enabled=section.truth("enabled", True),
        when=condition,
        window=max(windows, default=None),
        crowds=tuple(leaf.crowd for leaf in leaves if leaf.crowd is not None),
        needs_first_timer=any(leaf.needs_first_timer for leaf in leaves),
        compares=tuple(compared for leaf in leaves for compared in leaf.compares),
        reaches=tuple(leaf.reaches for leaf in leaves if leaf.reaches is not None),
        is_about_us=any(leaf.is_about_us for leaf in leaves),
    )
    section.finish()
    return rule


def _reference(section: Section, key: str, valid: Any) -> str:
    name = section.text(key, "")
    if name and valid is not None and name not in valid:
        section.refuse(key, f"there is no {key} {name!r}{nearest(name, valid)}")
    return name


def _leaves(condition: Condition) -> Sequence[Condition]:
    if not condition.children:
        return (condition,)
    return [leaf for child in condition.children for leaf in _leaves(child)]


def read_condition(section: Asked, depth: int = 0) -> Condition:
    """One condition table, or a tree of them.

    Raises: ConfigError.
    """
    if depth > DEEPEST:
        section.refuse("", f"conditions are nested more than {DEEPEST} deep")
    heads = [key for key in section.table if key in CONDITIONS or key in _TREES]
    if "people" in heads:
        heads = [key for key in heads if key not in QUALIFIES_PEOPLE]
    if not heads:
        _refuse_headless(section)
    if len(heads) > 1:
        section.refuse(
            heads[1], f"one condition in each table; write all = [{{{heads[0]} = ...}}, {{{heads[1]} = ...}}]"
        )
    head = heads[0]
    condition = _TREES[head](section, depth) if head in _TREES else CONDITIONS[head](section)
    section.finish()
    return condition


def _refuse_headless(section: Asked) -> None:
    valid = (*_TREES, *CONDITIONS)
    for key in section.table:
        section.refuse(key, f"there is no such condition{nearest(key, valid)}")
    section.refuse("", f"the condition is empty{nearest('', valid)}")


def _children(section: Asked, key: str, depth: int) -> tuple[Condition, ...]:
    tables = section.get(key)
    if not isinstance(tables, list | tuple) or not tables:
        section.refuse(key, "this must be a list of conditions")
    return tuple(
        read_condition(Asked(section.file, f"{section.path}.{key}[{n}]", table, section.context), depth + 1)
        for n, table in enumerate(tables)
    )


def _all(section: Asked, depth: int) -> Condition:
    children = _children(section, "all", depth)
    tests = _cheapest_first(children)

    def test(view: View) -> Truth:
        lowest = ALWAYS
        for each in tests:
            truth = each(view)
            if truth < lowest:
                if truth == NEVER:
                    return NEVER
                lowest = truth
        return lowest

    gates = [each.gate for each in children if each.gate is not None]
    cost, gate = max(each.cost for each in children), min(gates, key=len, default=None)
    return Condition("all", "all of these", test, children=children, cost=cost, gate=gate)


def _any(section: Asked, depth: int) -> Condition:
    children = _children(section, "any", depth)
    tests = _cheapest_first(children)

    def test(view: View) -> Truth:
        highest = NEVER
        for each in tests:
            truth = each(view)
            if truth > highest:
                if truth == ALWAYS:
                    return ALWAYS
                highest = truth
        return highest

    gates = [each.gate for each in children if each.gate is not None]
    cost = max(each.cost for each in children)
    gate = frozenset[int]().union(*gates) if len(gates) == len(children) else None
    return Condition("any", "any of these", test, children=children, cost=cost, gate=gate)


def _not(section: Asked, depth: int) -> Condition:
    child = read_condition(Asked(section.file, f"{section.path}.not", section.get("not"), section.context), depth + 1)
    ask = child.test
    return Condition("not", "not this", lambda view: -ask(view), children=(child,), cost=child.cost)


def _cheapest_first(children: Sequence[Condition]) -> tuple[Callable[[View], Truth], ...]:
    return tuple(each.test for each in sorted(children, key=lambda each: each.cost))


_TREES: Mapping[str, Callable[[Asked, int], Condition]] = {"all": _all, "any": _any, "not": _not}
