"""Why a rule holds or not, as a small tree that a person can read."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitor.core.facts import View
from monitor.core.truth import Condition
from monitor.model import Reason, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """One condition as it was found: `asked` is what it wants, `says` what it met (leaves only)."""

    name: str
    asked: str
    holds: bool
    says: str = ""
    reason: Reason | None = None
    children: tuple["Finding", ...] = ()

    def lines(self, depth: int = 0) -> Iterator[str]:
        """The tree as indented lines, "+" before what holds and "-" before what does not."""
        met = f": {self.says}" if self.says else ""
        yield f"{'  ' * depth}{'+' if self.holds else '-'} {self.asked}{met}"
        for child in self.children:
            yield from child.lines(depth + 1)


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule tried on one comment (or, with `comment_id` None, on a post and the people under it)."""

    rule: str
    title: str
    severity: Severity
    playbook: str
    is_enabled: bool
    holds: bool
    comment_id: int | None
    finding: Finding
    is_refuted: bool = False  # people have called it wrong


def find(condition: Condition, view: View) -> Finding:
    """Every condition of the tree asked, those too that the verdict did not need."""
    holds = condition.test(view) > 0
    children = tuple(find(child, view) for child in condition.children)
    reason = condition.reason(view) if condition.reason else None
    return Finding(condition.name, condition.says, holds, reason.says if reason else "", reason, children)


def reasons(condition: Condition, view: View) -> Iterator[Reason]:
    """The reasons for which a condition that holds does so."""
    if condition.name == "not":
        (child,) = condition.children
        yield Reason("not", f"not: {child.says}", comment_id=view.comment.id if view.comment else None)
    elif condition.reason:
        yield condition.reason(view)
    for child in condition.children if condition.name != "not" else ():
        if child.test(view) > 0:
            yield from reasons(child, view)


def evidence(condition: Condition, view: View) -> Iterator[int]:
    """The comments that a condition which holds about a post rests on."""
    if condition.evidence:
        yield from condition.evidence(view)
    for child in condition.children if condition.name != "not" else ():
        if child.test(view) > 0:
            yield from evidence(child, view)
