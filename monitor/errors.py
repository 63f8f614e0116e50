"""Everything that heedful raises on purpose, sorted by what to do next.

HeedfulError
├── ConfigError             stop at start (exit 2); say which key of which file, and why
│   └── ConfigErrors        several of them at once
├── RemoteError             a platform or a chat target did not do what we asked
│   ├── Unavailable         5xx, timeout, reset: later, with backoff
│   ├── RateLimited         429, quota used: the whole account or channel waits
│   ├── Unauthorized        401, 403, expired token: hold the account or channel, tell the operator
│   ├── Gone                404, 410: close the source, abandon the delivery
│   └── Malformed           an answer we cannot read: quarantine it and go on
├── ClaimLost               the lease ended or the facts moved: roll back; the row is due again
└── NotFound                what a person named does not exist: say so and name what does
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType


class HeedfulError(Exception):
    """The root of the tree; its text is fit to be shown to a person and holds no secret."""


class ConfigError(HeedfulError):
    """The configuration cannot be used; carries file, key and reason so that all can be shown at once."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        self.file, self.key, self.reason = file, key, reason
        super().__init__(f"{file}: {key}: {reason}" if key else f"{file}: {reason}")


class ConfigErrors(ConfigError):
    """Everything that is wrong with a configuration, one ConfigError for each; its text is one line for each."""

    SHOWN = 50

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__(errors[0].file, errors[0].key, errors[0].reason)
        self.errors = tuple(errors)
        more = [f"... and {len(errors) - self.SHOWN} more"] if len(errors) > self.SHOWN else []
        self.args = ("\n".join([*map(str, errors[: self.SHOWN]), *more]),)


class RemoteError(HeedfulError):
    """A platform or chat target failed us.

    `retry_at` (aware UTC) is what the other side asked for, if it did. `was_sent` is False only where it is
    certain that the request never took effect, so that a sender knows whether repeating it can double it.
    `payload` is how the answer began and `headers` its headers, where there was one: for connectors and quarantine,
    never for logs.
    """

    payload: str = ""
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self, message: str, *, retry_at: datetime | None = None, status: int | None = None, was_sent: bool = True
    ) -> None:
        super().__init__(message)
        self.retry_at, self.status, self.was_sent = retry_at, status, was_sent


class Unavailable(RemoteError):
    """The other side is down or slow: try later, with backoff."""


class RateLimited(RemoteError):
    """We asked too often: everything on this account or channel waits until `retry_at`. Not a failure."""


class Unauthorized(RemoteError):
    """Our credentials are refused: hold the account or channel and tell the operator what to renew."""


class Gone(RemoteError):
    """What we asked for no longer exists there."""


class Malformed(RemoteError):
    """The answer could not be read; `payload` is what came, cut to a size that can be kept in quarantine."""

    def __init__(self, message: str, *, payload: str = "", status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.payload = payload


class ClaimLost(HeedfulError):
    """Someone else took or changed the row since it was claimed: nothing was written."""


class NotFound(HeedfulError):
    """A person named something that heedful does not have."""
