"""Reminders that decay, ladders, digests, messages that are kept current, rotas and answers from chat."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for name in ("n_repeats", "step", "n_reopened"):
        op.add_column("alerts", sa.Column(name, sa.Integer(), server_default=sa.text("0"), nullable=False))
    for name in ("why", "shown"):
        op.add_column("alerts", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("alerts", sa.Column("unowned_since", sa.BigInteger(), nullable=True))
    op.execute("UPDATE alerts SET unowned_since = last_told_at WHERE status = 'open' AND n_told > 0")
    for name in ("person", "message_ref"):
        op.add_column("deliveries", sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.add_column("deliveries", sa.Column("is_edit", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_index("deliveries_notice", "deliveries", ["brand", "notice_id"], unique=False)
    op.create_index("deliveries_told", "deliveries", ["channel", "created_at"], unique=False)
    _create_indexes()
    _create_tables()


def _create_indexes() -> None:
    past, crises = sa.text("resolved_at IS NOT NULL"), sa.text("severity = 'crisis' AND resolved_at IS NULL")
    columns = ["brand", "group_key", "resolved_at"]
    op.create_index("alerts_past", "alerts", columns, unique=False, sqlite_where=past, postgresql_where=past)
    op.create_index("alerts_crises", "alerts", ["brand"], unique=False, sqlite_where=crises, postgresql_where=crises)


def _create_tables() -> None:
    op.create_table(
        "held",
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), server_default="", nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("held_notice", "held", ["brand", "notice_id"], unique=False)
    waiting = sa.text("released_at IS NULL")
    op.create_index(
        "held_waiting",
        "held",
        ["brand", "channel", "person"],
        unique=False,
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_table(
        "digests",
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("last_told_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    is_due = sa.text("due_at IS NOT NULL")
    op.create_index("digests_due", "digests", ["due_at"], unique=False, sqlite_where=is_due, postgresql_where=is_due)
    op.create_table(
        "rotas",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("fetched_at", sa.BigInteger(), nullable=True),
        sa.Column("calendar", sa.Text(), server_default="", nullable=False),
        sa.Column("last_error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "steps",
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("brand", "alert_id", "number"),
    )
    op.create_table(
        "chat_calls",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("chat_calls_seen", "chat_calls", ["seen_at"], unique=False)
