"""Voices together: never weaker than the strongest, stronger with each that agrees, whatever their order."""

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.together import FLOOR, corroborated

VOICES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(VOICES)
def test_together_is_never_below_the_strongest_voice_and_never_above_one(voices: list[float]) -> None:
    assert max(voices) <= corroborated(voices) <= 1


@given(VOICES, st.floats(0, 1))
def test_a_further_voice_never_makes_it_less_likely(voices: list[float], further: float) -> None:
    assert corroborated([*voices, further]) >= corroborated(voices) - 1e-9


@given(VOICES, st.randoms())
def test_the_order_of_the_voices_does_not_matter(voices: list[float], chance: object) -> None:
    shuffled = list(voices)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert corroborated(shuffled) == corroborated(voices)


@given(st.integers(1, 500))
def test_however_many_people_hardly_say_so_it_stays_unlikely(n: int) -> None:
    assert corroborated([FLOOR] * n) < 0.5


def test_nobody_says_nothing() -> None:
    assert corroborated([]) == 0
