"""Answers as a table and as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from slr_keras.dictionary.answering import Answer
from slr_keras.dictionary.dictionary import Dictionary
from slr_keras.utils.failures import Failures


def to_text(answer: Answer) -> str:
    """One table: the clip, then rank, similarity, gloss and file of each entry.

    >>> import numpy as np
    >>> from slr_keras.dictionary import Neighbour
    >>> from slr_keras.dictionary.formats import to_text
    >>> from slr_keras.dictionary.answering import Answer
    >>> entries = (Neighbour(1, "HELLO", 0.91, "hello.pose", 0),)
    >>> print(to_text(Answer("monday", "monday.mp4", np.empty((0, 0, 3)), entries)), end="")
    monday
    rank  gloss  similarity  file
       1  HELLO       0.910  hello.pose
    """
    width = max([5, *(len(entry.gloss) for entry in answer.nearest)])
    lines = [answer.id, f"rank  {'gloss':<{width}}  similarity  file"]
    lines += [
        f"{entry.rank:>4}  {entry.gloss:<{width}}  {entry.similarity:>10.3f}  {entry.file}"
        for entry in answer.nearest
    ]
    return "\n".join(lines) + "\n"


def to_json(answers: Sequence[Answer], dictionary: Dictionary, failures: Failures) -> str:
    """One JSON object: the dictionary, the answers, and what could not be read."""
    value: dict[str, Any] = {
        "dictionary": str(dictionary.folder),
        "entries": len(dictionary),
        "encoder": dictionary.encoder.digest,
        "clips": [
            {
                "id": answer.id,
                "source": answer.source,
                "nearest": [
                    {
                        "rank": entry.rank,
                        "gloss": entry.gloss,
                        "similarity": round(entry.similarity, 6),
                        "file": entry.file,
                    }
                    for entry in answer.nearest
                ],
            }
            for answer in answers
        ],
        "errors": [*dictionary.failures.as_json(), *failures.as_json()],
    }
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
