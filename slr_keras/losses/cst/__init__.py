r"""Conditional gloss decoding and sequence transduction losses of C²ST (docs/papers/c2st.md §5-7).

Each step emits either a blank or the next gloss, with a probability that may depend on the glosses
before it. The loss is -ln of the total probability of all alignments of the labels:

* `cgd_loss`: from the logits of every node, `(batch, steps, labels+1, classes)`;
* `cgd_loss_additive`: the same value from logits that are a sum of a visual and a context part;
* `cgd_arcs`, `cgd_arcs_additive`: log-probabilities of the lattice's arcs, for `cgd_lattice`;
* `cgd_lattice`: loss, posteriors, forward and backward sums; `occupancy` of nodes;
* `cgd_viterbi`: the best path; `posterior_alignment`, `viterbi_alignment`, `aligned_logits`;
* `cst_loss`: with the calibration term over hypotheses; `hypothesis_set`, `calibration_loss`,
  `log_reward`, `edit_distance`, `distinct_hypotheses`;
* `visual_divergence`, `aligned_divergence`, `lattice_divergence` between two levels;
  `log_normaliser`.

Every loss returns one value per sample, in nats. All functions work eagerly, in a `tf.function`
with unknown sizes and under `jit_compile=True`; half precision is computed in float32.
"""

from slr_keras.losses.cst.additive import cgd_arcs_additive, cgd_loss_additive
from slr_keras.losses.cst.alignment_divergence import (
    aligned_divergence,
    lattice_divergence,
    log_normaliser,
    visual_divergence,
)
from slr_keras.losses.cst.calibration import (
    HypothesisSet,
    calibration_loss,
    cst_loss,
    hypothesis_set,
    log_reward,
)
from slr_keras.losses.cst.edit_distance import distinct_hypotheses, edit_distance
from slr_keras.losses.cst.full import cgd_arcs, cgd_loss
from slr_keras.losses.cst.lattice import Lattice, cgd_lattice, occupancy
from slr_keras.losses.cst.viterbi import (
    aligned_logits,
    cgd_viterbi,
    posterior_alignment,
    viterbi_alignment,
)

__all__ = [
    "HypothesisSet",
    "Lattice",
    "aligned_divergence",
    "aligned_logits",
    "calibration_loss",
    "cgd_arcs",
    "cgd_arcs_additive",
    "cgd_lattice",
    "cgd_loss",
    "cgd_loss_additive",
    "cgd_viterbi",
    "cst_loss",
    "distinct_hypotheses",
    "edit_distance",
    "hypothesis_set",
    "lattice_divergence",
    "log_normaliser",
    "log_reward",
    "occupancy",
    "posterior_alignment",
    "visual_divergence",
    "viterbi_alignment",
]
