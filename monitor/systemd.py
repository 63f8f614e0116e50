"""Telling systemd how we are (Type=notify, WatchdogSec): one datagram to the socket that it names."""

import os
import socket


def notify(state: str) -> bool:
    """Send a state such as "READY=1" or "WATCHDOG=1"; whether there was anyone to tell."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return False
    if address.startswith("@"):
        address = f"\0{address[1:]}"  # an abstract socket
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(state.encode(), address)
    except OSError:
        return False  # systemd is not listening any more: nothing that we could do about it
    return True
