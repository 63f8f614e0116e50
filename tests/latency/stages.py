"""Where the time went, as the store remembers it: said, stored, decided, sent."""

from dataclasses import dataclass
from itertools import pairwise
from statistics import median, quantiles

from sqlalchemy import text

from monitor.store.engine import open_engine, reading

_STATEMENT = text(
    "SELECT c.created_at, c.seen_at, n.created_at, d.sent_at FROM comments c"
    " JOIN flags f ON f.brand = c.brand AND f.thread_id = c.thread_id"
    " JOIN notices n ON n.brand = f.brand AND n.alert_id = f.alert_id AND n.reason = 'first'"
    " JOIN deliveries d ON d.brand = n.brand AND d.notice_id = n.id WHERE d.sent_at IS NOT NULL"
)
NAMES = ("said to stored", "stored to decided", "decided to sent")


@dataclass(frozen=True, slots=True)
class Stages:
    """Seconds of each stage of each comment that was told."""

    seconds: dict[str, list[float]]

    @property
    def lines(self) -> list[str]:
        return [
            f"{name}: median {median(each):.3f} s, 99 % {quantiles(each, n=100, method='inclusive')[98]:.3f} s,"
            f" most {max(each):.3f} s"
            for name, each in self.seconds.items()
            if len(each) > 1
        ]


def read_stages(database: str) -> Stages:
    """The stages of everything that was told, from the instants that the daemon wrote down."""
    engine = open_engine(database)
    with reading(engine) as connection:
        rows = connection.execute(_STATEMENT).all()
    engine.dispose()
    spans = [[(after - before) / 1e6 for before, after in pairwise(row)] for row in rows]
    return Stages({name: [span[place] for span in spans] for place, name in enumerate(NAMES)})
