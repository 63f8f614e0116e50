"""A signal of the user's own: beside ours when it works, harmless when it does not."""

from datetime import UTC, datetime
from math import inf, nan
from typing import Any

import pytest

from monitor import signals
from monitor.model import Author, Comment
from monitor.signals.own import Own
from tests.own_signals import Failing, Loyal, Mood, Percent, Versionless

AT = datetime(2026, 3, 2, tzinfo=UTC)
TEXTS = [Comment(str(n), "comment", text, Author("kim", "Kim"), AT) for n, text in enumerate(["I always come", "Hi"])]


class Heard(list[tuple[str, str]]):
    def __call__(self, name: str, says: str) -> None:
        self.append((name, says))


@pytest.fixture
def heard() -> Heard:
    Failing.is_broken = True
    return Heard()


def test_it_is_measured_beside_ours(heard: Heard) -> None:
    own = {"loyal": Own("loyal", Loyal(), "abc", heard)}
    ours, measured = signals.measure(TEXTS), signals.measure(TEXTS, own)
    assert [found["loyal"] for found in measured] == [0.9, 0.1]
    assert [{n: v for n, v in found.items() if n != "loyal"} for found in measured] == ours
    assert signals.explain("loyal", TEXTS[0], own) == ("always",)
    assert heard == [("loyal", "")]


def test_the_stored_version_names_it_with_its_settings(heard: Heard) -> None:
    versions = {
        signals.version(own)
        for own in (
            {},
            {"loyal": Own("loyal", Loyal(), "abc", heard)},
            {"loyal": Own("loyal", Loyal(), "def", heard)},
            {"other": Own("other", Loyal(), "abc", heard)},
        )
    }
    assert len(versions) == 4
    assert f"{signals.VERSION},loyal=2.abc" in versions


@pytest.mark.parametrize("how", ["raise", "exit", "few", "many", "nothing"])
def test_what_fails_as_a_whole_is_not_measured_and_everything_else_is(how: str, heard: Heard) -> None:
    own = {"failing": Own("failing", Failing(how), "abc", heard), "loyal": Own("loyal", Loyal(), "abc", heard)}
    measured = signals.measure(TEXTS, own)
    assert [found["failing"] for found in measured] == [None, None]
    assert [found["loyal"] for found in measured] == [0.9, 0.1]
    assert all(isinstance(found["angry"], float) for found in measured)
    (_, says), (_, fine) = heard
    assert says
    assert fine == ""
    assert "always" not in says  # it may quote a customer: where it happened is said, and what kind of error


@pytest.mark.parametrize("value", [nan, inf, -0.1, 1.1, 10**400, "0.5", b"x", [0.5], 1j])
def test_a_value_that_is_none_is_not_measured(value: Any, heard: Heard) -> None:
    own = Own("failing", Failing(value), "abc", heard)
    assert [found["failing"] for found in signals.measure(TEXTS, {"failing": own})] == [None, None]
    assert heard[0][1]


@pytest.mark.parametrize("value", [0, 1, 0.5, True])
def test_numbers_of_any_kind_are_taken(value: Any, heard: Heard) -> None:
    own = Own("failing", Failing(value), "abc", heard)
    measured = [found["failing"] for found in signals.measure(TEXTS, {"failing": own})]
    assert measured == [float(value)] * 2
    assert all(type(one) is float for one in measured)


def test_it_may_say_that_it_cannot_tell(heard: Heard) -> None:
    signals.measure(TEXTS, {"failing": Own("failing", Failing(None), "abc", heard)})
    assert heard == [("failing", "")]


def test_its_values_may_be_names(heard: Heard) -> None:
    found = signals.measure(TEXTS, {"mood": Own("mood", Mood(), "abc", heard)})
    assert found[0]["mood"] == "cheerful"


def test_an_explanation_that_fails_is_none(heard: Heard) -> None:
    own = {"failing": Own("failing", Failing(), "abc", heard)}
    assert signals.explain("failing", TEXTS[0], own) == ()


@pytest.mark.parametrize(
    ("theirs", "says"),
    [(Percent(), "range"), (Versionless(), "version"), (object(), "no version and no range and no measure")],
)
def test_what_is_no_signal_is_refused(theirs: object, says: str, heard: Heard) -> None:
    with pytest.raises(ValueError, match=says):
        Own("loyal", theirs, "abc", heard)
