"""Routing: who is told of an alert, through which channels.

Routes are a tree. An alert goes to the first route that matches and within it to the first that matches there, as deep
as they do; `continue` goes on to the next beside it as well. Nobody is told only where a route was made to say so:
where what it names is dead, empty or off duty, somebody else is told.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from monitor.core.telling import Person
from monitor.model import Alert, NoticeReason, Recipient, Severity


@dataclass(frozen=True, slots=True)
class Route:
    """Whom the alerts that match are told to; empty fields match anything, `severity` means at least so urgent.

    `name` is what a rule's own `route` refers to. A route within another has its targets and its ladder where it
    names none. `continue_` goes on to the next matching route beside it as well.
    """

    channels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    on_call: tuple[str, ...] = ()  # names of rotas
    ladder: str = ""
    brand: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()
    severity: str = ""
    rule: tuple[str, ...] = ()
    language: tuple[str, ...] = ()
    name: str = ""
    continue_: bool = False
    routes: "tuple[Route, ...]" = ()

    @property
    def has_targets(self) -> bool:
        return bool(self.channels or self.people or self.on_call)

    def matches(self, alert: Alert, languages: frozenset[str] = frozenset()) -> bool:
        return not self.refusal(alert, languages)

    def refusal(self, alert: Alert, languages: frozenset[str]) -> str:
        """Why this route is not for the alert; "" if it is. `languages` are those of its members."""
        for what, wanted, there in (
            ("brand", self.brand, (alert.brand,)),
            ("platform", self.platform, (alert.platform,)),
            ("rule", self.rule, (alert.rule,)),
            ("language", self.language, tuple(sorted(languages))),
        ):
            if wanted and not set(wanted).intersection(there):
                return f"{what} is {_either(there) or 'not known'}, not {_either(wanted)}"
        if self.severity and alert.severity.rank > Severity(self.severity).rank:
            return f"severity is {alert.severity}, less than {self.severity}"
        return ""


def _either(names: Sequence[str]) -> str:
    return " or ".join(name for name in names if name)


@dataclass(frozen=True, slots=True)
class Step:
    """Who is told as well once nobody has taken an alert on for so long."""

    after: timedelta
    channels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    on_call: tuple[str, ...] = ()


Ladder = tuple[Step, ...]
Targets = Route | Step


@dataclass(frozen=True, slots=True)
class Tried:
    """One route on the way through the tree: how deep it lies, and whether it was taken, with why not or how."""

    route: Route
    depth: int
    is_taken: bool
    says: str


@dataclass(frozen=True, slots=True)
class Reach:
    """Through what people can be reached now: the configured channels in order, people, rotas, and what is dead."""

    channels: tuple[str, ...] = ()
    people: Mapping[str, Person] = field(default_factory=dict)
    on_call: Callable[[str], Sequence[str]] = lambda _rota: ()
    dead: frozenset[str] = frozenset()

    @property
    def everywhere(self) -> tuple[Recipient, ...]:
        """Every room; where there is none, every person."""
        own = {name: person.id for person in self.people.values() for name in person.channels}
        rooms = tuple(Recipient(name) for name in self.channels if name not in own)
        return rooms or tuple(Recipient(name, own[name]) for name in self.channels)

    def of_person(self, name: str) -> tuple[Recipient, ...]:
        person = self.people.get(name)
        return tuple(Recipient(channel, person.id) for channel in person.channels) if person else ()

    def of(self, targets: Targets) -> tuple[Recipient, ...]:
        """Whom a route or step names, as far as there is anybody: a channel that is named is a room's."""
        people = dict.fromkeys((*targets.people, *(who for rota in targets.on_call for who in self.on_call(rota))))
        found = [*map(Recipient, targets.channels), *(each for who in people for each in self.of_person(who))]
        return tuple({each.channel: each for each in reversed(found)}.values())[::-1]

    def living(self, recipients: Sequence[Recipient]) -> tuple[Recipient, ...]:
        """Those whose channels live; else another living one; else, of no avail now, those named."""
        living = tuple(each for each in recipients if each.channel not in self.dead)
        if living or not recipients:
            return living
        own = {name: person.id for person in self.people.values() for name in person.channels}
        others = (*self.everywhere, *(Recipient(name, own.get(name, "")) for name in self.channels))
        return next(((each,) for each in others if each.channel not in self.dead), tuple(recipients))

    def or_anybody(self, recipients: Sequence[Recipient]) -> tuple[Recipient, ...]:
        return self.living(recipients or self.everywhere)


def matching(routes: Sequence[Route], alert: Alert, languages: frozenset[str] = frozenset()) -> tuple[Route, ...]:
    """The routes that an alert takes, each with the targets and the ladder that it has from those above it."""
    named = [each for each in _flat(routes) if alert.route and each.name == alert.route]
    return tuple(_through([_any(each) for each in named] or routes, alert, languages))


def _any(route: Route) -> Route:
    """A rule's own route takes its alerts whatever it matches by itself."""
    return replace(route, brand=(), platform=(), severity="", rule=(), language=())


def _flat(routes: Sequence[Route], above: Route | None = None) -> Iterator[Route]:
    for each in routes:
        whole = _inheriting(each, above)
        yield whole
        yield from _flat(each.routes, whole)


