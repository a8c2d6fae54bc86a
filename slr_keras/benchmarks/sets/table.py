"""The sets of real signing, their folds, and what is measured on them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from slr_keras.benchmarks.sets.models import REFIT, Model, ablations, isolated, sentences

ACCURACY, WER = METRICS = ("accuracy", "wer")


@dataclass(frozen=True)
class Prepared:
    """A call of `slr prepare`.

    Attributes:
        dataset: name of the data set, or "compose".
        source: folder below the folder of raw sets; for "compose" unused.
        options: options of the data set.
        folders: for "compose": the prepared folders that sentences are composed of.
    """

    dataset: str
    source: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    folders: tuple["Prepared", ...] = ()


@dataclass(frozen=True)
class Fold:
    """One division of a set into train, dev and test.

    Attributes:
        name: of the fold, such as the signer that is left out.
        data: how its folder is prepared.
        split: the split that is scored.
    """

    name: str
    data: Prepared
    split: str = "test"


@dataclass(frozen=True)
class BenchSet:
    """A set, its folds, and what is measured on it.

    Attributes:
        name: on the command line.
        title: in the report.
        metric: "accuracy" or "wer".
        folds: scored together: clips of all folds count alike.
        models: trained with every seed.
        baselines: methods of `slr baseline`.
        turn: degrees of `evaluate --turn`; 0: the clips are not turned.
    """

    name: str
    title: str
    metric: str
    folds: tuple[Fold, ...]
    models: tuple[Model, ...]
    baselines: tuple[str, ...] = ()
    turn: float = 0.0


# === Folds ===

# Dev is the signer after the one that is left out, in this order.
_KINECT = ("S09", "S01", "S03", "S04", "S06", "S07", "S08")
_KINECT_DEV = {"S09": "S08", "S01": "S03", "S03": "S01", "S04": "S06", "S06": "S04", "S07": "S09"}
_KINECT_DEV |= {"S08": "S07"}
_KSL = ("s0", "s1", "s2", "s3")


def _kinect(signer: str, **options: Any) -> Fold:
    chosen = {"dev_signers": (_KINECT_DEV[signer],), "test_signers": (signer,), **options}
    return Fold(signer, Prepared("kinect_isl30", "kinect_isl30", chosen))


def _ksl(place: int) -> Fold:
    test, dev = _KSL[place], _KSL[(place + 1) % len(_KSL)]
    options = {"test_session": test, "dev_session": dev}
    return Fold(test, Prepared("ksl13", "ksl13", options))


def _boston(fold: int) -> Fold:
    data = Prepared("rwth_boston104", "rwth_boston104", {"fold": fold})
    return Fold(f"fold {fold}", data, split="dev")


def _traduttore(part: str) -> Fold:
    options = {"part": part, "dev_gap": 0.1}
    return Fold(part, Prepared("traduttore_asl", "traduttore_asl", options))


_LETTERS = ["b", "c", "e", "f", "g", "h", "j", "k", "l", "s", "t", "u", "v", "w", "x", "y", "z"]
_APART = {"dev_fraction": 0.15, "test_fraction": 0.15}
_ASL = Prepared(
    "compose",
    options={"rest_label": "-", "without": _LETTERS, "sentences": 200},
    folders=(
        Prepared("traduttore_asl", "traduttore_asl", _APART),
        Prepared("asl_signwish", "asl_signwish", _APART),
    ),
)


#: Every set in the order of the report.
SETS: Sequence[BenchSet] = (
    BenchSet(
        "kinect",
        "Kinect ISL, 30 signs, each of seven signers left out in turn",
        ACCURACY,
        tuple(_kinect(signer) for signer in _KINECT),
        isolated("sign_conv_kinect.yaml", REFIT, distil=False),
        ("svm", "dtw"),
    ),
    BenchSet(
        "ksl13",
        "KSL-13, each of four sessions left out in turn, recipe chosen with a whole session as dev",
        ACCURACY,
        tuple(_ksl(place) for place in range(len(_KSL))),
        isolated("sign_conv_ksl13.yaml", REFIT),
        ("svm", "dtw"),
    ),
    BenchSet(
        "traduttore_words",
        "Traduttore ASL words, last tenth of each word's recordings",
        ACCURACY,
        (_traduttore("words"),),
        isolated("sign_conv_traduttore.yaml"),
        ("svm", "dtw"),
    ),
    BenchSet(
        "traduttore_letters",
        "Traduttore ASL letters, hands alone, last tenth of each letter's recordings",
        ACCURACY,
        (_traduttore("letters"),),
        isolated("sign_conv_traduttore.yaml"),
        ("svm", "dtw"),
    ),
    BenchSet(
        "kinect_sentences",
        "Sentences composed of Kinect clips, signer S09",
        WER,
        (Fold("S09", Prepared("kinect_isl30", "kinect_isl30", {"form": "sentences"}), "dev"),),
        sentences("sign_conv_kinect_sentences.yaml"),
        ("dtw",),
    ),
    BenchSet(
        "kinect_sentences_signers",
        "Sentences composed of Kinect clips, each of seven signers left out in turn",
        WER,
        tuple(_kinect(signer, form="sentences") for signer in _KINECT),
        sentences("sign_conv_kinect_sentences.yaml"),
        turn=20.0,
    ),
    BenchSet(
        "boston",
        "RWTH-BOSTON-104, three points a frame, five folds",
        WER,
        tuple(_boston(fold) for fold in range(5)),
        sentences("sign_conv_boston.yaml"),
        ("dtw",),
    ),
    BenchSet(
        "asl_sentences",
        "ASL sentences composed of recordings and sessions kept apart, 24 words",
        WER,
        (Fold("all", _ASL),),
        (
            *sentences("sign_conv_asl_sentences.yaml"),
            Model("sign_conv, streaming form", "sign_conv_asl_stream.yaml"),
        ),
    ),
    BenchSet(
        "kinect_ablation",
        "Ingredients on Kinect ISL: taken from SignConv one at a time, added to STARK one by one",
        ACCURACY,
        tuple(_kinect(signer) for signer in _KINECT),
        ablations("sign_conv_kinect.yaml", mirror=0.0),
    ),
    BenchSet(
        "ksl13_ablation",
        "The same on KSL-13",
        ACCURACY,
        tuple(_ksl(place) for place in range(len(_KSL))),
        ablations("sign_conv_ksl13.yaml", mirror=0.5),
    ),
)


def bench_set(name: str) -> BenchSet:
    """The set of a name.

    Raises:
        UserError: there is no such set; names the nearest.

    >>> from slr_keras.benchmarks.sets.table import bench_set
    >>> len(bench_set("kinect").folds), bench_set("boston").metric
    (7, 'wer')
    """
    from slr_keras.utils.errors import UserError
    from slr_keras.utils.suggestions import nearest

    by_name = {one.name: one for one in SETS}
    if name not in by_name:
        raise UserError(f"there is no set {name!r}{nearest(name, by_name)}")
    return by_name[name]
