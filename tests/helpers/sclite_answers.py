"""Ask NIST sclite 2.4 for its counts of random sentences with mark-up, and keep the answers.

sclite is part of SCTK; on Debian: apt-get install sctk. Then:

    python tests/helpers/sclite_answers.py /usr/lib/sctk/bin/sclite
"""

import gzip
import json
import random
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ANSWERS = Path(__file__).parents[1] / "metrics" / "sclite_answers.json.gz"
CASES = {"trn-trn": 700, "stm-ctm": 500, "ctm-ctm": 300}
IGNORE = "IGNORE_TIME_SEGMENT_IN_SCORING"
WORDS = ("A", "B", "C", "D", "EE", "b", "IN/AUF", "F-", "(G)", "*")


def word(rng: random.Random, text: bool) -> str:
    """A word, sometimes with a star or, in text, a tag; sometimes the null word."""
    chance = rng.random()
    if chance < 0.08:
        return "@"
    plain = rng.choice(WORDS)
    if chance < 0.2 and plain != "*":
        return plain + "*"
    return plain + ";t1;t2" if text and chance < 0.25 else plain


def sentence(rng: random.Random, length: int, depth: int = 2) -> str:
    """Words and alternations as TRN and STM write them."""
    parts = []
    for _ in range(length):
        if depth and rng.random() < 0.3:
            alternatives = [
                sentence(rng, rng.randint(1, 3), depth - 1).replace("IN/AUF", "D")
                for _ in range(rng.randint(1, 3))
            ]
            if rng.random() < 0.3:
                alternatives.append("@")
            if rng.random() < 0.1:
                alternatives.append("")
            rng.shuffle(alternatives)
            if not alternatives[0]:
                alternatives.reverse()
            space = rng.choice((" ", " ", ""))
            inside = f"{space}/{space}".join(alternatives)
            parts.append(f"{{{space}{inside}{space}}}")
        else:
            parts.append(word(rng, True))
    return " ".join(parts)


def spoken(rng: random.Random, length: int) -> list[str]:
    """Words and alternations of a CTM file, one to a line."""
    words = []
    for _ in range(length):
        if rng.random() < 0.2:
            words.append("<ALT_BEGIN>")
            alternatives = rng.randint(2, 3)
            for number in range(alternatives):
                words += ["<ALT>"] * (number > 0)
                # An empty alternative is no word; it stands last.
                last = number == alternatives - 1
                words += [word(rng, False) for _ in range(rng.randint(not last, 2))]
            words.append("<alt_end>" if rng.random() < 0.2 else "<ALT_END>")
        else:
            words.append(word(rng, False))
    return words


def ctm_lines(name: str, words: list[str]) -> list[str]:
    """The lines of a clip, a word a second."""
    return [
        f"{name} 1 * * {text}" if text.lower().startswith("<alt") else f"{name} 1 {start} 1 {text}"
        for start, text in enumerate(words)
    ]


def lines_of(format: str, name: str, content: str | list[str]) -> list[str]:
    """The lines of one sentence in a format; the name is the signer of an STM line, too."""
    if format == "trn":
        return [f"{content} ({name}-0)"]
    if format == "stm":
        return [f"{name} 1 {name} 0 99999 {content}"]
    return ctm_lines(name, content)


def make_case(rng: random.Random, formats: str) -> tuple[str | list[str], str | list[str]]:
    """Reference and hypothesis; where both are alike in form, often nearly the same words."""
    reference_format, hypothesis_format = formats.split("-")
    if reference_format == "ctm":
        reference = spoken(rng, rng.randint(1, 7))
    else:
        reference = sentence(rng, rng.randint(1, 7))
        if reference_format == "stm" and rng.random() < 0.05:
            reference = rng.choice((IGNORE, IGNORE.lower(), f"<O> {IGNORE.title()}"))
    if hypothesis_format == "ctm":
        return reference, spoken(rng, rng.randint(1, 9))
    return reference, sentence(rng, rng.randint(1, 9), rng.choice((0, 0, 1, 2)))


def ask(sclite: str, formats: str, cases: list) -> list[list[int] | None]:
    """sclite's numbers of correct, substituted, deleted and inserted words; None where ignored."""
    forms = formats.split("-")
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, name) for name in ("reference", "hypothesis")]
        for side, (path, form) in enumerate(zip(paths, forms)):
            lines = [
                line
                for number, case in enumerate(cases)
                for line in lines_of(form, f"c{number:04d}", case[side])
            ]
            path.write_text("\n".join(lines) + "\n")
        command = [sclite, "-r", str(paths[0]), forms[0], "-h", str(paths[1]), forms[1]]
        command += ["-i", "spu_id", "-o", "pra", "stdout"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    counts = dict(
        re.findall(r"id: \((c\d+)-.*\)\n(?:File.*\nChannel.*\n)?Scores: \(.*?\) (.*)", output)
    )
    return [
        [int(count) for count in counts[name].split()] if name in counts else None
        for name in (f"c{number:04d}" for number in range(len(cases)))
    ]


def main(sclite: str) -> None:
    """Write the fixture."""
    rng = random.Random(24)
    answers = {}
    for formats, number in CASES.items():
        cases = [make_case(rng, formats) for _ in range(number)]
        answers[formats] = [
            [*case, counts] for case, counts in zip(cases, ask(sclite, formats, cases))
        ]
    data = json.dumps(answers, separators=(",", ":")).encode()
    ANSWERS.write_bytes(gzip.compress(data, mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