def _inheriting(route: Route, above: Route | None) -> Route:
    if above is None:
        return route
    whole = route if route.ladder else replace(route, ladder=above.ladder)
    if whole.has_targets:
        return whole
    return replace(whole, channels=above.channels, people=above.people, on_call=above.on_call)


def _through(
    routes: Sequence[Route], alert: Alert, languages: frozenset[str], above: Route | None = None
) -> Iterator[Route]:
    for each in routes:
        if each.matches(alert, languages):
            whole = _inheriting(each, above)
            deeper = tuple(_through(each.routes, alert, languages, whole))
            yield from deeper or (whole,)
            if not each.continue_:
                return


def explain(routes: Sequence[Route], alert: Alert, languages: frozenset[str] = frozenset()) -> tuple[Tried, ...]:
    """Every route of the tree in its order, with why it was taken or not."""
    if alert.route and any(each.name == alert.route for each in _flat(routes)):
        return tuple(_explain_named(routes, alert, languages))
    return tuple(_explain(routes, alert, languages))


def _explain_named(routes: Sequence[Route], alert: Alert, languages: frozenset[str], depth: int = 0) -> Iterator[Tried]:
    for each in routes:
        if each.name == alert.route:
            inner = tuple(_explain(each.routes, alert, languages, depth + 1))
            yield Tried(each, depth, not any(one.is_taken for one in inner), f'the rule names the route "{each.name}"')
            yield from inner
        else:
            yield Tried(each, depth, False, f'the rule names the route "{alert.route}"')
            yield from _explain_named(each.routes, alert, languages, depth + 1)


def _explain(
    routes: Sequence[Route], alert: Alert, languages: frozenset[str], depth: int = 0, refused: str = ""
) -> Iterator[Tried]:
    is_done = False
    for each in routes:
        why_not = refused or ("an earlier one was taken" if is_done else each.refusal(alert, languages))
        inner = tuple(
            _explain(each.routes, alert, languages, depth + 1, "the one above it was not taken" if why_not else "")
        )
        is_deeper = any(one.is_taken for one in inner)
        says = why_not or ("it matches, and one within it" if is_deeper else "it matches")
        yield Tried(each, depth, not why_not and not is_deeper, says)
        yield from inner
        is_done = is_done or (not why_not and not each.continue_)


def ladder_of(routes: Sequence[Route]) -> str:
    """The ladder of an alert that takes these routes: the first that is named."""
    return next((each.ladder for each in routes if each.ladder), "")


def route(routes: Sequence[Route], reach: Reach) -> tuple[Recipient, ...]:
    """Whom the routes that it takes name, each once and in their order; everybody where it takes none."""
    if not routes:
        return reach.living(reach.everywhere)
    found = [each for one in routes if one.has_targets for each in reach.or_anybody(reach.of(one))]
    return _once(found)


def recipients(
    alert: Alert,
    reason: NoticeReason,
    routes: Sequence[Route],
    ladder: Ladder,
    reach: Reach,
    already: Sequence[Recipient] = (),
) -> tuple[Recipient, ...]:
    """Who is told of an alert for this reason, as it stands before it is told; `already` were told of it before.

    The all-clear goes to everybody who was told, a step of the ladder to those of the step, news and reminders to who
    has taken the alert on and to the rooms, or to all who were asked to so far.
    """
    match reason:
        case "resolved" if already:
            return reach.living(already)
        case "escalated":
            return of_step(ladder, alert.step, reach)
        case "severity_rose":
            return _once((*route(routes, reach), *reach.living(already)))
        case "more" | "repeat" if alert.status == "acknowledged":
            return _of_owner(alert, routes, reach)
        case "more" | "repeat":
            steps = (each for step in ladder[: alert.step] for each in reach.living(reach.of(step)))
            return _once((*route(routes, reach), *steps))
        case _:
            return route(routes, reach)


def of_step(ladder: Ladder, step: int, reach: Reach) -> tuple[Recipient, ...]:
    """Whom a step names; where that is nobody, whom the next one names; in the end everybody."""
    found = next((named for each in ladder[step:] if (named := reach.of(each))), ())
    return reach.or_anybody(found)


def _of_owner(alert: Alert, routes: Sequence[Route], reach: Reach) -> tuple[Recipient, ...]:
    """Who has taken it on, and the rooms; if that is nobody, whoever the routes name."""
    everyone = route(routes, reach)
    rooms = [each for each in everyone if not each.person]
    owner = person_called(alert.acknowledged_by, reach.people)
    own = reach.of_person(owner.id) if owner else ()
    living = [each for each in (*rooms, *own) if each.channel not in reach.dead]
    return _once(living) or everyone


def person_called(name: str, people: Mapping[str, Person]) -> Person | None:
    """The person whose id or name this is."""
    if name in people:
        return people[name]
    called = [person for person in people.values() if person.name.casefold() == name.casefold()]
    return called[0] if len(called) == 1 else None


def _once(found: Sequence[Recipient] | Iterator[Recipient]) -> tuple[Recipient, ...]:
    """Each channel once: as its person's where it is somebody's."""
    once: dict[str, Recipient] = {}
    for each in found:
        if each.channel not in once or (each.person and not once[each.channel].person):
            once[each.channel] = each
    return tuple(once.values())
