"""What people have said about flags, on its way into the verdicts: refuted comments and a brand's calibrations."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection

from monitor import signals
from monitor.core.calibration import Calibration, calibrated
from monitor.core.corrections import Correction, refuted
from monitor.core.facts import Facts
from monitor.store import corrections


@dataclass(frozen=True, slots=True)
class Feedback:
    """What people said that bears on some threads of one brand."""

    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    wrong: Mapping[int, Sequence[Correction]] = field(default_factory=dict)  # by thread


def load(connection: Connection, brand: str, thread_ids: Iterable[int] = ()) -> Feedback:
    """The brand's calibrations, as far as they fit the present signals, and what is wrong in these threads."""
    said = corrections.of_threads(connection, brand, thread_ids)
    wrong = {thread_id: [one for one in all_said if one.is_wrong] for thread_id, all_said in said.items()}
    return Feedback(calibrations(connection, brand), wrong)


def calibrations(connection: Connection, brand: str) -> Mapping[str, Calibration]:
    """A brand's calibrations of the present signals: one of an older version says nothing about a newer one."""
    return corrections.load_calibrations(connection, brand, versions())


def versions() -> dict[str, str]:
    return {name: signals.version_of(name) for name in signals.REGISTRY}


def heed(facts: Facts, feedback: Feedback) -> Facts:
    """The facts as the rules of this brand are to see them; as they are where nobody has said anything."""
    changes: dict[str, Any] = {}
    if wrong := feedback.wrong.get(facts.thread_id):
        under = {it.id: it for it in facts.subject_people}
        changes["refuted"] = refuted(wrong, {**under, **facts.comments})
    if feedback.calibrations:
        everyone = (*facts.subject_people, *facts.comments.values())
        changes["measured"] = {it.id: it.signals for it in everyone}
        changes["comments"] = {number: calibrated(it, feedback.calibrations) for number, it in facts.comments.items()}
        changes["subject_people"] = [calibrated(it, feedback.calibrations) for it in facts.subject_people]
    return replace(facts, **changes) if changes else facts
