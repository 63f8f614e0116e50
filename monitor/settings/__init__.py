"""The configuration: what a TOML file says, validated, with every fault named at once."""

from monitor.settings.brands import BrandSettings
from monitor.settings.loading import Available, Settings, load_settings
from monitor.settings.sources import AccountSettings, ChannelConfig, SourceSettings
from monitor.settings.tables import DaemonSettings, DatabaseSettings, WebSettings

__all__ = [
    "AccountSettings",
    "Available",
    "BrandSettings",
    "ChannelConfig",
    "DaemonSettings",
    "DatabaseSettings",
    "Settings",
    "SourceSettings",
    "WebSettings",
    "load_settings",
]
