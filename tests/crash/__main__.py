"""Kill daemons by the hundred: python -m tests.crash --kills 100 --database postgres."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns

from monitor import log
from tests.crash.databases import store
from tests.crash.killing import kill_daemons


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seed", type=int, default=time_ns() % 1_000_000)
    given = parser.parse_args()
    log.start("console", level="warning")
    with TemporaryDirectory() as name, store(given.database, Path(name)) as url:
        outcome = kill_daemons(url, Path(name), given.kills, given.seed)
    for line in outcome.wrong[:30]:
        print(f"  wrong: {line}")  # noqa: T201 - what a person ran it for
    print(f"seed {given.seed} · {outcome}")  # noqa: T201
    return bool(outcome.wrong)


if __name__ == "__main__":
    sys.exit(main())
