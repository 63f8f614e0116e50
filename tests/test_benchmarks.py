"""`make bench` works and leaves no key out; how fast anything is, is never asserted here."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures import KEYS

ROOT = Path(__file__).resolve().parents[1]
DEMANDED = {
    "pipeline_ratio_to_raw": 0.25,
    "pipeline_comments_per_cpu_s": 8_000,
    "reread_speedup": 10,
    "backlog_1m_over_10k": 1.5,
    "sweep_idle_ms": 1,
    "idle_10k_sources_core_share": 0.03,
    "alert_latency_p99_ms": 250,
    "cli_backlog_over_bare_sqlalchemy_import": 2,
    "daemon_rss_mib": 110,
    "vs_vader_pipeline": None,
}


def _bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300)


def test_every_demanded_figure_has_its_bar() -> None:
    assert {name: KEYS[name].bar for name in DEMANDED} == DEMANDED
    assert all(bool(key.good) == (key.bar is not None) for key in KEYS.values())


def test_a_bar_is_met_on_its_good_side() -> None:
    most, least = KEYS["reread_speedup"], KEYS["daemon_rss_mib"]
    assert (most.is_met(10), most.is_met(9.9)) == (True, False)
    assert (least.is_met(110), least.is_met(110.1)) == (True, False)
    assert KEYS["vs_vader_pipeline"].is_met(0.1) is None


def test_the_manual_explains_every_key() -> None:
    manual = (ROOT / "benchmarks" / "README.md").read_text()
    assert [name for name in KEYS if f"`{name}`" not in manual] == []


def test_a_name_that_is_none_is_refused() -> None:
    refused = _bench("--only", "pipelime")
    assert refused.returncode == 2
    assert "pipelime" in refused.stderr


@pytest.mark.slow
def test_a_quick_run_gives_every_key_with_how_it_was_measured(tmp_path: Path) -> None:
    latest = ROOT / "benchmarks" / "latest.json"
    before = latest.read_bytes() if latest.exists() else None
    ran = _bench("--quick", "--output", str(tmp_path / "quick.json"))
    assert ran.returncode == 0, ran.stderr
    report = json.loads((tmp_path / "quick.json").read_text())
    assert report["keys"].keys() == KEYS.keys()
    for name, found in report["keys"].items():
        assert math.isfinite(found["value"]), name
        assert found["value"] >= 0, name
        assert found["is_met"] is KEYS[name].is_met(found["value"]), name
        assert len(found["how"].split()) > 8, name
        assert name in ran.stdout
    assert {"cpu", "cores", "python", "sqlite", "postgres", "load_average_at_start"} <= report["machine"].keys()
    assert (latest.read_bytes() if latest.exists() else None) == before, "a quick run must not replace the figures"
