"""The reckoning of a month: what was flagged, told and held, and that nothing was lost or told twice."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from monitor.model import show_id
from monitor.store.engine import reading
from tests.simulate.month import PEOPLE, Run
from tests.simulate.world import ZONE


@dataclass(slots=True)
class Account:
    """The figures of a month, and the lines that explain them."""

    comments: int
    flagged: int = 0
    told: int = 0
    held: int = 0
    lost: int = 0
    doubled: int = 0
    crisis_delay_p99_s: float = 0.0
    messages_per_person_day_max: int = 0
    lines: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def last_line(self) -> str:
        """The figures as one line of JSON."""
        names = (
            *("comments", "flagged", "told", "held", "lost", "doubled"),
            *("crisis_delay_p99_s", "messages_per_person_day_max"),
        )
        return json.dumps({name: getattr(self, name) for name in names})


def reckon(run: Run) -> Account:
    """Compare what happened with what people got."""
    n_comments = _one(run, "SELECT COUNT(*) FROM comments WHERE kind != 'post'")
    account = Account(comments=n_comments)
    n_written = sum(not one.is_post for listed in run.month.said.values() for one in listed)
    if n_comments != n_written:
        account.lost += abs(n_written - n_comments)
        account.wrong.append(f"{n_written:,} comments were written, {n_comments:,} are stored")
    _flags(run, account)
    _messages(run, account)
    _twice(run, account)
    _crises(run, account)
    _people(run, account)
    return account


def _rows(run: Run, statement: str) -> list[Any]:
    with reading(run.app.engine) as connection:
        return list(connection.exec_driver_sql(statement).all())


def _one(run: Run, statement: str) -> int:
    return int(_rows(run, statement)[0][0])


def _flags(run: Run, account: Account) -> None:
    """Each flag was told, or is held with a reason; a flag with neither is lost."""
    why = {(brand, alert_id): says for brand, alert_id, says in _rows(run, "SELECT brand, id, why FROM alerts")}
    reasons: Counter[str] = Counter()
    flags = "SELECT brand, thread_id, rule, alert_id, cleared_at FROM flags WHERE NOT is_history"
    for brand, thread_id, rule, alert_id, cleared_at in _rows(run, flags):
        account.flagged += 1
        name = f"{rule}:{show_id(thread_id)}"
        if name in run.told.get((brand, alert_id), ()):
            account.told += 1
        elif alert_id is None:
            account.lost += 1
            account.wrong.append(f"{name} is in no alert")
        elif cleared_at is not None:
            account.held += 1
            reasons["over before anybody was told"] += 1
        elif says := why.get((brand, alert_id)):
            account.held += 1
            reasons[" ".join(says.split()[:2])] += 1
        else:
            account.lost += 1
            account.wrong.append(f"{name} was never told, and nothing says why")
    account.lines.append(f"flags: {account.flagged:,}, told {account.told:,}, held {account.held:,}")
    account.lines += [f"  held: {n:,} × {reason}" for reason, n in reasons.most_common(8)]


def _messages(run: Run, account: Account) -> None:
    """Each message that was to be sent was accepted; what was held for somebody reached them in a digest."""
    states = _rows(
        run, "SELECT channel, status, COUNT(*) FROM deliveries WHERE NOT is_edit GROUP BY 1, 2 ORDER BY 1, 2"
    )
    for channel, status, n in states:
        account.lines.append(f"messages to {channel}: {n:,} {status}")
        if status == "pending":
            account.lost += n
            account.wrong.append(f"{n} messages to {channel} are still waiting")
    unsaid = _rows(
        run,
        "SELECT channel, COUNT(*) FROM deliveries AS d WHERE status = 'abandoned' AND NOT EXISTS"
        " (SELECT 1 FROM deliveries AS o WHERE o.brand = d.brand AND o.notice_id = d.notice_id AND o.status = 'sent')"
        " GROUP BY 1",
    )
    for channel, n in unsaid:
        account.lost += n
        account.wrong.append(f"{n} messages to {channel} were given up, and told nowhere else")
    n_held, n_left = _rows(run, "SELECT COUNT(*), COUNT(*) FILTER (WHERE released_at IS NULL) FROM held")[0]
    account.lines.append(f"held for hours or budgets: {n_held:,}, told in digests: {n_held - n_left:,}")
    if n_left:
        account.lost += n_left
        account.wrong.append(f"{n_left} held notices reached nobody")


def _twice(run: Run, account: Account) -> None:
    """No message was accepted twice, and no alert told twice for one reason."""
    sent = dict(_rows(run, "SELECT channel, COUNT(*) FROM deliveries WHERE status = 'sent' GROUP BY 1"))
    seen: Counter[str] = Counter()
    for channel, _, payload in run.targets.accepted:
        is_part = channel == "groupme" and payload["text"].startswith("(") and not payload["text"].startswith("(1/")
        seen["owners" if channel == "groupme" else channel] += not is_part
    for channel, n in seen.items():
        if n > sent.get(channel, 0):
            account.doubled += n - sent.get(channel, 0)
            account.wrong.append(f"{channel} accepted {n:,} messages, {sent.get(channel, 0):,} were sent")
    order = (
        "SELECT alert_id, reason FROM notices WHERE reason NOT IN ('update', 'digest') ORDER BY alert_id, created_at"
    )
    last: tuple[int, str] | None = None
    for alert_id, reason in _rows(run, order):
        if last == (alert_id, reason) and reason in ("first", "reopened", "resolved", "severity_rose"):
            account.doubled += 1
            account.wrong.append(f"alert {show_id(alert_id)} was told twice in a row as {reason}")
        last = (alert_id, reason)


def _crises(run: Run, account: Account) -> None:
    """How long after what it rests on was visible a crisis was in somebody's hands."""
    first = dict(
        _rows(
            run,
            "SELECT n.alert_id, MIN(d.sent_at) FROM deliveries AS d JOIN notices AS n"
            " ON n.brand = d.brand AND n.id = d.notice_id WHERE d.status = 'sent' AND n.reason != 'digest' GROUP BY 1",
        )
    )
    delays = []
    for alert_id, crisis in run.crises.items():
        if alert_id not in first:
            account.lines.append(f"crisis {crisis.alert}: told by nothing but a digest, or over before")
            continue
        told_at = datetime.fromtimestamp(first[alert_id] / 10**6, UTC)
        delays.append((told_at - crisis.visible_at) / timedelta(seconds=1))
        account.lines.append(f"crisis {crisis.alert}: told {delays[-1]:.0f} s after it could be seen")
    if delays:
        account.crisis_delay_p99_s = sorted(delays)[ceil(len(delays) * 0.99) - 1]


def _people(run: Run, account: Account) -> None:
    """How many messages each person had in a day."""
    days: Counter[tuple[str, str]] = Counter()
    for channel, at, _ in run.targets.accepted:
        if channel in PEOPLE:
            days[channel, at.astimezone(ZONE).date().isoformat()] += 1
    account.messages_per_person_day_max = max(days.values(), default=0)
    for person in PEOPLE:
        listed = [n for (who, _), n in days.items() if who == person]
        account.lines.append(
            f"{person}: {sum(listed):,} messages on {len(listed)} days, at most {max(listed, default=0)}"
        )
