"""What the phrase groups are worth by our own judgement, set by hand before anything was trained.

Our positives are mostly our own writing, from which a regression learns too little trust in a phrase that customers do
use. So these weights are a second voice: what was learnt and they are summed, and calibrated together.
"""

from collections.abc import Mapping

Groups = Mapping[str, float]

BY_HAND: Mapping[str, Groups] = {
    "angry": {
        "angry.insult": 1.7,
        "angry.swear": 1.2,
        "angry.verdict": 1.7,
        "angry.reproach": 1.7,
        "angry.leaving": 1.4,
        "angry.sarcasm": 1.8,
        "angry.feeling": 1.3,
        "angry.hashtag": 1.6,
        "angry.trouble": 0.45,
        "angry.kind": -0.7,
        "angry.elsewhere": -1.6,
        "closing.solved": -0.8,
        "angry.threat": 2.4,
    },
    "needs_reply": {
        "needs_reply.ask": 1.3,
        "needs_reply.problem": 1.5,
        "needs_reply.case": 0.8,
        "needs_reply.sent": 1.6,
        "needs_reply.offtopic": -1.0,
        "angry.insult": 0.4,
        "angry.verdict": 0.5,
        "angry.reproach": 0.8,
        "angry.leaving": 0.6,
        "angry.sarcasm": 0.5,
        "angry.feeling": 0.6,
        "angry.elsewhere": -1.2,
        "mistake.link": 1.0,
        "mistake.wrong": 0.6,
        "mistake.contradiction": 0.6,
        "mistake.published": 0.3,
        "closing.thanks": -1.0,
        "closing.solved": -1.5,
        "closing.goodbye": -0.6,
        "closing.but": 0.5,
    },
    "closing": {
        "closing.thanks": 3.4,
        "closing.solved": 2.4,
        "closing.goodbye": 1.4,
        "closing.but": -0.9,
        "closing.ahead": -2.5,
        "angry.insult": -1.5,
        "angry.swear": -0.8,
        "angry.verdict": -1.5,
        "angry.reproach": -1.5,
        "angry.leaving": -1.5,
        "angry.sarcasm": -2.5,
        "angry.feeling": -1.0,
        "angry.hashtag": -1.5,
        "needs_reply.ask": -0.9,
        "needs_reply.problem": -0.7,
    },
    "mistake": {
        "mistake.link": 3.0,
        "mistake.wrong": 2.1,
        "mistake.date": 2.8,
        "mistake.typo": 2.7,
        "mistake.misleading": 2.6,
        "mistake.contradiction": 1.8,
        "mistake.hacked": 3.4,
        "mistake.offensive": 2.7,
        "mistake.accident": 2.6,
        "mistake.published": 0.8,
        "mistake.own": -3.0,
        "closing.thanks": -0.3,
    },
}
