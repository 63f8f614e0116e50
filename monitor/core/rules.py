"""Rules: which threads people must look at, how urgently, and why."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from itertools import islice
from math import inf
from typing import Any

from monitor import signals
from monitor.core.calendar import Calendar
from monitor.core.calibration import Calibration, calibrated
from monitor.core.corrections import without
from monitor.core.facts import Facts as Facts
from monitor.core.facts import View
from monitor.core.findings import Trial, evidence, find
from monitor.core.instants import from_micros
from monitor.core.matching import Matcher
from monitor.core.people import People
from monitor.core.raising import Held, raise_flag
from monitor.core.rules_config import Rule, read_rules
from monitor.core.rules_config import list_files as list_files
from monitor.core.rules_config import parse_list as parse_list
from monitor.core.truth import Known as Known
from monitor.core.truth import Truth
from monitor.model import (
    Author,
    Comment,
    CustomerState,
    Flag,
    Kind,
    StoredComment,
    Team,
    ThreadActs,
    ThreadState,
)

_SEMANTICS = 1  # raise it when the same rules would judge the same facts differently: every open thread is judged anew
_MOST_AHEAD = 200  # words looked for ahead: fewer than `signals` keeps
_NO_FLAGS: Mapping[str, Flag] = {}
_NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)  # a Wednesday, for trying a text at no particular time
_NOTHING_KNOWN = Known()
_NOBODY: frozenset[int] = frozenset()
_AS_MEASURED: Mapping[str, Calibration] = {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The flags that stand, most urgent first, and the first instant at which the clock alone could change them.

    Until then the same rules hold for the same comments; only a further reason may come to hold beside the others.
    `stirring` are the thread's comments under a post that a rule about many people could count: what makes the
    post's own thread worth judging.
    """

    flags: tuple[Flag, ...] = ()
    due_at: datetime | None = None
    stirring: frozenset[int] = frozenset()


_Asked = tuple[tuple[Callable[[View], Truth], Rule], ...]


