"""One other library on one problem, in an environment of its own: `python scores.py NAME problem.npz scores.npz`.

A problem has x, y, x_test, y_test (a constant feature last), theta (c, d) at the minimum of the mean cross-entropy plus
decay / 2 ‖θ‖², and decay; of two classes C of scikit-learn too. Scores come as their library gives them.
"""

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy


def module(problem):
    """The linear model of the problem, and its data, for libraries of torch."""
    import torch

    x, y, x_test, y_test, theta = (torch.from_numpy(problem[name]) for name in ("x", "y", "x_test", "y_test", "theta"))
    model = torch.nn.Linear(theta.shape[1], theta.shape[0], bias=False, dtype=torch.float64)
    model.weight.data.copy_(theta)
    return model, (x, y), (x_test, y_test)


def loaders(train, test):
    """All points at once."""
    from torch.utils.data import DataLoader, TensorDataset

    return (DataLoader(TensorDataset(*part), batch_size=len(part[0])) for part in (train, test))


def pydvl(problem):
    """`DirectInfluence`: the Hessian factorised."""
    import torch
    from pydvl.influence.torch import DirectInfluence

    model, train, test = module(problem)
    whole, _ = loaders(train, test)
    fitted = DirectInfluence(model, torch.nn.functional.cross_entropy, regularization=float(problem["decay"]))
    return fitted.fit(whole).influences(*test, *train).detach().numpy()


def dattri(problem):
    """`IFAttributorExplicit`: the Hessian, and a solve."""
    import torch
    from dattri.algorithm.influence_function import IFAttributorExplicit
    from dattri.task import AttributionTask

    model, train, test = module(problem)
    whole, watched = loaders(train, test)

    def loss(parameters, data):
        x, y = data
        x, y = (x[None], y[None]) if x.dim() == 1 else (x, y)
        return torch.nn.functional.cross_entropy(torch.func.functional_call(model, parameters, x), y.flatten())

    task = AttributionTask(loss_func=loss, model=model, checkpoints=model.state_dict())
    attributor = IFAttributorExplicit(task, regularization=float(problem["decay"]))
    attributor.cache(whole)
    with torch.no_grad():
        return attributor.attribute(whole, watched).numpy()


def captum(problem):
    """`NaiveInfluenceFunction` without projection: the Hessian and all of its eigenvectors."""
    import torch
    from captum.influence._core.influence_function import NaiveInfluenceFunction
    from torch.utils.data import TensorDataset

    model, train, test = module(problem)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "model.pt"
        torch.save(model.state_dict(), place)
        n, p = len(train[0]), model.weight.numel()
        influence = NaiveInfluenceFunction(
            model,
            TensorDataset(*train),
            str(place),
            loss_fn=torch.nn.CrossEntropyLoss(reduction="sum"),
            batch_size=n,
            sample_wise_grads_per_batch=True,
            projection_dim=p,
            hessian_reg=float(problem["decay"]) * n,
            hessian_inverse_tol=0.0,
        )
        return influence.influence(test).numpy()


def refits(problem):
    """What pyinfluence calls `loo`: a fit without each point."""
    return pyinfluence(problem, method="loo")


def pyinfluence(problem, **method):
    """Its one call on a fitted estimator of two classes; the fit is not timed."""
    from pyinfluence import influence
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=float(problem["c"]), tol=1e-10, max_iter=10000)
    x, y, x_test, y_test = (problem[name] for name in ("x", "y", "x_test", "y_test"))
    model.fit(x[:, :-1], y)
    started = time.perf_counter()
    scores = influence(model, x[:, :-1], y, x_test[:, :-1], y_test, **method)
    return numpy.asarray(scores), time.perf_counter() - started


def main(name: str, place: str, out: str) -> None:
    """Scores to a file, seconds and memory to the standard output."""
    problem = dict(numpy.load(place))
    work = {each.__name__: each for each in (pydvl, dattri, captum, pyinfluence, refits)}[name]
    seconds = []
    # The first time loads what a library loads late.
    for _ in range(3):
        started = time.perf_counter()
        found = work(problem)
        scores, took = found if isinstance(found, tuple) else (found, time.perf_counter() - started)
        seconds.append(took)
        if sum(seconds) > 120:
            break
    numpy.save(out, scores)
    status = Path("/proc/self/status")  # the usual counter starts with the peak of the process that started this one
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    peak = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    print(json.dumps({"seconds": min(seconds), **({"peak_mb": peak[0]} if peak else {})}))


if __name__ == "__main__":
    main(*sys.argv[1:])
