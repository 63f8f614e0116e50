"""The buttons below a message, for the chats that have them: each stands for words that people could type as well.

What a press carries is the id of the alert and which button it was: whether the person may do it is asked of our own
settings when it arrives, whatever the message says.
"""

from dataclasses import dataclass

from monitor.channels import render
from monitor.model import Notice


@dataclass(frozen=True, slots=True)
class Button:
    """`act` is its name in a chat's own call; `words` say the same as a command, with the alert's id for {alert}."""

    act: str
    label: str
    words: str
    of_threads: bool = False  # of no use where an alert has none: heedful's own troubles

    def command(self, alert: str) -> str:
        """What a person would type instead."""
        return self.words.format(alert=alert)


ACKNOWLEDGE = Button("ack", "Acknowledge", "ack {alert}")
SHOW = Button("show", "Show thread", "show {alert}", of_threads=True)
BUTTONS = (
    ACKNOWLEDGE,
    Button("snooze_hour", "Snooze 1 h", "snooze {alert} 1h"),
    Button("snooze_tomorrow", "Snooze until tomorrow", "snooze {alert} tomorrow"),
    Button("assign", "Assign to me", "assign {alert}"),
    Button("wrong", "Wrong flag", "wrong {alert}", of_threads=True),
    Button("close", "Close", "close {alert}"),
    SHOW,
)
BY_ACT = {button.act: button for button in BUTTONS}


def offered(notice: Notice) -> tuple[Button, ...]:
    """The buttons that are of use as the alert stands; none below a digest, which is about no alert."""
    if not notice.alert_id:
        return ()
    if render.is_resolved(notice):
        return (SHOW,) if notice.n_threads else ()
    return tuple(
        button
        for button in BUTTONS
        if (notice.n_threads or not button.of_threads) and (notice.status == "open" or button is not ACKNOWLEDGE)
    )
