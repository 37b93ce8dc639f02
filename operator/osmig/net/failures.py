"""What a request came to when no answer to it can be read; a driver's classify maps these, and answers.

    Exception
    ├ NotSentError              nothing left; the request may be sent again
    │ ├ PermitExpiredError
    │ ├ ConnectionReplacedError
    │ └ endpoints.EndpointRefusedError
    ├ NoAnswerError             no whole answer came; `osmig.net.answers.Call.has_left` says whether anything left
    │ ├ TooLongError
    │ ├ UnwantedFormError
    │ └ NoMemoryError
    └ UnpermittedRequestError   a programming error, expected by nobody

A request that failed before anything left had no effect. Of one that left without an answer nobody knows.
"""

from __future__ import annotations


class NotSentError(Exception):
    """Something on this side forbade the request; nothing was sent."""


class PermitExpiredError(NotSentError):
    """The right to send ran out before the first byte left."""


class ConnectionReplacedError(NotSentError):
    """The connection was closed while the request waited for its turn."""


class NoAnswerError(Exception):
    """No whole answer came; the text is a sentence that is safe to show.

    Attributes:
        is_timeout: it was waited for long enough.
    """

    def __init__(self, sentence: str, *, is_timeout: bool = False) -> None:
        """Keep the sentence."""
        super().__init__(sentence)
        self.sentence = sentence
        self.is_timeout = is_timeout


class TooLongError(NoAnswerError):
    """The answer is longer than what is read of any: asked again at once, it would be as long."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("The endpoint's answer is too long")


class UnwantedFormError(NoAnswerError):
    """The answer has a form that was not asked for: it is compressed, or nested beyond all that is known."""


class NoMemoryError(NoAnswerError):
    """The large answers of all Providers together left no room for this one in time."""

    def __init__(self) -> None:
        """Say so."""
        text = "The endpoint's answer is large, and other large answers filled what there is for them"
        super().__init__(text, is_timeout=True)


class TooManyRowsError(Exception):
    """A list has more rows than were asked for, or than are kept.

    Attributes:
        bound: that it exceeds, such as ``1000 rows``.
    """

    def __init__(self, max_rows: int) -> None:
        """Keep the bound."""
        super().__init__(f"a list has more than {max_rows} rows")
        self.bound = f"{max_rows} rows"


class UnpermittedRequestError(RuntimeError):
    """A request that changes something was made without a permit: a programming error."""


FAILURES = (NotSentError, NoAnswerError)
"""Everything that a request may raise because of what the other side, or the clock, did."""
