from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shop import Shop


@pytest.fixture
def shop(tmp_path: Path, sqlite_template: bytes) -> Iterator[Shop]:
    """A shop whose store is there and empty."""
    (tmp_path / "shop.db").write_bytes(sqlite_template)
    return Shop(tmp_path)
