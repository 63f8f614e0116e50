"""What each source sent lately, so that an unchanged comment costs a hash instead of a validation and a query.

Only a short cut: the store compares again whatever passes. Entries are forgotten after an hour, because another
host may have changed the row meanwhile.
"""

import marshal
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from time import monotonic
from typing import Any

from monitor.model import StoredComment
from monitor.store.due import Claim

MOST = 100_000  # raws in all, about 15 MiB; whole sources are forgotten, those longest unread first
MOST_OF_A_SOURCE = 20_000
MOST_FRESH = 2_000  # threads, a few MiB; the assessor is seldom more than a page behind
FORGET_AFTER_S = 3_600.0


def fingerprint(raw: Any) -> int:
    """64 bits that change with any change of a raw comment. Version 2 of marshal is free of references."""
    try:
        said = marshal.dumps(raw, 2)
    except ValueError:  # a connector of the user's own may hand us objects
        said = repr(raw).encode("utf-8", "replace")
    return int.from_bytes(blake2b(said, digest_size=8).digest(), "big")


class Fresh:
    """Comments that were just stored, by thread, so that their first assessment need not read them back.

    They are the whole thread exactly if it was touched once and claimed once since: then its fencing number is 1.
    """

    def __init__(self) -> None:
        self._threads: OrderedDict[tuple[str, int], Sequence[StoredComment]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, brand: str, stored: Mapping[int, Sequence[StoredComment]]) -> None:
        """These comments were committed as the first of these threads."""
        with self._lock:
            for thread_id, comments in stored.items():
                self._threads[brand, thread_id] = comments
            while len(self._threads) > MOST_FRESH:
                self._threads.popitem(last=False)

    def take(self, claims: Sequence[Claim]) -> dict[int, list[StoredComment]]:
        """The comments of those claimed threads of which nothing else can have been stored; each is given once."""
        with self._lock:
            found = {claimed: self._threads.pop(claimed.key, None) for claimed in claims} if self._threads else {}
        return {claimed.id: list(held) for claimed, held in found.items() if held and claimed.claim_no == 1}


class Memory:
    """The fingerprints of stored raws by source. Threads may use it side by side."""

    def __init__(self) -> None:
        self.fresh = Fresh()
        self._sources: OrderedDict[str, _Seen] = OrderedDict()
        self._n = 0
        self._lock = threading.Lock()

    def unknown(self, source_id: str, raws: Sequence[Any]) -> list[tuple[int, Any]]:
        """Those raws that differ from what is remembered, each with its fingerprint."""
        marked = [(fingerprint(raw), raw) for raw in raws]
        with self._lock:
            seen = self._sources.get(source_id)
            if seen is None or monotonic() - seen.since > FORGET_AFTER_S:
                return marked
            known = seen.marks
            return [(mark, raw) for mark, raw in marked if mark not in known]

    def remember(self, source_id: str, stored: Sequence[tuple[int, str]]) -> None:
        """These fingerprints are now what the store holds of these native ids."""
        if not stored:
            return
        with self._lock:
            seen = self._take_out(source_id)
            if monotonic() - seen.since > FORGET_AFTER_S or len(seen.marks) > MOST_OF_A_SOURCE:
                seen = _Seen()
            for mark, native_id in stored:
                seen.put(mark, native_id)
            self._sources[source_id] = seen
            self._n += len(seen.marks)
            while self._n > MOST and len(self._sources) > 1:
                self._n -= len(self._sources.popitem(last=False)[1].marks)

    def forget(self, source_id: str) -> None:
        """Something of this source was changed otherwise (a deletion): compare everything again."""
        with self._lock:
            self._take_out(source_id)

    def _take_out(self, source_id: str) -> "_Seen":
        seen = self._sources.pop(source_id, None)
        if seen is None:
            return _Seen()
        self._n -= len(seen.marks)
        return seen


class _Seen:
    """One source's fingerprints: an older version of a comment is forgotten, since a return to it is an edit."""

    __slots__ = ("latest", "marks", "since")

    def __init__(self) -> None:
        self.since = monotonic()
        self.marks: set[int] = set()
        self.latest: dict[int, int] = {}  # by a hash of the native id: its present fingerprint

    def put(self, mark: int, native_id: str) -> None:
        key = hash(native_id)
        older = self.latest.get(key)
        if older is not None and older != mark:
            self.marks.discard(older)
        self.latest[key] = mark
        self.marks.add(mark)
