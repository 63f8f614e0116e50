"""Links in our own posts, and our posts by source."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index(
        "comments_posts",
        "comments",
        ["brand", "source_id", "created_at"],
        unique=False,
        sqlite_where=sa.text("kind = 'post'"),
        postgresql_where=sa.text("kind = 'post'"),
    )
    op.create_table(
        "links",
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("thread_id", sa.BigInteger(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("is_dead", sa.Boolean(), nullable=True),
        sa.Column("says", sa.Text(), server_default="", nullable=False),
        sa.Column("n_failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("claim_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("brand", "id"),
    )
    op.create_index("links_thread", "links", ["brand", "thread_id"], unique=False)
    op.create_index(
        "links_due",
        "links",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
