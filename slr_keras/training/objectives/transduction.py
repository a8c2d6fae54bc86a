"""Objective of C²ST: transduction at both levels, calibration, divergence (eq. 11)."""

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
# Sampled sequences may be longer than the reference by this many glosses.
SPARE_GLOSSES = 4
Tensors = Mapping[str, tf.Tensor]


class TransductionObjective:
    """Transduction loss and calibration of each level, and distillation from video to chunk level.

        loss = sum over levels of (L_CGD + w_cal L_cal) + w_div L_KL + w_lift (L_u + L_p)

    Args:
        config: the terms and their weights.
        epochs: number of training epochs; calibration begins after a fraction of them.
        seed: seed of the sampled hypotheses.
        compiled: whether XLA compiles the step. XLA cannot differentiate a branch with dynamic
            shapes; the step then computes both branches and selects one.
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
        """Values of the controls in an epoch; epochs count from 0.

        `epoch` seeds the sampling, `ctc` is 1 in the initial epochs of CTC, and `calibration` is
        the weight of the calibration loss.
        """
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
        # CTC with context needs the lattice of the video level only, for the alignment.
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
        # No feasible alignment: the clip's loss is zero.
        possible = terms[TEACHER] > 0
        return tf.where(possible, total, 0.0), terms

    def _levels(self, outputs, losses, batch, steps, controls) -> dict[str, tf.Tensor]:
        """The loss of each level; in the initial epochs of CTC, CTC without context."""

        def ctc(level):
            return ctc_loss(batch["labels"], outputs[level], batch["label_lengths"], steps)

        if not losses:
            return {level: ctc(level) for level in LEVELS}
        if not self.config.ctc_epochs:
            return dict(losses)
        chosen = {}
        for level, loss in losses.items():
            chosen[level] = self._either(
                controls["ctc"] > 0, lambda level=level: ctc(level), lambda loss=loss: loss
            )
        return chosen

    def _calibration(self, model, outputs, batch, steps, losses, controls) -> tf.Tensor:
        """Calibration loss summed over levels; no hypotheses are sampled before it begins."""

        def sampled():
            terms = [
                self._level_calibration(model, level, outputs, batch, steps, losses, controls)
                for level in LEVELS
            ]
            return tf.add_n(terms)

        zero = tf.zeros_like(losses[TEACHER])
        return self._either(controls["calibration"] > 0, sampled, lambda: zero)

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
        hypotheses = hypothesis_set(
            losses[level], hypothesis_losses, sequences, lengths, labels, batch["label_lengths"]
        )
        return calibration_loss(
            hypotheses, config.calibration, config.reward, config.reward_temperature
        )

    def _seeds(self, level: str, clips, epoch) -> tf.Tensor:
        """Seeds `(batch, 4)` of the clips; they depend on the epoch, not on the batch."""
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
    """CTC of each level's logits A[s] + C[t*(s)]; no gradient flows through t*.

    See docs/papers/c2st.md §4, mode C.
    """
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
