"""What reading costs, and what platforms let us keep of what we read."""

import json

import sqlalchemy as sa
from alembic import op

from monitor.model import parse_id_prefix

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "spendings",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("spent", sa.Double(), nullable=False),
        sa.Column("n_polls", sa.Integer(), nullable=False),
        sa.Column("n_new", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("account", "source_id", "starts_at"),
    )
    op.create_index("spendings_ended", "spendings", ["ends_at"], unique=False)
    op.add_column("comments", sa.Column("refreshed_at", sa.BigInteger(), nullable=True))
    op.add_column("comments", sa.Column("forget_at", sa.BigInteger(), nullable=True))
    op.add_column("comments", sa.Column("remains", sa.Text(), server_default="", nullable=False))
    op.create_index(
        "comments_forget",
        "comments",
        ["forget_at"],
        unique=False,
        sqlite_where=sa.text("forget_at IS NOT NULL"),
        postgresql_where=sa.text("forget_at IS NOT NULL"),
    )
    op.create_index("revisions_replaced", "revisions", ["brand", "replaced_at", "comment_id"], unique=False)
    _create_quotes()


def _create_quotes() -> None:
    quotes = op.create_table(
        "quotes",
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("notice_id", sa.BigInteger(), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("brand", "notice_id", "thread_id"),
    )
    op.create_index("quotes_thread", "quotes", ["brand", "thread_id", "notice_id"], unique=False)
    op.create_index("quotes_source", "quotes", ["source_id", "created_at"], unique=False)
    # What was told before quotes, too. Notices are kept for 90 days: there are thousands, not millions.
    found = op.get_bind().execute(sa.text("SELECT brand, id, created_at, payload FROM notices")).all()
    rows = {
        (brand, notice_id, parse_id_prefix(told["thread_id"])[0]): (told["source_id"], created_at)
        for brand, notice_id, created_at, payload in found
        for told in json.loads(payload)["threads"]
    }
    names = ("brand", "notice_id", "thread_id", "source_id", "created_at")
    if rows:
        op.bulk_insert(quotes, [dict(zip(names, (*key, *rest), strict=True)) for key, rest in rows.items()])
