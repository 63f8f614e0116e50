"""The user's own signals, and the model that is asked for second opinions."""

import json
import re
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from importlib import import_module

from monitor import log
from monitor.core.nearest import nearest
from monitor.core.truth import Known, signal_names
from monitor.settings.reading import Raw, Reading
from monitor.settings.tables import SecondOpinionSettings
from monitor.signals import REGISTRY
from monitor.signals.own import Own, Report

_log = log.get()

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(minutes=5)


def read_own_signals(reading: Reading, raw: Raw) -> dict[str, Own]:
    """Each [signals.<name>] table as a signal: its class, called with the table's other keys."""
    found = {}
    report = _reporter()
    for name, table in reading.table(raw, "signals").items():
        key = f"signals.{name}"
        if not isinstance(table, dict):
            reading.refuse(key, "must be a table")
        elif not _NAME.fullmatch(name):
            reading.refuse(key, "a signal's name is made of small letters, digits and _, at most 40")
        elif name in REGISTRY:
            reading.refuse(key, "is the name of one of heedful's signals; choose another")
        elif signal := _build(reading, name, table, report):
            found[name] = signal
    return found


def _build(reading: Reading, name: str, table: Raw, report: Report) -> Own | None:
    use, key = table.get("use"), f"signals.{name}"
    module, _, attribute = use.partition(":") if isinstance(use, str) else ("", "", "")
    if not module or not attribute:
        reading.refuse(f"{key}.use", 'must name a class as "package.module:Class"')
        return None
    settings = {setting: value for setting, value in table.items() if setting != "use"}
    said = json.dumps([use, settings], sort_keys=True, default=str)
    mark = blake2b(said.encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
    try:
        made = getattr(import_module(module), attribute)(**settings)
        return Own(name, made, mark, report)
    except ValueError as error:
        reading.refuse(key, str(error))
    except Exception as error:  # it is somebody else's code: whatever it raises is a fault of the configuration
        reading.refuse(key, f"{use} cannot be made: {type(error).__name__}: {error}")
    return None


def _reporter() -> Report:
    """Logs when a signal begins to fail and when it measures again."""
    outages = log.Outages()

    def report(name: str, says: str) -> None:
        now = datetime.now(UTC)
        if says:
            if outages.lost(name, now):
                _log.warning("signal.lost", signal=name, says=says)
        elif since := outages.back(name, now):
            _log.info("signal.recovered", signal=name, n_failures=since["n_failures"], lost_s=since["lost_s"])

    return report


def read_second_opinion(reading: Reading, raw: Raw, known: Known) -> SecondOpinionSettings | None:
    """The [second_opinion] table; None where there is none, or it is refused."""
    if "second_opinion" not in raw:
        return None
    found = reading.read(SecondOpinionSettings, reading.table(raw, "second_opinion"), "second_opinion")
    if found is None:
        return None
    names = signal_names(known)
    for name in found.signals:
        if name not in names:
            reading.refuse("second_opinion.signals", f'there is no signal "{name}"{nearest(name, names)}')
    if not found.base_url.startswith(("http://", "https://")):
        reading.refuse("second_opinion.base_url", 'must begin with "http://" or "https://"')
    if not _SHORTEST <= found.timeout <= _LONGEST:
        reading.refuse("second_opinion.timeout", "must be from one second to five minutes")
    return found
