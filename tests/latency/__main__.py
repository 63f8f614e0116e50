"""From a comment's becoming visible to the webhook: python -m tests.latency [--rate 50] [--seconds 60]."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from monitor import log
from tests.crash.databases import store
from tests.latency.running import Wanted, run


def main() -> int:
    parser = ArgumentParser(prog="python -m tests.latency", description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="comments a second")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--pages", type=int, default=1, help="sources over which they are spread")
    parser.add_argument("--told", type=float, default=1.0, help="the share of them that is an alert of its own")
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    log.start("console", level="warning")
    wanted = Wanted(given.rate, given.seconds, given.pages, given.told)
    with TemporaryDirectory() as name, store(given.database, Path(name)) as url:
        outcome = run(Path(name), url, wanted, on_progress=lambda says: sys.stderr.write(f"{says}\n"))
    for line in outcome.stages.lines:
        print(line)  # noqa: T201 - what a person ran it for
    gaps = sorted(outcome.poll_gaps_s)
    print(f"between two polls: median {median(gaps):.3f} s, most {gaps[-1]:.3f} s")  # noqa: T201
    print(f"the forum was {outcome.late_s:.3f} s behind its rate at worst")  # noqa: T201
    print(outcome.last_line())  # noqa: T201
    return bool(outcome.n_lost)


if __name__ == "__main__":
    sys.exit(main())
