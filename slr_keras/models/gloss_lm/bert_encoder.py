"""keras-hub's BERT on gloss prefixes; loaded when first asked."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from slr_keras.data.vocabulary import Vocabulary
from slr_keras.errors import UserError
from slr_keras.files import read_json
from slr_keras.models.gloss_lm.text import gloss_text

# Prefixes in one pass, and the multiple to which their pieces are padded: few shapes.
LOT = 32
LENGTH_STEP = 16


def preset_width(preset: str | Path) -> int:
    """Size of the vectors of a preset, from its configuration alone.

    Raises:
        UserError: the folder does not hold a BERT backbone.
    """
    folder = Path(preset)
    if not (folder / "config.json").is_file():
        raise UserError(
            f"{folder}: no BERT checkpoint (config.json is missing); give a folder written by "
            "keras-hub's save_to_preset"
        )
    value = read_json(folder / "config.json")
    try:
        if value["class_name"] != "BertBackbone":
            raise ValueError(value["class_name"])
        return int(value["config"]["hidden_dim"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{folder}/config.json: not of a BERT backbone ({error})") from error


class BertEncoder:
    """The [CLS] vectors of prefixes.

    Args:
        preset: folder with backbone and tokenizer.
        tokens: every token of the vocabulary by id.
        cased: whether the checkpoint knows capitals.
    """

    def __init__(self, preset: str | Path, tokens: Sequence[str], cased: bool = True):
        self.preset = Path(preset)
        self.tokens = tuple(tokens)
        self.cased = cased
        self._loaded = None

    def vectors(self, prefixes: Sequence[Sequence[int]]) -> np.ndarray:
        """`(n, width)` float32 for n prefixes of gloss ids.

        Raises:
            UserError: keras-hub is not installed, or the checkpoint is damaged.
        """
        if self._loaded is None:
            self._loaded = self._load()
        backbone, pieces, (begin, end, _) = self._loaded
        longest = backbone.max_sequence_length
        rows = []
        for prefix in prefixes:
            inner = [piece for gloss in prefix for piece in pieces[gloss]]
            # Of a sentence that is too long the last glosses say most about the next.
            rows.append([begin, *inner[max(0, len(inner) - longest + 2) :], end])
        # Similar lengths together waste the least padding.
        order = sorted(range(len(rows)), key=lambda row: len(rows[row]))
        result: list[np.ndarray] = [np.empty(0)] * len(rows)
        for start in range(0, len(rows), LOT):
            lot = order[start : start + LOT]
            for row, vector in zip(lot, self._encode([rows[row] for row in lot]), strict=True):
                result[row] = vector
        return np.stack(result)

    def _encode(self, rows: list[list[int]]) -> np.ndarray:
        backbone, _, (_, _, padding) = self._loaded
        longest = -(-max(map(len, rows)) // LENGTH_STEP) * LENGTH_STEP
        shape = (LOT, min(longest, backbone.max_sequence_length))
        ids, mask = np.full(shape, padding, np.int32), np.zeros(shape, np.int32)
        mask[:, 0] = 1
        for row, pieces in enumerate(rows):
            ids[row, : len(pieces)] = pieces
            mask[row, : len(pieces)] = 1
        outputs = backbone.predict_on_batch(
            {"token_ids": ids, "segment_ids": np.zeros_like(ids), "padding_mask": mask}
        )
        return np.asarray(outputs["sequence_output"][: len(rows), 0], np.float32)

    def _load(self):
        """Backbone, pieces by gloss id, and the ids of [CLS], [SEP] and [PAD]."""
        try:
            import keras_hub
        except ImportError as error:
            raise UserError(
                f"BERT contexts need keras-hub ({error}); install it: pip install keras-hub"
            ) from error
        try:
            backbone = keras_hub.models.BertBackbone.from_preset(str(self.preset))
            tokenizer = keras_hub.models.BertTokenizer.from_preset(str(self.preset))
        except (ValueError, OSError, KeyError) as error:
            raise UserError(f"{self.preset}: BERT cannot be loaded ({error})") from error
        backbone.trainable = False
        pieces = []
        for number, token in enumerate(self.tokens):
            if number == Vocabulary.UNKNOWN_ID:
                pieces.append([tokenizer.token_to_id("[UNK]")])
                continue
            text = "" if number == Vocabulary.BLANK_ID else gloss_text(token, self.cased)
            pieces.append([int(piece) for piece in np.asarray(tokenizer(text))])
        special = (tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id)
        return backbone, pieces, special
