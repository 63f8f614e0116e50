"""Conditions: what a rule can ask of an open comment and its thread. A new condition is one function here.

Each is made from its table in the rule file (`docs/rules.md` shows every one) and from nothing else. The
conditions on who wrote are in `writers`, that on many people under one post is in `people`.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

from monitor import signals
from monitor.core.cover_up import WHATS, Vanished
from monitor.core.facts import View
from monitor.core.instants import length_in_micros, micros
from monitor.core.matching import compile_pattern, matched_words
from monitor.core.opinions import second_opinion
from monitor.core.own_posts import CHECKS, PostFinding
from monitor.core.people import people
from monitor.core.together import together
from monitor.core.truth import (
    ALWAYS,
    MANY,
    NEVER,
    Asked,
    Condition,
    Found,
    Leaf,
    Truth,
    one_of,
    signal_names,
    version_of,
)
from monitor.core.writers import author_in, edited_after_reply, first_timer, followers, is_bot
from monitor.model import Reason, StoredComment
from monitor.signals.weights import KINDS as MISTAKE_KINDS

KINDS = ("comment", "mention", "review", "message", "post")


def kind(section: Asked) -> Condition:
    wanted = section.choices("kind", KINDS, "kind")
    leaf = Leaf("kind", f"is a {one_of(wanted)}", one_of(wanted))
    return leaf.about(
        lambda _, it: it.comment.kind in wanted, lambda _, it: Found(f"is a {it.comment.kind}", it.comment.kind)
    )


def platform(section: Asked) -> Condition:
    return _place("platform", section.choices("platform", section.context.known.platforms, "platform"), "on")


def source(section: Asked) -> Condition:
    return _place("source_id", section.choices("source", section.context.known.sources, "source"), "from the source")


def brand(section: Asked) -> Condition:
    return _place("brand", section.choices("brand", section.context.known.brands, "brand"), "to the brand")


def _place(attribute: str, wanted: tuple[str, ...], says: str) -> Condition:
    """A condition on where the thread is, which a post without comments can satisfy too."""
    name = attribute.removesuffix("_id")

    def reason(view: View) -> Reason:
        value = getattr(view.facts, attribute)
        about = view.comment.id if view.comment else None
        return Reason(name, f"{says} {value}", (), value, one_of(wanted), about)

    def test(view: View) -> Truth:
        return ALWAYS if getattr(view.facts, attribute) in wanted else NEVER

    return Condition(name, f"{says} {one_of(wanted)}", test, reason)


def language(section: Asked) -> Condition:
    wanted = frozenset(code.casefold() for code in section.texts("language"))

    def spoken(it: StoredComment) -> str:
        measured = it.signals.get("language")
        return it.comment.language or (measured if isinstance(measured, str) else "")

    def test(_: View, it: StoredComment) -> bool:
        code = spoken(it).casefold()
        return code in wanted or code.partition("-")[0] in wanted

    leaf = Leaf("language", f"is in {one_of(sorted(wanted))}", one_of(sorted(wanted)))
    return leaf.about(test, lambda _, it: Found(f"is in {spoken(it) or 'no language that we know'}", spoken(it)))


def mistake_kind(section: Asked) -> Condition:
    wanted = section.choices("mistake_kind", MISTAKE_KINDS, "kind of mistake")

    def test(_: View, it: StoredComment) -> bool:
        return it.signals.get("mistake_kind") in wanted

    def found(_: View, it: StoredComment) -> Found:
        kind, words = it.signals.get("mistake_kind") or "none", signals.explain("mistake", it.comment)
        return Found(f"mistake_kind {kind}", kind, words, version_of("mistake_kind", it), "mistake_kind")

    leaf = Leaf("mistake_kind", f"points out {one_of(wanted)}", one_of(wanted))
    return leaf.about(test, found)


def phrases(section: Asked) -> Condition:
    wanted = section.phrases()
    numbers = frozenset(wanted)

    def test(view: View) -> Truth:
        hits = view.hits()
        return ALWAYS if hits and not hits.isdisjoint(numbers) else NEVER

    def found(view: View, _: StoredComment) -> Found:
        words = tuple(wanted[number] for number in sorted(view.hits() & numbers))
        return Found(
            "says " + ", ".join(f"“{word}”" for word in words) if words else "says none of the phrases", None, words
        )

    some = list(wanted.values())
    says = "says " + one_of([f"“{phrase}”" for phrase in some[:3]]) + (f" or {len(some) - 3} more" * (len(some) > 3))
    return Leaf("phrases", says, cost=1, gate=numbers).directly(test, found)


def pattern(section: Asked) -> Condition:
    written = section.text("pattern")
    try:
        number = section.context.matcher.add_pattern(written)
    except ValueError as error:
        section.refuse("pattern", str(error))
    compiled = compile_pattern(written)

    def found(_: View, it: StoredComment) -> Found:
        words = matched_words(compiled, it.comment.text)
        return Found(f"matches: “{words}”" if words else "does not match", None, (words,) if words else ())

    leaf = Leaf("pattern", f"matches {written}", written, cost=1, gate=frozenset({number}))
    return leaf.about(lambda view, _: number in view.hits(), found)


def signal(section: Asked) -> Condition:
    known = section.context.known
    name = section.choice("signal", signal_names(known))
    if ("at_least" in section.table) == ("below" in section.table):
        section.refuse("signal", 'exactly one of "at_least" and "below" goes with it')
    is_least = "at_least" in section.table
    limit = section.number("at_least" if is_least else "below", 0, 1)

    def test(view: View) -> Truth:
        if view.comment is None:
            return NEVER
        value = view.comment.signals.get(name)
        if not isinstance(value, float):
            return NEVER
        return ALWAYS if (value >= limit) is is_least else NEVER

    def found(view: View, it: StoredComment) -> Found:
        value, raw = it.signals.get(name), view.facts.measured.get(it.id, it.signals).get(name)
        if not isinstance(value, float):
            return Found(f"{name} not measured ({wanted})", value, (), version_of(name, it), name)
        origin = f"calibrated from {raw:.2f} for this brand; " if isinstance(raw, float) and raw != value else ""
        version, words = version_of(name, it), signals.explain(name, it.comment, known.own_signals)
        said = second_opinion(version)
        theirs = f"; second opinion of {said[0]}: {said[1]}" if said else ""
        return Found(f"{name} {value:.2f} ({origin}{wanted}{theirs})", value, words, version, name)

    wanted = f"{'at least' if is_least else 'below'} {limit:g}"
    condition = Leaf("signal", f"{name} {wanted}", limit).directly(test, found)
    return replace(condition, reaches=(name, limit) if is_least else None, compares=((name, limit),))


def stars(section: Asked) -> Condition:
    is_most = "stars_at_most" in section.table
    key = "stars_at_most" if is_most else "stars_at_least"
    limit = section.number(key, 0, 10)

    def test(_: View, it: StoredComment) -> bool:
        given = it.comment.stars
        return given is not None and (given <= limit if is_most else given >= limit)

    def found(_: View, it: StoredComment) -> Found:
        return Found("no stars given" if it.comment.stars is None else f"{it.comment.stars:g} stars", it.comment.stars)

    return Leaf(key, f"at {'most' if is_most else 'least'} {limit:g} stars", limit).about(test, found)


def likes(section: Asked) -> Condition:
    least = section.number("likes_at_least", 0, MANY)
    return Leaf("likes_at_least", f"at least {least:,g} likes", least).about(
        lambda _, it: it.comment.n_likes >= least,
        lambda _, it: Found(f"{it.comment.n_likes:,} likes", it.comment.n_likes),
    )


def waiting(section: Asked) -> Condition:
    """How long its author has been waiting, in business hours unless the rule says otherwise."""
    length, text = section.duration("waiting"), section.text("waiting")
    micros_long = length_in_micros(length)
    is_business = section.choice("clock", ("business", "clock"), "business") == "business"

    def test(view: View, _: StoredComment) -> Truth:
        since = view.waiting_since()
        if since is None:
            return NEVER
        at = view.opening_time_after(since, length) if is_business else micros(since) + micros_long
        return ALWAYS if view.now_micros >= at else -at

    def found(view: View, _: StoredComment) -> Found:
        since = view.waiting_since()
        return Found(
            f"waiting since {since:%Y-%m-%d %H:%M} UTC" if since else "not waiting",
            since.isoformat() if since else None,
        )

    unit = f"{text} of business hours" if is_business else text
    return Leaf("waiting", f"has waited {unit}", text, cost=2).about(test, found)


def age(section: Asked) -> Condition:
    is_older = "older_than" in section.table
    key = "older_than" if is_older else "younger_than"
    micros_long, text = length_in_micros(section.duration(key)), section.text(key)

    def test(view: View, it: StoredComment) -> Truth:
        at = micros(it.comment.created_at) + micros_long
        if view.now_micros >= at:
            return ALWAYS if is_older else NEVER
        return -at if is_older else at

    def found(_: View, it: StoredComment) -> Found:
        written = it.comment.created_at
        return Found(f"written {written:%Y-%m-%d %H:%M} UTC", written.isoformat())

    return Leaf(key, f"is {key.replace('_', ' ')} {text}", text, cost=2).about(test, found)


def own_post(section: Asked) -> Condition:
    """What one of the checks of our own posts found."""
    wanted = frozenset(section.choices("own_post", tuple(CHECKS), "check"))

    def found(view: View) -> list[PostFinding]:
        findings = view.facts.post_findings.get(view.comment.id, ()) if view.comment else ()
        return [finding for finding in findings if finding.check in wanted]

    def reason(view: View) -> Reason:
        about = view.comment.id if view.comment else None
        findings = found(view)
        words = tuple(dict.fromkeys(word for finding in findings for word in finding.words))
        says = "; ".join(finding.says for finding in findings) or "nothing of the kind in this post of ours"
        return Reason("own_post", says, words, None, one_of(sorted(wanted)), about)

    says = f"is a post of ours with {one_of(sorted(wanted))}"
    return Condition(
        "own_post", says, lambda view: ALWAYS if found(view) else NEVER, reason, gate=frozenset(), is_about_us=True
    )


def vanished(section: Asked) -> Condition:
    """What is gone from under our posts, or a post of ours, that a second person should look at."""
    wanted = frozenset(section.choices("vanished", WHATS, "thing that vanished"))

    def found(view: View) -> Vanished | None:
        it = view.facts.vanished.get(view.comment.id) if view.comment else None
        return it if it is not None and it.what in wanted else None

    def reason(view: View) -> Reason:
        it, about = found(view), view.comment.id if view.comment else None
        says = it.says if it else "nothing is gone that somebody should look at"
        return Reason("vanished", says, (), None, one_of(sorted(wanted)), about)

    says = f"is a {one_of(sorted(wanted))} that has vanished"
    return Condition(
        "vanished", says, lambda view: ALWAYS if found(view) else NEVER, reason, gate=frozenset(), is_about_us=True
    )


CONDITIONS: Mapping[str, Callable[[Asked], Condition]] = {
    "kind": kind,
    "platform": platform,
    "source": source,
    "brand": brand,
    "language": language,
    "mistake_kind": mistake_kind,
    "author_in": author_in,
    "followers_at_least": followers,
    "is_bot": is_bot,
    "first_timer": first_timer,
    "edited_after_reply": edited_after_reply,
    "phrases": phrases,
    "pattern": pattern,
    "signal": signal,
    "stars_at_most": stars,
    "stars_at_least": stars,
    "likes_at_least": likes,
    "waiting": waiting,
    "older_than": age,
    "younger_than": age,
    "people": people,
    "together": together,
    "own_post": own_post,
    "vanished": vanished,
}
"""Each condition by the key that names it; other keys of its table belong to that one."""
