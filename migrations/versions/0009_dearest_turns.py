"""What the dearest turn of a source cost: another one like it must fit into the budget, too."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("spendings", sa.Column("dearest", sa.Double(), server_default=sa.text("0"), nullable=False))
