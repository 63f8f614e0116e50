"""A simulated month of a busy brand: python -m tests.simulate [--days 30] [--comments 60000]."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from monitor import log
from tests.simulate.account import reckon
from tests.simulate.month import begun


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--comments", type=int, default=60_000)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    log.start("console", level="critical")
    started = monotonic()
    with TemporaryDirectory() as name, begun(Path(name), given.days, given.comments, given.seed) as run:
        run.work()
        account = reckon(run)
    for line in account.lines:
        print(line)  # noqa: T201 - what a person ran it for
    for line in account.wrong[:30]:
        print(f"WRONG: {line}")  # noqa: T201
    print(f"{given.days} days in {monotonic() - started:.0f} s; people did {run.n_acts:,} things in chat")  # noqa: T201
    print(account.last_line())  # noqa: T201
    return bool(account.lost or account.doubled)


if __name__ == "__main__":
    sys.exit(main())
