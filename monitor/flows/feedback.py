"""What people have said about flags, on its way into the verdicts: refuted comments and a brand's calibrations."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from monitor import signals
from monitor.core.calibration import Calibration, calibrated, fit
from monitor.core.corrections import Correction, is_outdated, refuted
from monitor.core.facts import Facts
from monitor.core.truth import version_of
from monitor.model import Signals, StoredComment
from monitor.store import comments, corrections, due, threads


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
    return {
        name: calibration
        for name, (calibration, version) in corrections.load_calibrations(connection, brand).items()
        if name in signals.REGISTRY and version == signals.version_of(name)
    }


def resting(connection: Connection, brand: str) -> set[str]:
    """The signals whose calibration is not used, because it was fitted to another version of the signal."""
    return set(corrections.load_calibrations(connection, brand)) - set(calibrations(connection, brand))


def heed(facts: Facts, feedback: Feedback) -> Facts:
    """The facts as the rules of this brand are to see them; as they are where nobody has said anything."""
    if wrong := feedback.wrong.get(facts.thread_id):
        under = {it.id: it for it in facts.subject_people}
        facts = replace(facts, refuted=refuted(wrong, {**under, **facts.comments}))
    return calibrated(facts, feedback.calibrations) if feedback.calibrations else facts


def as_measured_now(connection: Connection, brand: str, said: Sequence[Correction]) -> list[Correction]:
    """Those corrections that are about a signal, each with the value of the present version where that can be had.

    The comment is measured again unless it is gone or its text was changed since; what was noted at the time serves
    only while the signal is of the same version.
    """
    about = [one for one in said if one.signal in signals.REGISTRY]
    held = comments.load_comments(connection, brand, {one.comment_id for one in about})
    stale = {one.comment_id for one in about if not _is_current(one.signal, held.get(one.comment_id))}
    measured = {number: it.signals for number, it in held.items()} | _measured_again(stale, held)
    found = []
    for one in about:
        it = held.get(one.comment_id)
        if it is not None and not is_outdated(one, it):
            value = measured[it.id].get(one.signal)
        else:
            value = one.value if one.version == signals.version_of(one.signal) else None
        if isinstance(value, float):
            found.append(replace(one, value=value))
    return found


def _is_current(name: str, held: StoredComment | None) -> bool:
    """Whether a signal was measured by its present version, or cannot be again; second opinions aside."""
    return held is None or not held.has_text or version_of(name, held).partition("+")[0] == signals.version_of(name)


def _measured_again(ids: Iterable[int], held: Mapping[int, StoredComment]) -> dict[int, Signals]:
    stale = sorted(ids)
    values = signals.measure([held[number].comment for number in stale]) if stale else []
    return dict(zip(stale, values, strict=True))


def fits(connection: Connection, brand: str) -> dict[str, tuple[Calibration, int, int]]:
    """For each signal that people have said something about: the calibration of it, and how often right and wrong.

    Where a rule asked for several signals nobody can tell which of them was wrong: that counts for none.
    """
    said = as_measured_now(connection, brand, corrections.of_brand(connection, brand))
    n_signals = Counter((one.rule, one.comment_id) for one in said)
    pairs: dict[str, set[tuple[int, float, bool]]] = {}
    for one in said:
        if n_signals[one.rule, one.comment_id] == 1 and one.value is not None:
            pairs.setdefault(one.signal, set()).add((one.comment_id, one.value, not one.is_wrong))
    return {
        name: (fit((value, right) for _, value, right in found), *_of_each_kind(right for _, _, right in found))
        for name, found in sorted(pairs.items())
    }


def _of_each_kind(rights: Iterable[bool]) -> tuple[int, int]:
    counted = Counter(rights)
    return counted[True], counted[False]


def judge_anew(connection: Connection, brands: Iterable[str], now: datetime) -> int:
    """Make the open threads of these brands due, because their calibrations have changed; how many that were."""
    n_threads = sum(threads.mark_open_due(connection, now, brand) for brand in sorted(brands))
    due.announce(connection, "threads")
    return n_threads
