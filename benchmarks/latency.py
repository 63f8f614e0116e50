"""How soon people are told: from a platform's answer in hand to the chat target's 200."""

import base64
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

from benchmarks import daemon
from benchmarks.figures import Measured

CONFIG = """
[channels.chat]
kind = "webhook"
url = "http://127.0.0.1:{chat_port}/alerts"
secret = "{secret}"
allow_private = true
budget_per_hour = 0
budget_per_day = 0
[alerts]
group_wait = "0s"
[sources.shop]
brand = "bakery"
connector = "benchmarks.memory:Stream"
every = "1m"
n = {n}
pause = {pause}
"""
_STAMP = re.compile(rb"returned_ns=(\d+)")
PATIENCE_S = 120.0


class Receiver:
    """A webhook's target that notes how old each alert was when it had answered."""

    def __init__(self) -> None:
        self.ages_ms: list[float] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()
                receiver.note(body, time.monotonic_ns())

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def note(self, body: bytes, now_ns: int) -> None:
        self.ages_ms += [(now_ns - int(stamp)) / 1e6 for stamp in _STAMP.findall(body)]


@contextmanager
def _receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()


def measure(quick: bool) -> Measured:
    n, pause = (20, 0.05) if quick else (300, 0.1)
    with TemporaryDirectory(prefix="heedful-bench-") as name, _receiving() as receiver:
        port = daemon.free_port()
        config = Path(name) / "heedful.toml"
        secret = "whsec_" + base64.b64encode(b"a key for the benchmark, 32 byte").decode()
        values = {"chat_port": receiver.server.server_port, "secret": secret, "n": n, "pause": pause}
        config.write_text(daemon.HEAD.format(port=port) + CONFIG.format(**values))
        with daemon.running(config, port):
            deadline = time.monotonic() + PATIENCE_S
            while len(receiver.ages_ms) < n and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(0.5)
    ages = receiver.ages_ms
    if len(ages) < n:
        raise RuntimeError(f"only {len(ages)} of {n} alerts arrived")
    percent = quantiles(ages, n=100, method="inclusive")
    return Measured(
        {"alert_latency_p99_ms": percent[98], "alert_latency_p50_ms": percent[49]},
        {"alerts": len(ages), "max_ms": round(max(ages), 1), "min_ms": round(min(ages), 1)},
    )
