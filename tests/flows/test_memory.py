from hypothesis import given
from hypothesis import strategies as st

from monitor.flows import memory
from monitor.flows.memory import Memory, fingerprint

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(JSON, JSON)
def test_equal_raws_have_equal_fingerprints_and_others_differ(one: object, other: object) -> None:
    if repr(one) == repr(other):
        assert fingerprint(one) == fingerprint(other)
    else:
        assert fingerprint(one) != fingerprint(other)


def test_a_raw_of_the_users_own_objects_has_a_fingerprint_too() -> None:
    assert fingerprint({"at": range(3)}) != fingerprint({"at": range(4)})


def test_what_was_remembered_is_known_and_an_older_version_is_not() -> None:
    kept = Memory()
    old, new = {"id": 1, "text": "a"}, {"id": 1, "text": "b"}
    for version in (old, new):
        [(mark, _)] = kept.unknown("s", [version])
        kept.remember("s", [(mark, "1")])
    assert kept.unknown("s", [new]) == []
    assert [raw for _, raw in kept.unknown("s", [old])] == [old]
    assert kept.unknown("other", [new]) != []


def test_a_forgotten_source_is_compared_again() -> None:
    kept = Memory()
    kept.remember("s", [(mark, "1") for mark, _ in kept.unknown("s", ["x"])])
    kept.forget("s")
    assert kept.unknown("s", ["x"]) != []


def test_the_memory_is_bounded_and_the_longest_unread_source_goes_first() -> None:
    kept = Memory()
    size = memory.MOST_OF_A_SOURCE
    for number in range(memory.MOST // size + 1):
        raws = [number * size + n for n in range(size)]
        kept.remember(f"s{number}", [(mark, str(raw)) for mark, raw in kept.unknown(f"s{number}", raws)])
    assert kept.unknown("s0", [0]) != []
    assert kept.unknown("s1", [size]) == []
