"""The one base of every refusal: what a person is told when something may not be done."""


class PilotError(Exception):
    """A refusal with its reason, in the words of the person who asked (Chinese).

    Nothing has been changed when it is raised. `str(error)` is the whole message.
    """

    #: True where the same request may succeed later without being altered.
    try_again: bool = False
