"""Renewing the leases of rows that are still being worked on."""

from datetime import datetime

from sqlalchemy import Connection

from monitor.store.due import Claim
from monitor.store.engine import mark
from monitor.store.instants import to_us


def renew(connection: Connection, queue: str, claimed: Claim, ends_at: datetime, until: datetime) -> bool:
    """Let the claim of a source or a delivery, whose lease ends at `ends_at`, last until then; whether it still held.

    A row that was released or taken over meanwhile does not become due at `ends_at`, and is left alone.
    """
    one, times = mark(connection), [to_us(until)]
    changes = f"due_at = {one}"
    if queue == "sources":
        changes += f", claimed_until = {one}"
        times *= 2
    statement = (
        f"UPDATE {queue} SET {changes} WHERE brand = {one} AND id = {one} AND claim_no = {one} AND due_at = {one}"  # noqa: S608 - our own names
    )
    values = (*times, claimed.brand, claimed.id, claimed.claim_no, to_us(ends_at))
    return connection.exec_driver_sql(statement, values).rowcount == 1
