"""What each source sent lately, so that an unchanged comment costs a hash instead of a validation and a query.

Only a short cut: the store compares again whatever passes. Entries are forgotten after an hour, because another
host may have changed the row meanwhile.
"""

import marshal
import threading
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from time import monotonic
from typing import Any

MAX_SOURCES = 2_000
MAX_PER_SOURCE = 2_000
FORGET_AFTER_S = 3_600.0


def fingerprint(raw: Any) -> bytes:
    """Eight bytes that change with any change of a raw comment. Version 2 of marshal is free of references."""
    try:
        return blake2b(marshal.dumps(raw, 2), digest_size=8).digest()
    except ValueError:  # a connector of the user's own may hand us objects
        return blake2b(repr(raw).encode("utf-8", "replace"), digest_size=8).digest()


class Memory:
    """The fingerprints of stored raws by source. Threads may use it side by side."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = threading.Lock()

    def unknown(self, source_id: str, raws: Sequence[Any]) -> list[tuple[bytes, Any]]:
        """Those raws that differ from what is remembered, each with its fingerprint."""
        marked = [(fingerprint(raw), raw) for raw in raws]
        with self._lock:
            seen = self._sources.get(source_id)
            if seen is None or monotonic() - seen.since > FORGET_AFTER_S:
                return marked
            return [(mark, raw) for mark, raw in marked if mark not in seen.owner]

    def remember(self, source_id: str, stored: Sequence[tuple[bytes, str]]) -> None:
        """These fingerprints are now what the store holds of these native ids."""
        with self._lock:
            seen = self._sources.pop(source_id, None)
            if seen is None or monotonic() - seen.since > FORGET_AFTER_S or len(seen.owner) > MAX_PER_SOURCE:
                seen = _Seen()
            self._sources[source_id] = seen
            while len(self._sources) > MAX_SOURCES:
                self._sources.popitem(last=False)
            for mark, native_id in stored:
                seen.put(mark, native_id)

    def forget(self, source_id: str) -> None:
        """Something of this source was changed otherwise (a deletion): compare everything again."""
        with self._lock:
            self._sources.pop(source_id, None)


class _Seen:
    """One source's fingerprints: an older version of a comment is forgotten, since a return to it is an edit."""

    __slots__ = ("latest", "owner", "since")

    def __init__(self) -> None:
        self.since = monotonic()
        self.owner: dict[bytes, str] = {}
        self.latest: dict[str, bytes] = {}

    def put(self, mark: bytes, native_id: str) -> None:
        older = self.latest.get(native_id)
        if older is not None and older != mark:
            self.owner.pop(older, None)
        self.latest[native_id] = mark
        self.owner[mark] = native_id
