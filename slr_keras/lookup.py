"""Look a sign up by example: the entries of a dictionary that are nearest to a clip."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from slr_keras.utils.command import CommandParser, command_parser, print_first, require_suffix, run
from slr_keras.utils.option_values import positive

if TYPE_CHECKING:
    from slr_keras.dictionary.answering import Answer
    from slr_keras.dictionary.dictionary import Dictionary
    from slr_keras.dictionary.encoding import Encoder
    from slr_keras.dictionary.files import Names
    from slr_keras.utils.failures import Failures

LISTED = 10

EXAMPLE = """\
A dictionary is a folder with a file for each entry: .pose files, landmarks (.npy, or .npz with the
array `keypoints`), or videos, in which MediaPipe finds the keypoints once. The name of the
sub-folder that holds a file is its gloss; a file directly in FOLDER has its own name. A table has
the columns file (path inside FOLDER) and gloss; files that it does not name keep their names.

The first call encodes all files and writes an index (FOLDER.index). Later calls encode only files
that are new or have changed. The similarity is a cosine: 1 for the same movement. Clips and their
mirror images are compared, so that the signing hand does not matter.

A file that cannot be read is reported after the answers; the exit code is then 2.

examples:
  slr lookup clip.mp4 --dictionary signs
  slr lookup clip.mp4 --dictionary signs --names signs.csv --top 10 --page answer.html
  slr lookup clips --dictionary signs --format json --to answers.json
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    options = build_parser().parse_args(arguments)
    from slr_keras.data.layout import layout
    from slr_keras.dictionary.answering import answered
    from slr_keras.dictionary.encoding import open_encoder
    from slr_keras.dictionary.files import Names
    from slr_keras.recognition.find_clips import find_clips
    from slr_keras.recognition.modality.base import Overrides

    if options.page:
        require_suffix("--page", options.page, ".html")
    names = Names.of(options.names)
    encoder = open_encoder(options.encoder)
    overrides = Overrides(
        layout(options.layout) if options.layout else None,
        options.fps,
        options.image_size,
        Path(options.cache) if options.cache else None,
    )
    # A wrong name is reported before minutes are spent on the dictionary.
    clips = find_clips(options.inputs, encoder.contract, options.split, overrides)
    dictionary = _opened(options, encoder, names)
    answers, failures = answered(
        clips[: options.limit], dictionary, overrides, options.top, progress=True
    )
    _write(options, answers, dictionary, failures)
    return max(found.report(listed=LISTED) for found in (dictionary.failures, failures))


def build_parser() -> CommandParser:
    """The command's options."""
    parser = command_parser("slr_keras.lookup", __doc__, EXAMPLE)
    add = parser.add_argument
    add("inputs", nargs="+", metavar="INPUT", help="clip, manifest, data folder or folder of clips")
    add("--dictionary", required=True, metavar="FOLDER", help="folder of the entries, see below")
    add(
        "--names",
        default="folder",
        metavar="folder|file|TABLE",
        help="where the glosses come from: the names of sub-folders, the names of files, or a "
        "table (default: folder)",
    )
    add("--top", type=positive, default=5, metavar="K", help="entries to list (default: 5)")
    add("--page", metavar="FILE", help="also write a page with drawings of the entries (.html)")
    add(
        "--format",
        choices=("text", "json"),
        default="text",
        help="output format (default: text)",
    )
    add("--to", metavar="FILE", help="output file (default: standard output)")
    add(
        "--index",
        metavar="FILE",
        help="file of the index (default: FOLDER.index, beside the folder)",
    )
    add(
        "--encoder",
        default="sign-encoder",
        metavar="NAME",
        help="name or folder of the sign encoder (default: sign-encoder)",
    )
    parser.add_split()
    parser.add_limit()
    parser.add_points()
    parser.add_image_size()
    add(
        "--dictionary-layout",
        metavar="NAME",
        help="keypoint layout of the dictionary's files (default: the files', or the encoder's)",
    )
    add(
        "--cache",
        metavar="FOLDER",
        help="store the keypoints found in videos here and use them again (default: not stored)",
    )
    return parser


def _opened(options: argparse.Namespace, encoder: "Encoder", names: "Names") -> "Dictionary":
    from slr_keras.data.layout import layout
    from slr_keras.dictionary.dictionary import Dictionary

    dictionary = Dictionary.open(
        options.dictionary,
        encoder,
        names,
        options.index,
        layout(options.dictionary_layout) if options.dictionary_layout else None,
        Path(options.cache) if options.cache else None,
        progress=True,
    )
    if dictionary.notice:
        print(f"notice: {dictionary.notice}", file=sys.stderr)
    if dictionary.encoded:
        new = f"{dictionary.encoded} of {len(dictionary)} entries encoded"
        print(f"{dictionary.index}: {new}", file=sys.stderr)
    return dictionary


def _write(
    options: argparse.Namespace,
    answers: "list[Answer]",
    dictionary: "Dictionary",
    failures: "Failures",
) -> None:
    """Write the answers and the page."""
    from slr_keras.dictionary.formats import to_json, to_text
    from slr_keras.dictionary.page import write_page
    from slr_keras.utils.files import write_text

    if options.format == "json":
        text = to_json(answers, dictionary, failures)
    else:
        text = "\n".join(map(to_text, answers))
    if options.to:
        write_text(options.to, text)
    else:
        sys.stdout.write(text)
    if options.page and answers:
        write_page(Path(options.page), answers, dictionary)
    notices = [f"notice: {notice}" for answer in answers for notice in answer.notices]
    print_first(notices, LISTED)


if __name__ == "__main__":
    run(main)
