"""The objective of C²ST: transduction at both levels, calibration, divergence (eq. 11)."""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from slr_keras.config.schema import TransductionConfig
from slr_keras.losses import ctc_loss
from slr_keras.losses.cst import (
    Lattice,
    aligned_divergence,
    aligned_logits,
    calibration_loss,
    cgd_arcs_additive,
    cgd_lattice,
    cgd_loss_additive,
    hypothesis_set,
    lattice_divergence,
    occupancy,
    posterior_alignment,
    visual_divergence,
)
from slr_keras.models.c2st.sampling import sample_hypotheses
from slr_keras.training.objectives.base import clip_inputs

TEACHER, STUDENT = "video", "chunk"
LEVELS = (STUDENT, TEACHER)
# Sequences are drawn with room for a few insertions.
SPARE_GLOSSES = 4
Tensors = Mapping[str, tf.Tensor]


class TransductionObjective:
    """The loss of each level, their calibration, and what the chunk level learns from the video's.

        loss = sum over levels of (L_CGD + w_cal L_cal) + w_div L_KL + w_lift (L_u + L_p)

    Args:
        config: which terms, and their weights.
        epochs: of the training; calibration begins after a share of them.
        seed: of the hypotheses that are drawn.
        compiled: whether XLA compiles the step. It cannot differentiate a branch whose sizes are
            open; both are computed then, and one is taken.
    """

    controls = ("epoch", "ctc", "calibration")

    def __init__(
        self, config: TransductionConfig, epochs: int, seed: int = 0, compiled: bool = False
    ):
        self.config = config
        self.epochs = epochs
        self.seed = seed
        self.compiled = compiled
        calibrates = ("calibration",) if config.loss == "cst" else ()
        self.terms = (*LEVELS, *calibrates, "divergence", "lifting")

    def at(self, epoch: int) -> dict[str, float]:
        """In an epoch, from 0: its number, which seeds what is drawn, whether it begins with CTC,
        and the weight of the calibration."""
        config = self.config
        begun = config.loss == "cst" and epoch >= config.calibration_start * self.epochs
        return {
            "epoch": float(epoch),
            "ctc": float(config.loss == "ctc" or epoch < config.ctc_epochs),
            "calibration": config.calibration_weight if begun else 0.0,
        }

    def __call__(self, model, batch: Tensors, controls: Tensors):
        """Run the model and return the loss `(batch,)` and its terms, each `(batch,)`."""
        config = self.config
        inputs: dict[str, Any] = clip_inputs(model, batch)
        if config.loss != "ctc":
            inputs |= {name: batch[name] for name in ("labels", "label_lengths")}
        outputs = model(inputs, training=True)
        steps = batch["frames"] // model.stride
        # CTC with context needs a lattice only for its alignment, the video level's.
        with_lattice = {"ctc": (), "ctc_context": (TEACHER,)}.get(config.loss, LEVELS)
        lattices = {level: _lattice(outputs, level, batch, steps) for level in with_lattice}
        if config.loss == "ctc_context":
            losses = _aligned_ctc(outputs, lattices[TEACHER], batch, steps)
        else:
            losses = {level: lattice.loss for level, lattice in lattices.items()}
        terms = self._levels(outputs, losses, batch, steps, controls)
        total = terms[STUDENT] + terms[TEACHER]
        if config.loss == "cst":
            terms["calibration"] = self._calibration(model, outputs, batch, steps, losses, controls)
            total += controls["calibration"] * terms["calibration"]
        terms["divergence"] = self._divergence(outputs, lattices.get(TEACHER), steps)
        terms["lifting"] = outputs["lifting"]
        total += config.divergence_weight * terms["divergence"]
        total += config.lifting_weight * terms["lifting"]
        # A clip without a path teaches nothing, not even to be like another level.
        possible = terms[TEACHER] > 0
        return tf.where(possible, total, 0.0), terms

    def _levels(self, outputs, losses, batch, steps, controls) -> dict[str, tf.Tensor]:
        """The loss of each level, or in the epochs of CTC that of CTC without context."""

        def ctc(level):
            return ctc_loss(batch["labels"], outputs[level], batch["label_lengths"], steps)

        if not losses:
            return {level: ctc(level) for level in LEVELS}
        if not self.config.ctc_epochs:
            return dict(losses)
        found = {}
        for level, loss in losses.items():
            found[level] = self._either(
                controls["ctc"] > 0, lambda at=level: ctc(at), lambda of=loss: of
            )
        return found

    def _calibration(self, model, outputs, batch, steps, losses, controls) -> tf.Tensor:
        """Summed over levels; nothing is drawn before calibration begins."""

        def drawn():
            terms = [
                self._level_calibration(model, level, outputs, batch, steps, losses, controls)
                for level in LEVELS
            ]
            return tf.add_n(terms)

        nothing = tf.zeros_like(losses[TEACHER])
        return self._either(controls["calibration"] > 0, drawn, lambda: nothing)

    def _either(self, condition, one, other) -> tf.Tensor:
        if self.compiled:
            return tf.where(condition, one(), other())
        return tf.cond(condition, one, other)

    def _level_calibration(self, model, level, outputs, batch, steps, losses, controls):
        config, labels = self.config, batch["labels"]
        capacity = tf.shape(labels)[1] + SPARE_GLOSSES
        sequences, lengths = sample_hypotheses(
            model,
            level,
            outputs[level],
            steps,
            config.hypotheses,
            batch["label_lengths"] + SPARE_GLOSSES,
            self._seeds(level, batch["index"], controls["epoch"]),
            capacity,
        )
        shape = tf.shape(sequences)
        flat = tf.reshape(sequences, (-1, shape[2]))
        contexts = model.contexts(flat, tf.reshape(lengths, (-1,)))[level]
        contexts = tf.reshape(contexts, (shape[0], shape[1], shape[2] + 1, -1))
        hypothesis_losses = cgd_loss_additive(outputs[level], contexts, sequences, steps, lengths)
        found = hypothesis_set(
            losses[level], hypothesis_losses, sequences, lengths, labels, batch["label_lengths"]
        )
        return calibration_loss(found, config.calibration, config.reward, config.reward_temperature)

    def _seeds(self, level: str, clips, epoch) -> tf.Tensor:
        """Of each clip `(batch, 4)`: what is drawn changes with the epoch, not with the batch."""
        clips = tf.cast(clips, tf.int32)
        shared = (self.seed, tf.cast(epoch, tf.int32), LEVELS.index(level))
        return tf.stack([*(tf.zeros_like(clips) + word for word in shared), clips], 1)

    def _divergence(self, outputs: Tensors, lattice: Lattice | None, steps) -> tf.Tensor:
        config, teacher, student = self.config, outputs[TEACHER], outputs[STUDENT]
        shared = {"temperature": config.divergence_temperature}
        if config.divergence == "none":
            return tf.zeros_like(outputs["lifting"])
        if config.divergence == "visual" or lattice is None:
            return visual_divergence(teacher, student, steps, **shared)
        contexts = [outputs[f"{level}_context"] for level in (TEACHER, STUDENT)]
        if config.divergence == "aligned":
            divergence, where = aligned_divergence, posterior_alignment(lattice)
        else:
            divergence, where = lattice_divergence, occupancy(lattice)
        return divergence(teacher, contexts[0], student, contexts[1], where, steps, **shared)


def _aligned_ctc(outputs: Tensors, lattice: Lattice, batch: Tensors, steps) -> dict[str, tf.Tensor]:
    """CTC of each level's logits A[s] + C[t*(s)] (§4, mode C); t* is held constant."""
    where = tf.stop_gradient(posterior_alignment(lattice))
    return {
        level: ctc_loss(
            batch["labels"],
            aligned_logits(outputs[level], outputs[f"{level}_context"], where),
            batch["label_lengths"],
            steps,
        )
        for level in LEVELS
    }


def _lattice(outputs: Tensors, level: str, batch: Tensors, steps) -> Lattice:
    arcs = cgd_arcs_additive(
        outputs[level], outputs[f"{level}_context"], batch["labels"], steps, batch["label_lengths"]
    )
    return cgd_lattice(*arcs, steps, batch["label_lengths"], zero_infinity=True)
