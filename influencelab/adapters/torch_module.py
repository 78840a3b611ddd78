"""A module of torch that a user trained in, a fit of ours out: the same objective at its minimum."""

from typing import Any

import torch
from torch import Tensor

from influencelab.adapters.networks.admission import admitted
from influencelab.adapters.networks.decay import decays
from influencelab.adapters.networks.frozen_module import FrozenModule
from influencelab.adapters.networks.losses import ReadLoss, TracedLoss, read_loss
from influencelab.adapters.networks.points import dataset_of, points_of
from influencelab.adapters.networks.probe import ROUNDING, Noting, Watch
from influencelab.adapters.networks.torch_task import TorchTask
from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidData, InvalidParameter, NotFinite
from influencelab.models.derivatives import chunks
from influencelab.models.loss import OutputLoss
from influencelab.training.fit import Fit
from influencelab.training.weights import checked_weights

__all__ = ["from_torch"]


@torch.inference_mode(mode=False)
def from_torch(
    module: Any,
    loss: Any,
    X: Any,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    sample_weight: Any = None,
    *,
    weight_decay: Any = 0.0,
    optimizer: Any = None,
    parameters: Any = None,
    reduction: str | None = None,
    dtype: torch.dtype | None = torch.float64,
    polish: bool = False,
    allow_unconverged: bool = False,
) -> Fit:
    """The fit that a trained module is, on the data that it was trained on.

    Its objective is J = Σ wᵢ ℓᵢ + ½ Σ weight_decay θ², with wᵢ = 1/n for the mean of losses and 1 for their sum (or
    wᵢ = sᵢ / Σs and sᵢ, of weights of points). The parameters are then brought to the minimum, since influence needs
    one to more digits than training stops at; the fit says how far outputs moved. Up to 1024 parameters count as a
    minimum by Newton's decrement with the Hessian; more, with the Gauss-Newton curvature, of which no matrix is formed.

    Training again without a point keeps the penalty beside the mean loss (`renormalise`), or beside a sum the penalty
    itself (`drop`): that is the fit's `convention`, as for `from_sklearn`.

    The module is neither changed nor kept. Where it draws, mixes the points of a batch, or cannot be differentiated by
    `torch.func`, it is refused by the name of the part that does.

    Args:
        module: trained, and in the mode that it was trained in; dropout off, statistics of batches frozen.
        loss: as it was trained: `cross_entropy`, `mse`, `bce_with_logits`, a loss of torch.nn, or a function of
            (outputs, targets) that gives one loss a point. Test points have the same. Of a row of targets a point, such
            as the next token at each position, torch's own losses are a point's mean over them, or their sum.
        X: training points: a tensor, an array or a table, whole numbers where the module takes such; or a Dataset or
            DataLoader of torch, with y left out.
        y: their labels or targets, one a point or a row each.
        X_test: the points whose loss is watched; also a Dataset or DataLoader.
        y_test: their labels.
        sample_weight: of each training point, where the training had some.
        weight_decay: a number for all trained parameters, or numbers by names and patterns (the first that fits).
        optimizer: whose groups say it instead. AdamW is refused: its decay is no penalty.
        parameters: names or patterns of those that count as trained; by default those that require a gradient.
        reduction: `mean` or `sum`, where the loss does not say it; `mean` by default.
        dtype: what parameters and points become; None keeps float32.
        polish: whether to train on from parameters that are no minimum instead of refusing them.
        allow_unconverged: whether to take such parameters as they stand. Estimators ask for the same.

    Raises:
        WrongType: something else than these was given.
        InvalidParameter: a module, loss or penalty that is refused, with the cure.
        InvalidData: points or labels that it cannot have been trained on; a loader that shuffles or augments.
        InvalidWeights: weights of points that are none.
        NotFinite: some points have no finite loss.
        NotConverged: the parameters are no minimum on this data, or there is none.
    """
    parts = {"train": points_of(X, y, what="X"), "test": points_of(X_test, y_test, what="X_test")}
    frozen = FrozenModule(module, parts["train"][0], parameters=parameters, dtype=dtype)
    read = read_loss(loss, reduction, dtype=frozen.theta.dtype)
    data, whole = dataset_of(frozen, parts, read=read)
    made, bend = loss_of(read, frozen, data, column=is_column(parts["train"][1]), whole=whole)
    strengths = decays(module, frozen.names, weight_decay, optimizer)
    task = task_of(frozen, made, strengths, bend=bend)
    check_losses(task, data)
    convention = "renormalise" if read.reduction == "mean" and any(strengths.values()) else "drop"
    name = f"{type(module).__name__} of {len(frozen.theta):,} parameters"
    how: Any = {"convention": convention, "polish": polish, "allow_unconverged": allow_unconverged}
    return admitted(task, data, weights_of(sample_weight, data, reduction=read.reduction), name=name, **how)


