"""Fixed-step first-order training, as published experiments use it: a stated number of steps along the gradient."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar, TypeVar

import numpy
import torch
from jaxtyping import Float, Int
from torch import Tensor

from influencelab.data.dataset import Dataset
from influencelab.errors import InvalidParameter
from influencelab.models import derivatives
from influencelab.models.shapes import KN, KP
from influencelab.models.task import Task
from influencelab.recipe import Recipe
from influencelab.threads import allowed, one_thread
from influencelab.training.deadline import out_of_time
from influencelab.training.trainer import Memory, Trained, Trainer, check_finite

# Steps between two checks that the gradient is still finite: a check stops a GPU.
CHECK = 100
# Bytes that a step of models trained side by side may compute: what fits the cache.
CACHE = 3 * 2**19

# The points of one step: all of them, the same some for all models, or each model's own.
Rows = None | Int[Tensor, " b"] | Int[Tensor, "k b"]
# θ of one model, or of each of k.
Theta = Float[Tensor, "*k p"]
# The running means that a rule keeps.
Buffers = tuple[Theta, ...]
# Of one part of some work.
Result = TypeVar("Result")
# Some models' θ and running means, and the steps they took.
Chunk = tuple[Tensor, Buffers, int]
# ∇J over the rows of a batch, at the θ that lies in memory at the time.
Gradient = Callable[[Rows], Tensor]
Gradients = Callable[[Tensor], Gradient]


@dataclass(frozen=True)
class Batches(Recipe):
    """Random batches without replacement: every point comes once an epoch, and each epoch has an order of its own.

    The order of an epoch depends on the seed and the epoch alone, so that training can go on from any step.

    Attributes:
        size: points a batch; the last of an epoch may be smaller. 0, or n and more, is the full batch.
        seed: of the order of the points.
        paired: whether all models see the same batches. If not, the number of a model decides its order too.
    """

    size: int = 0
    seed: int = 0
    paired: bool = True

    def full(self, n: int) -> bool:
        """Whether every step sees all n points."""
        return self.size == 0 or self.size >= n

    def rows(self, n: int, steps: range, *, models: Int[Tensor, " k"]) -> Iterator[Rows]:
        """The points of each step, on the device of `models`: (b), or (k b) if they differ; None for the full batch.

        Steps are counted from the start of training. The numbers of the models have no effect where they are paired.
        """
        if self.full(n):
            yield from (None for _ in steps)
            return
        an_epoch = -(-n // self.size)
        drawn, order = -1, models
        for step in steps:
            epoch, place = divmod(step, an_epoch)
            if epoch != drawn:
                drawn, order = epoch, self.order(n, epoch, models)
            yield order[..., place * self.size : (place + 1) * self.size]

    def order(self, n: int, epoch: int, models: Int[Tensor, " k"]) -> Tensor:
        """The order of one epoch, drawn on the CPU so that devices agree."""
        if self.paired:
            order = numpy.random.default_rng([self.seed, epoch]).permutation(n)
        else:
            rows = [numpy.random.default_rng([self.seed, epoch, model]).permutation(n) for model in models.tolist()]
            order = numpy.stack(rows)
        return torch.from_numpy(order).to(models.device)


def check_batches(batch_size: int, seed: int, *, least: int) -> None:
    """Refuse fewer than `least` points a batch, and negative seeds, by InvalidParameter."""
    if batch_size < least or seed < 0:
        raise InvalidParameter(
            f"batch_size is {batch_size} and seed {seed}; expected batch_size ≥ {least} and seed ≥ 0."
        )


@dataclass(frozen=True)
class FirstOrder(Trainer):
    """A fixed number of steps, each decided by the gradient of J over one batch and a memory of earlier ones.

    J of a batch is (n / |batch|) Σ wᵢ ℓᵢ over the batch, plus the whole penalty. A removed point keeps its place in
    its batch with weight 0, so a model without it differs from one with it by that point alone. All steps are always
    taken; `tolerance` only decides whether the end counts as a minimum.

    Attributes:
        learning_rate: the size of a step, in the rule's own sense.
        steps: how many steps.
        drops: the steps from which on the rate is a tenth of what it was before, counted from the start of training.
    """

    learning_rate: float = 0.1
    steps: int = 1000
    drops: tuple[int, ...] = ()
    # Number of running means that the rule keeps for each parameter; all start at 0.
    n_buffers: ClassVar[int]

    def __post_init__(self) -> None:
        if not 0 < self.learning_rate < float("inf"):
            raise InvalidParameter(f"learning_rate is {self.learning_rate}, expected a finite number > 0.")
        if self.steps < 0 or not self.tolerance > 0:
            raise InvalidParameter(
                f"steps is {self.steps} and tolerance {self.tolerance}; expected steps ≥ 0 and tolerance > 0."
            )
        if any(drop < 0 for drop in self.drops):
            raise InvalidParameter(f"drops are {self.drops}, expected steps ≥ 0.")

    @property
    @abstractmethod
    def batches(self) -> Batches:
        """The points of each step."""

    @abstractmethod
    def update(self, theta: Theta, buffers: Buffers, gradient: Theta, step: int) -> Buffers:
        """Move θ by one step, where it lies, and give the running means after it; autograd can follow.

        The running means given stay as they were; the gradient of J over the step's batch may be changed. Steps are
        counted from 0.
        """

    def train(
        self,
        task: Task,
        data: Dataset,
        theta: KP,
        weights: KN,
        *,
        memory: Memory | None = None,
        models: Int[Tensor, " k"] | None = None,
    ) -> Trained:
        """Take all steps from each row of theta under its row of weights; grad_norm is of the full batch.

        Args:
            memory: state of earlier training, after which the steps are counted; None starts at step 0.
            models: the number of each model, which decides its batches where they are not paired; 0, 1, … by default.

        Raises:
            InvalidParameter: the memory is another rule's, or of other models.
        """
        memory = self.blank(theta) if memory is None else memory
        if len(memory.buffers) != self.n_buffers or any(part.shape != theta.shape for part in memory.buffers):
            raise InvalidParameter(
                f"{type(self).__name__} keeps {self.n_buffers} running means of shape {tuple(theta.shape)}; the memory "
                f"has {[tuple(part.shape) for part in memory.buffers]}. Restore what the same kind of trainer left."
            )
        models = torch.arange(len(theta)) if models is None else models
        size = together(task, data, points=min(self.batches.size or data.n, data.n), models=len(theta))

        def chunk(first: int) -> Chunk:
            rows = slice(first, first + size)
            mine = memory.each(lambda part: part[rows])
            return self.run(task, data, theta[rows], weights[rows], memory=mine, models=models[rows])

        parallel = task.derivatives(data).threads and data.x_train.device.type == "cpu"
        work = side_by_side if parallel else map
        ends, means, taken = zip(*work(chunk, range(0, len(theta), size)), strict=True)
        end, buffers = torch.cat(ends), tuple(torch.cat(parts) for parts in zip(*means, strict=True))
        norms = derivatives.gradients(task, data, end, weights).norm(dim=-1)
        last = memory.steps + max(taken, default=0)
        check_finite(norms, what="The gradient", when=f"after step {last}")
        small = norms <= self.tolerance_of(task, data, weights)
        return Trained(end, norms, small, last - memory.steps, Memory(last, buffers))

    def blank(self, theta: KP) -> Memory:
        """The memory of models that have taken no step."""
        return Memory(0, tuple(torch.zeros_like(theta) for _ in range(self.n_buffers)))

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        return self.learning_rate / 10 ** sum(step >= drop for drop in self.drops)

    def run(
        self, task: Task, data: Dataset, theta: KP, weights: KN, *, memory: Memory, models: Int[Tensor, " k"]
    ) -> tuple[KP, Buffers, int]:
        """θ and running means of models trained side by side, after all steps or those there was time for; how many."""
        theta, buffers = theta.clone(memory_format=torch.contiguous_format), memory.buffers
        of_batch = gradients_of(task, data, weights)(theta)
        steps, checked = range(memory.steps, memory.steps + self.steps), memory.steps
        for step, rows in zip(steps, self.batches.rows(data.n, steps, models=models.to(theta.device)), strict=True):
            if out_of_time():
                return theta, buffers, step - memory.steps
            gradient = of_batch(rows)
            if (step - memory.steps) % CHECK == 0:
                when = f"at step {step}" if step == checked else f"at step {step} and was finite at step {checked}"
                check_finite(gradient.norm(dim=-1), what="The gradient", when=when)
                checked = step
            buffers = self.update(theta, buffers, gradient, step)
        return theta, buffers, self.steps


def gradients_of(task: Task, data: Dataset, weights: KN) -> Gradients:
    """∇J of k models over a batch, its losses scaled up to n points, as a function of θ and then of the batch's rows.

    θ must be contiguous: it may move, and is read where it lies.
    Whatever no step changes is computed once: training small networks is mostly the overhead of calls.
    """
    of_losses = task.derivatives(data).batch_gradients(weights, cache=CACHE // data.x_train.element_size())
    decay = task.penalty(data, data.x_train).stiffness

    def at(theta: KP) -> Gradient:
        of_batch = of_losses(theta)
        # ∇R is weight decay times θ, unless the penalty is more than that.
        if task.plain:
            return lambda rows: of_batch(rows).addcmul_(decay, theta)
        return lambda rows: derivatives.penalty_gradient(task, data, theta).add_(of_batch(rows))

    return at


def together(task: Task, data: Dataset, *, points: int, models: int) -> int:
    """Number of models to train side by side on batches of this many points.

    The forward pass of networks should fit the cache, in chunks as even as can be; linear tasks gain from reading the
    features once for all models. It does not depend on the number of threads, which so changes no result.
    """
    trace = task.derivatives(data).trace
    if not trace:
        return max(1, models)
    most = max(1, CACHE // data.x_train.element_size() // (points * trace))
    return max(1, math.ceil(models / math.ceil(models / most))) if models else 1


def side_by_side(work: Callable[[int], Result], chunks: range) -> list[Result]:
    """Results of the work on each chunk, as many at a time as the user gave threads.

    Products this small gain nothing from threads within them, while torch lets go of Python's lock in each. Every
    worker has one thread for its products, so that results do not depend on how many workers there are.
    """
    workers = min(allowed(), len(chunks))
    if workers < 2:
        return [work(first) for first in chunks]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one_thread()(work), chunks))


@dataclass(frozen=True)
class HeavyBall(FirstOrder):
    """v ← momentum v + ∇J, θ ← θ − learning_rate v, from v = 0: gradient descent, for the full batch and small ones.

    Attributes:
        momentum: the share of the last v that is kept.
    """

    momentum: float = 0.9
    n_buffers: ClassVar[int] = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.momentum < 1:
            raise InvalidParameter(f"momentum is {self.momentum}, expected 0 ≤ momentum < 1.")

    def update(self, theta: Theta, buffers: Buffers, gradient: Theta, step: int) -> Buffers:
        """One step along −v."""
        velocity = gradient.add_(buffers[0], alpha=self.momentum)
        theta.add_(velocity, alpha=-self.rate(step))
        return (velocity,)
