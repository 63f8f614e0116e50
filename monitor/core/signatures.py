"""Signatures under what platforms send us: an HMAC over the raw body, in a header, in each platform's own spelling."""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal


@dataclass(frozen=True, slots=True)
class Signature:
    """How a platform signs: the header that holds the signature, what stands before it, and how it is made."""

    header: str
    prefix: str = "sha256="
    algorithm: Literal["sha256", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"


def sign(how: Signature, secret: str, body: bytes) -> str:
    """What the header must hold for this body."""
    digest = hmac.new(secret.encode(), body, how.algorithm).digest()
    return how.prefix + (digest.hex() if how.encoding == "hex" else b64encode(digest).decode("ascii"))


def is_signed(how: Signature, secrets: Sequence[str], body: bytes, given: str | None) -> bool:
    """Whether `given` is what one of the secrets makes of the body, in a time that tells nothing about how nearly.

    Several secrets: while one is being replaced by another both are good. An empty secret signs nothing.
    """
    found = [is_same(sign(how, secret, body), given or "") for secret in secrets if secret]
    return any(found)


def is_same(expected: str, given: str) -> bool:
    """Whether two secrets are equal, in constant time and whatever characters were sent; "" equals nothing."""
    is_equal = hmac.compare_digest(expected.encode("utf-8", "surrogatepass"), given.encode("utf-8", "surrogatepass"))
    return is_equal and bool(expected)


def press(secret: str, act: str, alert: str) -> str:
    """What a button of an alert carries in a chat that signs nothing: nobody else can make a press of it."""
    return hmac.new(secret.encode(), f"press\0{act}\0{alert}".encode("utf-8", "surrogatepass"), sha256).hexdigest()


def unguessable(secret: str, purpose: str) -> str:
    """A part of an address that only who knows the secret can name; the same each time, another for each purpose."""
    return hmac.new(secret.encode(), purpose.encode(), sha256).hexdigest()[:40]