def weights_of(sample_weight: Any, data: Dataset, *, reduction: str) -> Tensor:
    """wᵢ of each training point: shares of 1 beside a mean of losses, as they are beside a sum."""
    weights = checked_weights(sample_weight, data, what="weights in sample_weight")
    if reduction == "mean":
        return weights / weights.sum()
    return torch.ones_like(weights) if sample_weight is None else weights


def task_of(frozen: FrozenModule, loss: OutputLoss, strengths: dict[str, float], *, bend: str) -> TorchTask:
    """The task whose least penalty is `weight_decay`, and of which the others have more."""
    least = min((each for each in strengths.values() if each), default=0.0)
    free = tuple(name for name, each in strengths.items() if not each) if least else ()
    more = tuple((name, each - least) for name, each in strengths.items() if each > least)
    return TorchTask(least, module=frozen, loss=loss, free=free, more=more, bend=bend)


def is_column(y: Any) -> bool:
    """Whether targets were given as a column, as a loss that is handed on takes them."""
    return tuple(getattr(y, "shape", ())[1:]) == (1,)


def loss_of(
    read: ReadLoss, frozen: FrozenModule, data: Dataset, *, column: bool, whole: bool = False
) -> tuple[OutputLoss, str]:
    """The loss of this module's outputs, and the function with a kink that it takes, if it does.

    Raises:
        InvalidParameter: a function that does not give one loss a point.
    """
    traits, watch = frozen.traits, Watch()
    loss = read.made(shape=traits.shape, column=column, several=data.y_train.dim() > 1, whole=whole)
    if not isinstance(loss, TracedLoss):
        return loss, ""
    z, y = frozen.outputs(frozen.theta, data.x_train[:3]), data.y_train[:3]
    try:
        with Noting(watch):
            found = loss.raw(z, y)
        values: Tensor = found if isinstance(found, Tensor) else torch.zeros(0)
        each = values.numel() == len(y) or (read.own and values.shape == y.shape)
        if not each or len(values) != len(y):
            form = tuple(values.shape) if isinstance(found, Tensor) else type(found).__name__
            raise InvalidParameter(
                f"The loss gives {form} for {len(y)} points, expected one loss a point. Take no mean in it "
                "(reduction='none', and say reduction= to from_torch), but over a point's own targets, where it has "
                "several: losses.view(len(targets), -1).mean(1). Give y as a column where outputs are one."
            )
        values, alone = (loss.values(z[:, :rows], y[:rows]) for rows in (len(y), 1))
        loss.products(z, y, loss.gradients(z, y)[None])
    except InvalidParameter:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()).rstrip(".")
        raise InvalidParameter(
            f"The loss cannot be taken twice differentiated of {(len(y), *traits.shape)} outputs and {tuple(y.shape)} "
            f"targets ({type(error).__name__}: {reason:.300}). Give a function of (outputs, targets) that torch.func "
            "can trace."
        ) from error
    least = ROUNDING * torch.finfo(z.dtype).eps
    if not torch.allclose(alone, values[:1], rtol=least, equal_nan=True):
        raise InvalidParameter("The loss of a point depends on the others of its batch. Give each point's own.")
    return loss, f"{watch.kink} in the loss" if watch.kink else ""


def check_losses(task: TorchTask, data: Dataset) -> None:
    """Refuse points whose loss is not finite, by a NotFinite that names them."""
    width = task.derivatives(data).numbers
    for part, x, y in (("train", data.x_train, data.y_train), ("test", data.x_test, data.y_test)):
        try:
            found = [task.losses(task.module.theta, x[rows], y[rows]) for rows in chunks(len(x), width=width)]
        except (RuntimeError, IndexError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            raise InvalidData(
                f"Some {part} points do not pass through the module ({type(error).__name__}: {reason:.300}). Give "
                "points such as it was trained on."
            ) from error
        losses = torch.cat(found)
        lost = (~losses.isfinite()).nonzero()[:, 0].cpu().numpy()
        if len(lost):
            shown = ", ".join(map(str, data.shown_ids(part)[lost[:5]]))
            raise NotFinite(
                f"{len(lost)} {part} points have no finite loss under this module, the first with ids {shown}. Look at "
                "their features, or at outputs that overflow."
            )
