"""What platforms have granted to our accounts."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "credentials",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("platform", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("refresh_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("scopes", sa.Text(), server_default="[]", nullable=False),
        sa.Column("granted_at", sa.BigInteger(), nullable=True),
        sa.Column("refreshed_at", sa.BigInteger(), nullable=True),
        sa.Column("refreshing_until", sa.BigInteger(), nullable=True),
        sa.Column("refresh_no", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("is_renewable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("warned_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("account"),
    )
