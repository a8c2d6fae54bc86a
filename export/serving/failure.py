"""Errors of the server: a status code, and a message without internals of the machine."""

import re

# HTTP status of each gRPC code, as TensorFlow Serving maps them.
HTTP_STATUS = {
    "CANCELLED": 499,
    "UNKNOWN": 500,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 401,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 412,
    "UNIMPLEMENTED": 501,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
}
_PATH = re.compile(r"(?<![\w:/.])(?:~|[A-Za-z]:)?(?:[/\\][\w.@+~-]+){2,}[/\\]?")
_NODE = re.compile(r"\s*(?:\[\[)?\{\{[^{}]*\}\}(?:\]\])?\s*")
_SOURCE = ('File "', "Detected at node", "<stack traces unavailable>")
_LONGEST = 500


class ServingError(Exception):
    """A request whose response is an error.

    Args:
        code: a name of a gRPC status code, a key of `HTTP_STATUS`.
        message: what was wrong and what to do; told to the client as it is.
        http_status: of the answer over REST, if not the one of the code.

    >>> from export.serving.failure import ServingError
    >>> error = ServingError("RESOURCE_EXHAUSTED", "the queue is full; try again later")
    >>> error.http_status, str(error)
    (429, 'the queue is full; try again later')
    """

    def __init__(self, code: str, message: str, http_status: int | None = None):
        # A message can repeat what a client sent, and gRPC sends no status beyond 8 KiB.
        super().__init__(message if len(message) <= _LONGEST else f"{message[:_LONGEST]}...")
        self.code = code
        self.http_status = http_status or HTTP_STATUS[code]


def public(text: str) -> str:
    """The part of an error's text for clients: the first line, without paths and graph nodes.

    >>> from export.serving.failure import public
    >>> public("{{node decode}} Invalid JPEG in /srv/models/a/1\\n\\t [[{{node x}}]]")
    'Invalid JPEG in (a file of the server)'
    >>> public('Graph execution error:\\n\\nDetected at node a:\\n  File "a.py", line 1\\n\\nbad')
    'bad'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if lines and lines[0].startswith("Graph execution error"):
        # The traceback of the graph's construction precedes the message.
        source = [row for row, line in enumerate(lines) if line.startswith(_SOURCE)]
        lines = lines[max(source, default=0) + 1 :]
    if len(lines) > 1 and "root error(s) found" in lines[0]:
        lines = [re.sub(r"^\(0\)\s*", "", lines[1]), *lines[2:]]
    message = next((line for line in (_NODE.sub(" ", line).strip() for line in lines) if line), "")
    return _PATH.sub("(a file of the server)", message)[:_LONGEST]


def of_tensorflow(error: Exception) -> ServingError:
    """The error of a response for an error of TensorFlow in a model.

    Refusals of the graph are errors of the client; other errors appear in the log of the server.
    """
    import tensorflow as tf

    refusals = (tf.errors.InvalidArgumentError, tf.errors.OutOfRangeError, ValueError, TypeError)
    text = getattr(error, "message", None) or str(error)
    if isinstance(error, refusals):
        return ServingError("INVALID_ARGUMENT", f"the model refuses the request: {public(text)}")
    if isinstance(error, tf.errors.ResourceExhaustedError | MemoryError):
        return ServingError("RESOURCE_EXHAUSTED", "no memory for this request; send fewer clips")
    return ServingError("INTERNAL", "the model failed; see the log of the server")
