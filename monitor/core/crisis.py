"""The crisis room: what an alert of the highest severity shows, so that nobody has to ask how bad it is. Pure.

Everything in it is worked out anew each time from the comments that we hold: the same facts give the same room. No
customer's words are in it (they stand in the notice's threads, where platforms' rules of storage reach them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.phrasing import counted, local_time
from monitor.model import Line, PlaybookBrief, Section, StoredComment, Team
from monitor.signals.flags import thresholds

HOUR = timedelta(hours=1)
TREND_HOURS = 12
MANY_PEOPLE, MANY_FOLLOWERS = 10, 10_000  # from which on our reputation is touched, whatever it is about
_BARS = "▁▂▃▄▅▆▇█"
_TOUCHES = {
    "hacked-account": "trust",
    "wrong-information": "trust",
    "cover-up": "trust",
    "offensive-post": "brand voice",
    "accidental-post": "brand voice",
    "ranting-customer": "reputation",
    "ignored-customers": "reputation",
}


@dataclass(frozen=True, slots=True)
class Damage:
    """How bad it is. `reach` are the followers of those upset, as far as platforms tell (`n_reach` of them).

    `trend` are newly upset comments by hour, the last hour last. Of the people upset, `n_answered` have an answer of
    ours, and `n_still` of those were upset again after it. `n_inhibited` are alerts that this one speaks for.
    """

    n_people: int = 0
    n_new: int = 0
    reach: int = 0
    n_reach: int = 0
    trend: tuple[int, ...] = ()
    n_answered: int = 0
    n_still: int = 0
    n_about_facts: int = 0
    n_inhibited: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """How far a step of the playbook has come: who has taken it on, and whether it is done."""

    who: str = ""
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """What happened: the post that it is about, or "" where it is about none, and when we first saw anybody upset."""

    title: str = ""
    link: str = ""
    first_seen_at: datetime | None = None
    platforms: tuple[str, ...] = ()


def damage(comments: Sequence[StoredComment], team: Team, now: datetime, n_inhibited: int = 0) -> Damage:
    """The damage that these comments show; whole threads in any order, ours among them."""
    upset = sorted((it for it in comments if _is_upset(it, team)), key=lambda it: (it.comment.created_at, it.id))
    people: dict[str, list[StoredComment]] = {}
    for it in upset:
        people.setdefault(it.comment.author.key, []).append(it)
    followers = [n for theirs in people.values() if (n := theirs[-1].comment.author.n_followers) is not None]
    answered = {key: at for key, theirs in people.items() if (at := _answered_at(theirs[0], comments, team))}
    still = [key for key, at in answered.items() if any(it.comment.created_at > at for it in people[key])]
    return Damage(
        n_people=len(people),
        n_new=sum(now - theirs[0].comment.created_at <= HOUR for theirs in people.values()),
        reach=sum(followers),
        n_reach=len(followers),
        trend=_trend(upset, now),
        n_answered=len(answered),
        n_still=len(still),
        n_about_facts=sum(_says_yes(it, "mistake") for it in upset),
        n_inhibited=n_inhibited,
    )


def _is_upset(it: StoredComment, team: Team) -> bool:
    return not team.owns(it.platform, it.comment) and (_says_yes(it, "angry") or _says_yes(it, "mistake"))


def _says_yes(it: StoredComment, name: str) -> bool:
    value = it.signals.get(name)
    return isinstance(value, float) and value >= thresholds()[name]


def _answered_at(first: StoredComment, comments: Sequence[StoredComment], team: Team) -> datetime | None:
    """When we first answered in this person's thread after they wrote."""
    return min(
        (
            reply.comment.created_at
            for reply in comments
            if reply.thread_id == first.thread_id
            and reply.deleted_at is None
            and reply.comment.kind != "post"
            and reply.comment.created_at >= first.comment.created_at
            and team.owns(reply.platform, reply.comment)
        ),
        default=None,
    )


def _trend(upset: Sequence[StoredComment], now: datetime) -> tuple[int, ...]:
    by_hour = [0] * TREND_HOURS
    for it in upset:
        ago = (now - it.comment.created_at) // HOUR
        if 0 <= ago < TREND_HOURS:
            by_hour[TREND_HOURS - 1 - ago] += 1
    return tuple(by_hour)


def chart(counts: Sequence[int]) -> str:
    """Counts as a row of bars, the highest full."""
    most = max(counts, default=0)
    if not most:
        return ""
    return "".join(_BARS[round(n / most * (len(_BARS) - 1))] for n in counts)


