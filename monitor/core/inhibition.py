"""Inhibition: a crisis tells of what is under its post, and the single alerts there are held back while it lasts.

A crisis is never held back itself, so that no two of them can wait for each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitor.model import Alert, Severity, parse_id_prefix, show_id

Places = Mapping[str, frozenset[int]]  # by fingerprint: a flag's thread and the post that it hangs under


@dataclass(frozen=True, slots=True)
class Crisis:
    """An unresolved alert of severity crisis, and the threads and posts that it is about."""

    brand: str
    alert_id: int
    about: frozenset[int]

    @property
    def says(self) -> str:
        return f"the crisis {show_id(self.alert_id)}"


def crisis_of(alert: Alert) -> Crisis | None:
    """What an alert holds back, if it is a crisis that is not over."""
    if alert.severity is not Severity.CRISIS or alert.status == "resolved":
        return None
    threads = [name.rpartition(":")[2] for name in alert.members if name != alert.group_key]
    _, is_of_post, post = alert.group_key.partition("@subject:")
    typed = [*threads, post] if is_of_post else threads
    return Crisis(alert.brand, alert.id, frozenset(parse_id_prefix(each)[0] for each in typed))


def inhibited(alert: Alert, places: Places, crises: Iterable[Crisis]) -> dict[str, str]:
    """The members of an alert that a crisis tells of: fingerprint, and which crisis in words."""
    found: dict[str, str] = {}
    for crisis in crises:
        if crisis.brand != alert.brand or crisis.alert_id == alert.id:
            continue
        for name, severity in alert.members.items():
            if severity is not Severity.CRISIS and crisis.about & places.get(name, frozenset()):
                found.setdefault(name, crisis.says)
    return found