class RuleSet:
    """All rules of a configuration, compiled; the same for any number of threads at once.

    `titles` names all rules, disabled ones too. `people_window` is how far back a post's comments are looked at.
    `limits` are the signals that the enabled rules compare, each with the value that decides.
    """

    def __init__(
        self, rules: Sequence[Rule], matcher: Matcher, digest: str, own_signals: signals.Beside = signals.NONE
    ) -> None:
        self.rules = tuple(rules)
        self.digest = digest
        self.titles: Mapping[str, str] = {rule.name: rule.title for rule in rules}
        self.conditions = {rule.name: rule.when for rule in rules}
        self._matcher, self._own_signals = matcher, own_signals
        enabled = sorted((rule for rule in rules if rule.is_enabled), key=lambda rule: rule.severity.rank)
        self.needs_first_timer = any(rule.needs_first_timer for rule in enabled)
        self.limits = frozenset(compared for rule in enabled for compared in rule.compares)
        self.people_window: timedelta | None = max((r.window for r in enabled if r.window is not None), default=None)
        self._of_posts = _asked(rule for rule in enabled if rule.window is not None)
        self._of_us = _asked(rule for rule in enabled if rule.is_about_us)
        crowds = [crowd for rule in enabled for crowd in rule.crowds]
        self._stirs = tuple(crowd.stirs for crowd in crowds)
        self._stirs_anyway = any(not crowd.is_choosy for crowd in crowds)
        self._stir_words = frozenset[int]().union(*(crowd.phrases for crowd in crowds))
        self._stir_floors = _floors(crowds)
        self._of_comments = _asked(rule for rule in enabled if rule.when.gate is None)
        self._of_words = _asked(rule for rule in enabled if rule.when.gate)
        self._words = frozenset[int]().union(*(rule.when.gate or () for rule in enabled))
        reached = sorted((limit for rule in enabled for limit in rule.reaches), reverse=True)
        self._explained = {name: least for name, least in reached if name in signals.REGISTRY}

    def evaluate(self, facts: Facts, now: datetime, before: Iterable[Flag] = ()) -> Verdict:
        """What the rules say of this thread now: nothing while it is snoozed or nobody waits in it.

        Posts of ours that a check has found fault with are asked about by the rules about them. A flag that stands as
        `before`, told and unchanged, keeps its reasons: they are what costs most to find.
        """
        verdict = self._evaluate(facts, now, {flag.rule: flag for flag in before})
        if not facts.refuted or not verdict.flags:
            return verdict
        return replace(verdict, flags=tuple(self._unrefuted(verdict, facts, now)))

    def _unrefuted(self, verdict: Verdict, facts: Facts, now: datetime) -> Iterator[Flag]:
        """The flags but for what people have called wrong; a rule is raised again for other comments."""
        for flag in verdict.flags:
            wrong = facts.refuted.get(flag.rule)
            if wrong is None:
                yield flag
                continue
            alone = RuleSet([rule for rule in self.rules if rule.name == flag.rule], self._matcher, self.digest)
            yield from alone._evaluate(without(facts, wrong), now).flags

    def look_ahead(self, comments: Iterable[StoredComment]) -> None:
        """Have at hand what will explain the flags of these comments: all at once that takes a third of the time."""
        likely = (
            (name, it)
            for it in comments
            for name, least in self._explained.items()
            if it.has_text and isinstance(value := it.signals.get(name), float) and value >= least
        )
        for name, it in islice(likely, _MOST_AHEAD):
            signals.explain(name, it.comment, self._own_signals)

    def _evaluate(self, facts: Facts, now: datetime, before: Mapping[str, Flag] = _NO_FLAGS) -> Verdict:
        state, snoozed_until = facts.state, facts.acts.snoozed_until
        view = View(facts, now, self._matcher)
        stirring = self._stirring(view)
        if snoozed_until is not None and now < snoozed_until:
            return Verdict((), _earliest(now, snoozed_until, state.due_at), stirring)
        is_about_us = any(facts.post_findings.values()) or bool(facts.vanished)
        if not state.open_ids and not facts.subject_people and not is_about_us:
            return Verdict((), _earliest(now, state.due_at), stirring)
        held, changes_at = self._judge(view)
        raised = (raise_flag(each, view, before) for each in held)
        flags = sorted(raised, key=lambda flag: flag.severity.rank) if held else ()
        return Verdict(tuple(flags), _earliest(now, from_micros(changes_at), state.due_at), stirring)

    def _stirring(self, view: View) -> frozenset[int]:
        comments = view.facts.comments if self._stirs else {}
        possible = [it for it in comments.values() if it.subject_id is not None and self._may_stir(view, it)]
        if not possible:
            return _NOBODY
        return frozenset(it.id for it in possible if any(stirs(view, it) for stirs in self._stirs))

    def _may_stir(self, view: View, it: StoredComment) -> bool:
        """One look that rules out most comments for all rules about many people."""
        measured = it.signals
        for name, least in self._stir_floors:
            value = measured.get(name)
            if isinstance(value, float) and value >= least:
                return True
        return self._stirs_anyway or not self._stir_words.isdisjoint(view.hits_in(it))

    def _judge(self, view: View) -> tuple[list[Held], float]:
        """The rules that hold, each with the comments for which it does, and when that could change."""
        held: dict[str, Held] = {}
        soonest = inf
        for comment in self._candidates(view.facts):
            view.look_at(comment)
            for test, rule in self._worth_asking(view):
                truth = test(view)
                if truth > 0:
                    held.setdefault(rule.name, Held(rule, [])).candidates.append(comment)
                else:
                    truth = -truth
                if truth < soonest:
                    soonest = truth
        return list(held.values()), soonest

    def _candidates(self, facts: Facts) -> list[StoredComment | None]:
        about_post: list[StoredComment | None] = [None] if facts.subject_people and self._of_posts else []
        held = facts.comments
        about_us = dict.fromkeys((*facts.post_findings, *sorted(facts.suspects)))
        return about_post + [held[number] for number in (*about_us, *facts.state.open_ids) if number in held]

    def _worth_asking(self, view: View) -> _Asked:
        """The rules that could hold: most rules of words are ruled out by one look at the text."""
        if view.comment is None:
            return self._of_posts
        if view.comment.id in view.facts.post_findings or view.comment.id in view.facts.suspects:
            return self._of_us
        if not self._words or self._words.isdisjoint(view.hits_in(view.comment)):
            return self._of_comments
        return self._of_comments + self._of_words

    def explain(self, facts: Facts, now: datetime) -> tuple[Trial, ...]:
        """Every rule, disabled ones too, tried on each open comment of the thread (and on the post, if it is one)."""
        view = View(facts, now, self._matcher)
        trials = []
        for comment in self._candidates(facts):
            view.look_at(comment)
            trials += [_try(rule, view) for rule in self.rules if _can_be_asked(rule, view)]
        return tuple(trials)

    def test_text(
        self,
        text: str,
        *,
        platform: str = "example",
        brand: str = "example",
        source: str = "example",
        kind: Kind = "comment",
        author: str = "Somebody",
        handle: str = "",
        n_followers: int | None = None,
        is_bot: bool = False,
        stars: float | None = None,
        n_likes: int = 0,
        language: str = "",
        waiting: timedelta = timedelta(0),
        is_first: bool = True,
        calendar: Calendar | None = None,
        team: Team | None = None,
        now: datetime = _NOON,
        calibrations: Mapping[str, Calibration] = _AS_MEASURED,
    ) -> tuple[Trial, ...]:
        """Every rule tried on a text, as if it were the only comment of its thread and had waited so long."""
        by = Author("1", author, handle, n_followers=n_followers, is_bot=is_bot)
        comment = Comment(
            "1", kind, text, by, now - waiting, language=language, stars=stars, n_likes=n_likes, permalink=""
        )
        stored = StoredComment(
            brand, platform, source, 1, 1, None, None, comment, comment.created_at,
            signals=signals.measure([comment], self._own_signals)[0],
            signals_version=signals.version(self._own_signals),
        )  # fmt: skip
        customer = CustomerState(by.key, "awaiting", comment.created_at, (1,), comment.created_at)
        state = ThreadState(comment.created_at, (1,), (customer,), 1, comment.created_at)
        hours = calendar or Calendar("UTC", None)
        earlier = {} if is_first else {by.key: 1}
        whole = Facts(brand, source, platform, hours, team or Team(), state, {1: stored}, ThreadActs(), 1, (), earlier)
        return self.explain(calibrated(whole, calibrations) if calibrations else whole, now)


