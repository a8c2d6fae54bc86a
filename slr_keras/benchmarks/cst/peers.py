"""Other implementations of the same lattice, where they are installed."""

import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slr_keras.benchmarks.cst.problem import Problem


def fast_rnnt_available() -> bool:
    """Whether fast_rnnt and torch are installed.

    >>> from slr_keras.benchmarks.cst.peers import fast_rnnt_available
    >>> fast_rnnt_available() in (True, False)
    True
    """
    return all(importlib.util.find_spec(name) for name in ("torch", "fast_rnnt"))


def fast_rnnt_contenders(problem: "Problem") -> dict[str, Callable[[], Any]]:
    """Losses and gradients by fast_rnnt with `rnnt_type="modified"`; none where it is absent."""
    if not fast_rnnt_available():
        return {}
    import fast_rnnt
    import torch

    visual, context = (torch.tensor(x, requires_grad=True) for x in problem[:2])
    labels = torch.tensor(problem.labels, dtype=torch.int64)
    boundary = torch.zeros((len(labels), 4), dtype=torch.int64)
    boundary[:, 2] = torch.tensor(problem.glosses)
    boundary[:, 3] = torch.tensor(problem.steps)
    options = {"boundary": boundary, "rnnt_type": "modified", "reduction": "none"}
    nodes = (visual[:, :, None] + context[:, None]).detach().requires_grad_()

    def additive():
        losses = fast_rnnt.rnnt_loss_simple(context, visual, labels, 0, **options)
        return losses, torch.autograd.grad(losses.sum(), (visual, context))

    def full():
        losses = fast_rnnt.rnnt_loss(nodes, labels, 0, **options)
        return losses, torch.autograd.grad(losses.sum(), (nodes,))

    return {"fast_rnnt additive": additive, "fast_rnnt full": full}
