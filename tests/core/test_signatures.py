"""Signatures: what was signed is known, and whatever was changed by a single byte is not."""

import hmac
from base64 import b64encode
from hashlib import sha1, sha256

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.core.signatures import Signature, is_same, is_signed, sign, unguessable

HOW = {
    "meta": Signature("X-Hub-Signature-256"),
    "x": Signature("x-twitter-webhooks-signature", encoding="base64"),
    "websub": Signature("X-Hub-Signature", prefix="sha1=", algorithm="sha1"),
}
SECRET = "a-secret-of-the-app"
hows = st.sampled_from(list(HOW.values()))


def test_signatures_are_spelt_as_each_platform_spells_them() -> None:
    key, body = SECRET.encode(), b'{"object":"page"}'
    assert sign(HOW["meta"], SECRET, body) == "sha256=" + hmac.new(key, body, sha256).hexdigest()
    assert sign(HOW["x"], SECRET, body) == "sha256=" + b64encode(hmac.new(key, body, sha256).digest()).decode()
    assert sign(HOW["websub"], SECRET, body) == "sha1=" + hmac.new(key, body, sha1).hexdigest()


@given(hows, st.binary(max_size=300), st.text(min_size=1, max_size=40))
def test_what_was_signed_is_known(how: Signature, body: bytes, secret: str) -> None:
    assert is_signed(how, [secret], body, sign(how, secret, body))
    assert is_signed(how, ["another", secret], body, sign(how, secret, body))


@given(hows, st.binary(min_size=1, max_size=200), st.integers(0), st.integers(1, 255))
def test_a_body_with_any_byte_changed_is_refused(how: Signature, body: bytes, place: int, change: int) -> None:
    changed = bytearray(body)
    changed[place % len(body)] ^= change
    assert not is_signed(how, [SECRET], bytes(changed), sign(how, SECRET, body))
    assert not is_signed(how, [SECRET], body + b"\n", sign(how, SECRET, body))
    assert not is_signed(how, [SECRET], body[:-1], sign(how, SECRET, body))


@given(hows, st.integers(0), st.characters())
def test_a_signature_with_any_character_changed_is_refused(how: Signature, place: int, instead: str) -> None:
    right = sign(how, SECRET, b"{}")
    place %= len(right)
    changed = right[:place] + instead + right[place + 1 :]
    assert is_signed(how, [SECRET], b"{}", changed) == (changed == right)
    assert not is_signed(how, [SECRET], b"{}", right[:place])
    assert not is_signed(how, [SECRET], b"{}", right + instead)


@given(hows, st.text() | st.none(), st.binary())
@example(HOW["meta"], "sha256=\ud800", b"")
def test_whatever_else_is_sent_is_refused_and_raises_nothing(how: Signature, given_: str | None, body: bytes) -> None:
    assert not is_signed(how, [SECRET], body, given_)


@given(hows, st.binary())
def test_an_empty_secret_signs_nothing(how: Signature, body: bytes) -> None:
    assert not is_signed(how, [""], body, sign(how, "", body))
    assert not is_signed(how, [], body, sign(how, "", body))


@pytest.mark.parametrize(("given_", "is_it"), [("abc", True), ("abd", False), ("", False), ("abcd", False)])
def test_secrets_are_the_same_or_not(given_: str, is_it: bool) -> None:
    assert is_same("abc", given_) == is_it


def test_nothing_is_the_same_as_no_secret() -> None:
    assert not is_same("", "")


def test_an_unguessable_path_is_another_for_each_purpose_and_each_secret() -> None:
    paths = {unguessable(secret, purpose) for secret in ("a", "b") for purpose in ("push shop", "push other")}
    assert len(paths) == 4
    assert all(len(path) == 40 for path in paths)
    assert unguessable("a", "push shop") in paths