def _can_be_asked(rule: Rule, view: View) -> bool:
    if view.comment is None:
        return rule.window is not None
    is_of_us = view.comment.id in view.facts.post_findings or view.comment.id in view.facts.suspects
    return rule.is_about_us or not is_of_us


def _floors(crowds: Sequence[People]) -> tuple[tuple[str, float], ...]:
    """For each signal that a rule about many people asks for, the lowest value that any of them wants."""
    floors: dict[str, float] = {}
    for crowd in crowds:
        for name in crowd.signals:
            floors[name] = min(crowd.at_least, floors.get(name, 1.0))
    return tuple(floors.items())


def _asked(rules: Iterable[Rule]) -> _Asked:
    return tuple((rule.when.test, rule) for rule in rules)


def _earliest(now: datetime, *instants: datetime | None) -> datetime | None:
    return min([instant for instant in instants if instant is not None and instant > now], default=None)


def _try(rule: Rule, view: View) -> Trial:
    finding = find(rule.when, view)
    about = view.comment.id if view.comment else None
    rests_on = {about} if about is not None else set(evidence(rule.when, view))
    wrong = view.facts.refuted.get(rule.name, _NOBODY)
    is_refuted = finding.holds and bool(wrong) and rests_on <= wrong
    return Trial(
        rule.name, rule.title, rule.severity, rule.playbook, rule.is_enabled, finding.holds, about, finding, is_refuted
    )


def load_rules(
    tables: Sequence[tuple[str, Mapping[str, Any]]],
    known: Known = _NOTHING_KNOWN,
    lists: Mapping[str, Sequence[str]] | None = None,
) -> RuleSet:
    """Compile parsed rule files, given as (file, table); what a later file says of a rule replaces the earlier word.

    `lists` holds the author lists that are kept in files (see `list_files`).

    Raises: ConfigError with file, key, reason and the nearest valid name: refuse the configuration.
    """
    rules, matcher, matters = read_rules(tables, known, lists or {})
    whole = json.dumps([_SEMANTICS, matters], sort_keys=True, default=str)
    digest = blake2b(whole.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return RuleSet(rules, matcher, digest, known.own_signals)
