"""Basics of the commands: parser, common options, one-line errors and exit codes."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from slr_keras.utils.errors import UserError
from slr_keras.utils.invocation import as_started, program
from slr_keras.utils.option_values import (
    between,
    fraction,
    frame_rate,
    image_size,
    positive,
    seed,
)
from slr_keras.utils.quiet import hush_libraries
from slr_keras.utils.unicode import show_any_text
from slr_keras.utils.working_folder import DISK_FULL

USER_MISTAKE = 2
INTERRUPTED = 130


def run(
    main: Callable[[list[str] | None], int | None], arguments: list[str] | None = None
) -> NoReturn:
    """Run a command's `main` and leave the process with its exit code.

    A `UserError`, or an operating-system error that the user can correct (no such file, disk full),
    becomes one line on standard error and exit code 2; Ctrl-C gives exit code 130.
    """
    hush_libraries()
    show_any_text()
    try:
        code = main(arguments) or 0
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {as_started(str(error))}", file=sys.stderr)
        code = USER_MISTAKE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = INTERRUPTED
    except BrokenPipeError:
        # The reader of the output (head, less) has ended: not an error.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if error.errno is None:
            raise
        remedy = DISK_FULL.get(error.errno)
        hint = f"; {remedy} and run the same command again" if remedy else ""
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror}{hint}", file=sys.stderr)
        code = USER_MISTAKE
    sys.exit(code)


class CommandParser(argparse.ArgumentParser):
    """An argument parser with the options that several commands share."""

    def format_help(self) -> str:
        """The help text, with commands as this program was started."""
        return as_started(super().format_help())

    def add_json(self, instead_of: str = "text") -> None:
        """Add `--json`."""
        self.add_argument("--json", action="store_true", help=f"print JSON instead of {instead_of}")

    def add_seed(self, choices: str = "every random choice") -> None:
        """Add `--seed`, a whole number."""
        text = f"seed of {choices} (default: 0)"
        self.add_argument("--seed", type=seed, default=0, metavar="N", help=text)

    def add_split(self) -> None:
        """Add `--split`, by name, for commands that accept a data folder."""
        self.add_argument("--split", default="test", help="split of a data folder (default: test)")

    def add_limit(self, condition: str = "") -> None:
        """Add `--limit`, a number of clips; `condition` is a prefix such as "with --report: "."""
        self.add_argument(
            "--limit",
            type=positive,
            metavar="N",
            help=f"{condition}process only the first N clips (default: all clips)",
        )

    def add_data(self) -> None:
        """Add `--data`, which replaces the data folder of a recipe."""
        self.add_argument(
            "--data", metavar="FOLDER", help="data folder to use instead of the recipe's"
        )

    def add_overrides(self, key: str = "SECTION.KEY", what: str = "a key of the recipe") -> None:
        """Add `--set`, which overrides keys of a recipe."""
        self.add_argument(
            "--set",
            metavar=f"{key}=VALUE",
            action="append",
            default=[],
            help=f"override {what}; VALUE is YAML; may be repeated",
        )

    def add_run_folder(self) -> None:
        """Add the positional CONFIG and the options `--to` and `--set` of the training commands."""
        self.add_argument("config", metavar="CONFIG", help="recipe (file or name)")
        self.add_argument(
            "--to", metavar="RUN", help="run folder to write (default: runs/<name of CONFIG>)"
        )
        self.add_overrides()

    def add_turn(self) -> None:
        """Add `--turn`, an angle by which all clips are turned for a test of robustness."""
        self.add_argument(
            "--turn",
            type=between(0, 90, "degrees"),
            default=0.0,
            metavar="DEGREES",
            help="robustness: score the clips also with the body turned about the vertical axis by "
            "+DEGREES and by -DEGREES, and report what that costs; exact where the keypoints have "
            "z, otherwise an approximation that shortens x by the cosine (default: 0)",
        )

    def add_workers(self, what: str) -> None:
        """Add `--workers`, by default one for each processor core."""
        self.add_argument(
            "--workers",
            type=positive,
            default=os.cpu_count() or 1,
            metavar="N",
            help=f"number of {what} processed in parallel (default: the number of cores)",
        )

    def add_points(self) -> None:
        """Add `--layout` and `--fps`, which replace what clip files say."""
        self.add_argument(
            "--layout",
            metavar="NAME",
            help="keypoint layout of the clips, such as stark_79 (default: the model's)",
        )
        self.add_argument(
            "--fps",
            type=frame_rate,
            metavar="F",
            help="frame rate of the clips in frames per second (default: as the files say)",
        )

    def add_image_size(self) -> None:
        """Add `--image-size`, the extent of x and y."""
        self.add_argument(
            "--image-size",
            type=image_size,
            metavar="WxH",
            help="width and height of the video in the units of x and y, such as 1280x720 or 1x1 "
            "(default: the model's)",
        )

    def add_enrolled(self) -> None:
        """Add `--accept` and `--encoder`, for models that `slr enrol` wrote."""
        self.add_argument(
            "--accept",
            type=fraction,
            metavar="RATE",
            help="enrolled signs: fraction of clips of other signs that may be accepted; the "
            "others are <unknown> (default: 0.05)",
        )
        self.add_argument(
            "--encoder",
            metavar="NAME",
            help="enrolled signs: name or folder of their encoder (default: as the file says)",
        )

    def add_recognition(self) -> None:
        """Add the options of commands that recognise clips and write glosses."""
        add = self.add_argument
        add(
            "--format",
            choices=("text", "json", "vtt", "srt", "eaf"),
            default="text",
            help="output format (default: text)",
        )
        add("--to", metavar="FILE", help="output file (default: standard output)")
        add(
            "--times",
            action="store_true",
            help="with --format text: also print a table of times and confidences",
        )
        self.add_split()
        self.add_limit()
        self.add_points()
        add(
            "--beam",
            type=positive,
            metavar="N",
            help="beam width of the decoder (default: the run's)",
        )


def command_parser(module: str, docstring: str | None, examples: str) -> CommandParser:
    """Build the parser of a command.

    Args:
        module: full name of the command's module; a module run with `-m` is named `__main__`, so
            that `__name__` does not serve. A subcommand follows after a space.
        docstring: of the module, which `--help` shows above the options.
        examples: text that `--help` shows below the options, with an example at least.

    >>> from slr_keras.utils.command import command_parser
    >>> parser = command_parser("slr_keras.predict", "Recognise glosses.", "example: ...")
    >>> parser.add_json()
    >>> parser.prog, parser.parse_args(["--json"]).json
    ('python -m slr_keras predict', True)
    """
    return CommandParser(
        prog=f"{program()} {module.rpartition('.')[2]}",
        description=docstring,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def require_suffix(option: str, path: str | Path, suffix: str) -> Path:
    """The path of a file to write, whose suffix names its format.

    Raises:
        UserError: the path has another suffix.
    """
    if Path(path).suffix != suffix:
        raise UserError(f"{option} {path}: the format is {suffix[1:]}; name a {suffix} file")
    return Path(path)


def print_first(lines: Sequence[str], limit: int) -> None:
    """Print the first lines to standard error, and how many more there are."""
    for line in lines[:limit]:
        print(line, file=sys.stderr)
    if len(lines) > limit:
        print(f"... and {len(lines) - limit} more", file=sys.stderr)
