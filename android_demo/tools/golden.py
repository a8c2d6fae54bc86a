"""Golden vectors of the Android demo's recognition: what Python makes of small inputs.

    python android_demo/tools/golden.py              # write the vectors
    python android_demo/tools/golden.py --to DIR     # elsewhere, to compare
    python android_demo/tools/golden.py --model      # first make the little model anew

They lie in android_demo/core/src/test/resources/golden, and `core` must give the same. Numbers that
JSON does not have are written as texts: "nan", "inf", "-inf"; arrays of float32 as base64.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where the project is not installed, it is the one that this file belongs to.
sys.path[:0] = [str(Path(__file__).resolve().parent), str(ROOT)]

GOLDEN = ROOT / "android_demo" / "core" / "src" / "test" / "resources" / "golden"


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--to", metavar="DIR", type=Path, default=GOLDEN, help="where to write")
    parser.add_argument("--model", action="store_true", help="make the model anew (a minute)")
    options = parser.parse_args(arguments)
    if options.model:
        from golden_model import write_bundle

        write_bundle(GOLDEN / "bundle")
    options.to.mkdir(parents=True, exist_ok=True)
    for path in write_vectors(GOLDEN / "bundle", options.to):
        print(f"{path} ({path.stat().st_size:,} bytes)")
    return 0


def write_vectors(bundle: Path, to: Path) -> list[Path]:
    """Write all files; gives their paths."""
    import golden_parts as parts
    import golden_recognition as whole
    from golden_values import plain

    vectors = {
        "landmarks": [parts.landmarks(*case) for case in parts.LANDMARKS],
        "rates": [parts.rates(seed) for seed in range(6)],
        "endpoints": [parts.endpoints(config) for config in parts.ENDPOINTS],
        "decoding": [parts.decoding(n, **case) for n, case in enumerate(parts.DECODING)],
        "streams": [whole.stream(n, **case) for n, case in enumerate(whole.STREAMS)],
        "model": whole.model_stream(bundle),
    }
    paths = []
    for name, value in vectors.items():
        paths.append(to / f"{name}.json")
        text = json.dumps(plain(value), separators=(",", ":"), allow_nan=False)
        paths[-1].write_text(text.replace('},{"', '},\n{"') + "\n")
    return paths


if __name__ == "__main__":
    sys.exit(main())
