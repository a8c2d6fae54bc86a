"""Markdown tables for reports."""

Rows = list[list[str]]


def markdown_table(rows: Rows) -> list[str]:
    """Format rows as the lines of a Markdown table; the first row is the head.

    The first column is aligned to the left, the others to the right.

    >>> from slr_keras.metrics.markdown import markdown_table
    >>> print(*markdown_table([["run", "WER %"], ["a|b", "12.5"]]), sep="\\n")
    | run | WER % |
    | --- | ---: |
    | a\\|b | 12.5 |
    """
    head, *body = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    ruler = ["---"] + ["---:"] * (len(head) - 1)
    return ["| " + " | ".join(row) + " |" for row in (head, ruler, *body)]