def touched(playbook: str, found: Damage) -> tuple[str, ...]:
    """Which of trust, brand voice and reputation this hurts."""
    hurt = {_TOUCHES.get(playbook, "reputation")}
    if found.n_about_facts:
        hurt.add("trust")
    if found.n_people >= MANY_PEOPLE or found.reach >= MANY_FOLLOWERS:
        hurt.add("reputation")
    return tuple(each for each in ("reputation", "brand voice", "trust") if each in hurt)


def room(
    scene: Scene,
    found: Damage,
    playbook: PlaybookBrief | None,
    steps: Mapping[int, Step],
    owner: str,
    began_at: datetime,
    timezone: str,
    now: datetime,
) -> tuple[Section, ...]:
    """The room's sections from top to bottom; `steps` by their number from 1, `began_at` starts their timers."""
    sections = [
        Section("What happened", tuple(_happened(scene, timezone))),
        Section("Damage", tuple(_damage_lines(found, playbook.name if playbook else ""))),
        Section("Who has it", (Line(owner or "Nobody yet: whoever takes it says so, so that one person leads"),)),
    ]
    if playbook is not None:
        lines = (
            _step(number, text, playbook, steps.get(number, Step()), began_at, timezone, now)
            for number, text in enumerate(playbook.steps, 1)
        )
        sections.append(Section(f"What to do: {playbook.title}", tuple(lines)))
    return tuple(sections)


def _happened(scene: Scene, timezone: str) -> list[Line]:
    lines = [Line(f"Under “{scene.title}”", scene.link)] if scene.title else []
    if not scene.title and scene.link:
        lines.append(Line("Where it began", scene.link))
    if scene.platforms:
        lines.append(Line(f"On {', '.join(scene.platforms)}"))
    if scene.first_seen_at is not None:
        lines.append(Line(f"First seen {local_time(scene.first_seen_at, timezone)}"))
    return lines


def _damage_lines(found: Damage, playbook: str) -> list[Line]:
    lines = [f"{counted(found.n_people, 'person', 'people')} upset, {found.n_new:,} of them new in the last hour"]
    if bars := chart(found.trend):
        lines.append(f"Last {TREND_HOURS} hours: {bars} ({_direction(found.trend)})")
    if found.n_reach:
        rest = "; of the others it is not known" if found.n_reach < found.n_people else ""
        lines.append(f"Reach: {found.reach:,} followers of {found.n_reach:,} of them{rest}")
    if found.n_people:
        lines.append(
            f"Answered: {found.n_answered:,} of {found.n_people:,} ({_share(found.n_answered, found.n_people)})"
        )
    if found.n_answered:
        lines.append(
            f"Still upset after our answer: {found.n_still:,} of {found.n_answered:,} "
            f"({_share(found.n_still, found.n_answered)})"
        )
    if found.n_inhibited:
        lines.append(f"{counted(found.n_inhibited, 'thread', 'threads')} under it told here and nowhere else")
    lines.append(f"What it touches: {', '.join(touched(playbook, found))}")
    return [Line(line) for line in lines]


def _direction(trend: Sequence[int]) -> str:
    last, before = trend[-1], trend[-2]
    return "growing" if last > before else "calming down" if last < before else "steady"


def _share(n: int, of: int) -> str:
    return f"{n / of:.0%}"


def _step(
    number: int, text: str, playbook: PlaybookBrief, step: Step, began_at: datetime, timezone: str, now: datetime
) -> Line:
    plan = playbook.plans[number - 1] if number <= len(playbook.plans) else None
    if step.done_at is not None:
        return Line(f"[x] {number}. {text} — done by {step.who}, {_clock(step.done_at, timezone, began_at)}")
    who = f"{step.who} has it" if step.who else plan.owner if plan else ""
    by = began_at + plan.within if plan and plan.within is not None else None
    until = f"by {_clock(by, timezone, began_at)}{', OVERDUE' if now > by else ''}" if by is not None else ""
    rest = " · ".join(filter(None, [who, until]))
    return Line(f"[ ] {number}. {text}{f' — {rest}' if rest else ''}")


def _clock(at: datetime, timezone: str, began_at: datetime) -> str:
    """The time of day there, with the day where it is not the one on which it all began."""
    day, _, time = local_time(at, timezone).partition(", ")
    return time if local_time(began_at, timezone).startswith(day) else f"{day}, {time}"
