"""The stages of a lane: which reply it awaits, what that one answers, and for how long."""

from enum import IntEnum

from app.mail import connection
from app.mail.connection import Relay
from app.mail.replies import Verb


class Stage(IntEnum):
    """Which reply is awaited. `granted`: none, the content is to follow; `lone_dot`: one that concerns no letter."""

    IDLE = 0
    RSET = 1
    MAIL = 2
    RCPT = 3
    DATA = 4
    GRANTED = 5
    CONTENT = 6
    LONE_DOT = 7
    QUIT = 8
    CLOSED = 9


VERBS = {Stage.RCPT: Verb.RCPT, Stage.DATA: Verb.DATA, Stage.GRANTED: Verb.DATA, Stage.CONTENT: Verb.CONTENT}


def timeouts(relay: Relay) -> dict[Stage, float]:
    """Return how long each reply is waited for; of a letter announced behind another, once that one is answered."""
    command_s = relay.command_timeout_s
    return {
        Stage.IDLE: connection.IDLE_MAX_S,
        Stage.RSET: command_s,
        Stage.MAIL: command_s,
        Stage.RCPT: command_s,
        Stage.DATA: min(command_s, connection.DATA_COMMAND_TIMEOUT_S),
        Stage.GRANTED: command_s,
        Stage.CONTENT: relay.data_timeout_s,
        Stage.LONE_DOT: relay.data_timeout_s,
        Stage.QUIT: connection.GOODBYE_TIMEOUT_S,
        Stage.CLOSED: 0.0,
    }
