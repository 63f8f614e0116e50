"""heedful rules precision and calibrate: what people's corrections say of the rules and of the signals."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import show
from monitor.cli.call import DURATION, Call, complete_brand, pass_call
from monitor.core.calibration import LEAST_CORRECTIONS, Calibration
from monitor.core.phrasing import counted
from monitor.core.precision import Counts, Proposal, count, propose, threshold_of, verdicts, wilson

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from monitor.core.rules import RuleSet

POINTS = (0.3, 0.5, 0.7, 0.9)
PRECISION_COLUMNS = (
    show.Column("RULE"),
    show.Column("RAISED", right=True),
    show.Column("RIGHT", right=True),
    show.Column("WRONG", right=True),
    show.Column("NOT CONTRADICTED", right=True),
    show.Column("OPEN", right=True),
    show.Column("PRECISION"),
    show.Column("THRESHOLD"),
    show.Column("PROPOSED", flexible=True, least=30),
)
CALIBRATION_COLUMNS = (
    show.Column("BRAND"),
    show.Column("SIGNAL"),
    show.Column("RIGHT", right=True),
    show.Column("WRONG", right=True),
    *(show.Column(f"AT {point:g}") for point in POINTS),
    show.Column(""),
)


@dataclass
class Standing:
    """What is known of one rule, of all brands that were asked about."""

    counts: Counts = field(default_factory=Counts)
    said: list[tuple[float, bool]] = field(default_factory=list)  # value, was it right: one for each corrected flag


@click.command()
@click.option("--since", type=DURATION, default="90d", show_default=True, metavar="DURATION", help="How far back.")
@click.option("--brand", "-b", default="", shell_complete=complete_brand, help="Only this brand.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def precision(call: Call, /, since: timedelta, brand: str, as_json: bool) -> None:
    """Say how often people agreed with each rule, and which threshold would have agreed with them best.

    Counted are threads that a rule has flagged (each once), history aside: found right or wrong by a person (`heedful
    thread mark-right`, `mark-wrong`), gone without contradiction, or still open. Precision is of those that a person
    judged, with its 95 % interval. A rule that asks for one signal and has ten corrections is given the threshold that
    would have had the best F1; it is only proposed, and never below the present one: what lies there was not raised.
    """
    call.known("brand", brand, call.settings.brands)
    standings: dict[str, Standing] = {}
    with call.reading() as connection:
        for name in [brand] if brand else call.settings.brands:
            _look(connection, name, call, since, standings)
    rules = call.settings.rules
    reports = [_report(name, standings[name], rules) for name in _in_order(standings, rules)]
    if as_json:
        for report in reports:
            show.json_line(report)
    elif reports:
        show.table(PRECISION_COLUMNS, [_precision_row(report) for report in reports])
    else:
        click.echo("No rule has flagged anything.")


def _look(connection: "Connection", brand: str, call: Call, since: timedelta, standings: dict[str, Standing]) -> None:
    from monitor.flows import feedback
    from monitor.store import corrections

    raised = corrections.raised(connection, brand, call.now - since)
    said = corrections.of_brand(connection, brand)
    found = verdicts(said)
    for rule, counts in count(raised, found).items():
        standing = standings.setdefault(rule, Standing())
        standing.counts = Counts(*(getattr(standing.counts, n) + getattr(counts, n) for n in asdict(counts)))
    calibrations = feedback.calibrations(connection, brand)
    values: dict[tuple[int, str], float] = {}
    for one in feedback.as_measured_now(connection, brand, said):
        wanted = threshold_of(call.settings.rules.conditions.get(one.rule))
        if wanted is None or wanted[0] != one.signal or one.value is None:
            continue
        key = (one.thread_id, one.rule)
        value = calibrations.get(one.signal, Calibration())(one.value)
        values[key] = max(value, values.get(key, 0.0))
    counted_flags = {(thread_id, rule) for thread_id, rule, _ in raised}
    for key in sorted(values.keys() & counted_flags):
        standings[key[1]].said.append((values[key], found[key]))


def _in_order(standings: Mapping[str, Standing], rules: "RuleSet") -> Sequence[str]:
    """As the rule files name them; what they no longer name comes last."""
    return [*(name for name in rules.titles if name in standings), *sorted(standings.keys() - rules.titles.keys())]


def _report(name: str, standing: Standing, rules: "RuleSet") -> dict[str, Any]:
    counts = standing.counts
    low, high = wilson(counts.n_right, counts.n_right + counts.n_wrong)
    signal, threshold = threshold_of(rules.conditions.get(name)) or ("", None)
    proposal = propose(standing.said, threshold) if threshold is not None else None
    return {
        "rule": name,
        "raised": counts.n,
        "right": counts.n_right,
        "wrong": counts.n_wrong,
        "not_contradicted": counts.n_quiet,
        "open": counts.n_open,
        "precision": counts.precision,
        "low": low if counts.precision is not None else None,
        "high": high if counts.precision is not None else None,
        "signal": signal,
        "threshold": threshold,
        "proposed": asdict(proposal) if proposal else None,
    }


def _precision_row(report: Mapping[str, Any]) -> list[str]:
    agreed, present, proposed = report["precision"], report["threshold"], report["proposed"]
    numbers = [f"{report[name]:,}" for name in ("raised", "right", "wrong", "not_contradicted", "open")]
    return [
        report["rule"],
        *numbers,
        "" if agreed is None else f"{agreed:.2f} ({report['low']:.2f}–{report['high']:.2f})",
        "" if present is None else f"{report['signal']} {present:g}",
        _in_words(Proposal(**proposed), present) if proposed else "",
    ]


def _in_words(proposal: Proposal, present: float) -> str:
    if proposal.threshold == present:
        return "the present one is best"
    kept, dropped = proposal.kept_right, proposal.dropped_right
    return (
        f"{proposal.threshold:g}: keeps {kept} right, {proposal.kept_wrong} wrong; "
        f"drops {dropped} right, {proposal.dropped_wrong} wrong"
    )


@click.command()
@click.option("--brand", "-b", default="", shell_complete=complete_brand, help="Only this brand.")
@click.option("--apply", is_flag=True, help="Use them from now on: open threads are judged anew.")
@click.option("--reset", is_flag=True, help="Forget them: values are read as they are measured.")
@click.option("--json", "as_json", is_flag=True, help="JSON Lines.")
@pass_call
def calibrate(call: Call, /, brand: str, apply: bool, reset: bool, as_json: bool) -> None:
    """Fit how a brand reads each signal to what its people found right and wrong; shows what would change.

    It takes twenty corrections of both kinds for a signal. Shown is how values are read now -> how they would be. A
    calibration belongs to one version of its signal: after an upgrade that brings another one it rests until it is
    applied again.
    """
    if apply and reset:
        raise click.UsageError("give either --apply or --reset")
    call.known("brand", brand, call.settings.brands)
    brands = [brand] if brand else list(call.settings.brands)
    if reset:
        click.echo(f"{counted(_forget(call, brands), 'calibration', 'calibrations')} forgotten.")
        return
    reports = [report for name in brands for report in _fits(call, name)]
    if as_json:
        for report in reports:
            show.json_line(report)
    elif reports:
        show.table(CALIBRATION_COLUMNS, [_calibration_row(report) for report in reports])
    else:
        click.echo("Nobody has said of a flag whether it was right: heedful thread mark-wrong, mark-right")
    if apply:
        n_threads = _apply(call, reports)
        show.hint(f"In use from now on; {counted(n_threads, 'open thread is', 'open threads are')} judged anew.")


def _fits(call: Call, brand: str) -> Iterator[dict[str, Any]]:
    from monitor.flows import feedback

    with call.reading() as connection:
        present = feedback.calibrations(connection, brand)
        resting = feedback.resting(connection, brand)
        fits = feedback.fits(connection, brand)
    for name, (fitted, n_right, n_wrong) in fits.items():
        old = present.get(name, Calibration())
        yield {
            "brand": brand,
            "signal": name,
            "right": n_right,
            "wrong": n_wrong,
            "slope": fitted.slope,
            "offset": fitted.offset,
            "is_enough": fitted.n > 0,
            "is_resting": name in resting,
            "points": [{"measured": p, "now": old(p), "then": fitted(p) if fitted.n else old(p)} for p in POINTS],
        }


def _calibration_row(report: Mapping[str, Any]) -> list[str]:
    points = [f"{point['now']:.2f} -> {point['then']:.2f}" for point in report["points"]]
    says = "" if report["is_enough"] else f"needs {LEAST_CORRECTIONS} corrections of both kinds"
    if report["is_resting"]:
        says = "the stored one rests: the signal has changed"
    return [report["brand"], report["signal"], str(report["right"]), str(report["wrong"]), *points, says]


def _apply(call: Call, reports: Sequence[Mapping[str, Any]]) -> int:
    """Store what was fitted; how many threads are judged anew."""
    from monitor import signals
    from monitor.flows import feedback
    from monitor.store import corrections

    enough = [report for report in reports if report["is_enough"]]
    with call.writing() as connection:
        for one in enough:
            fitted = Calibration(one["slope"], one["offset"], one["right"] + one["wrong"])
            version = signals.version_of(one["signal"])
            corrections.save_calibration(connection, one["brand"], one["signal"], fitted, version, call.now)
        return feedback.judge_anew(connection, {one["brand"] for one in enough}, call.now)


def _forget(call: Call, brands: Sequence[str]) -> int:
    from monitor.flows import feedback
    from monitor.store import corrections

    with call.writing() as connection:
        forgotten = {name: corrections.forget_calibrations(connection, name) for name in brands}
        feedback.judge_anew(connection, {name for name, n in forgotten.items() if n}, call.now)
    return sum(forgotten.values())
