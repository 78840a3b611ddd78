"""One other library on one problem, in an environment of its own: `python scores.py NAME problem.npz scores.npz`.

A problem has x, y, x_test, y_test (a constant feature last), theta (c, d) at the minimum of the mean cross-entropy plus
decay / 2 ‖θ‖², and decay; of two classes C of scikit-learn too; of a network with tanh the matrices of its layers
(weights | bias), and no constant. Scores come as their library gives them.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy

# Bytes that a library may take.
MOST = 16 * 2**30


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


def kronfluence(problem, *, every_class=False):
    """EK-FAC of a network, by labels that are drawn, as the library has it, or by every class at its probability."""
    import torch
    from kronfluence.analyzer import Analyzer, prepare_model
    from kronfluence.arguments import FactorArguments, ScoreArguments
    from kronfluence.task import Task
    from torch.utils.data import TensorDataset

    class CrossEntropy(Task):
        def compute_train_loss(self, batch, model, sample=False):
            x, y, roots = batch
            outputs = model(x)
            if sample:
                y = torch.multinomial(outputs.detach().softmax(1), 1).flatten()
            return (roots * torch.nn.functional.cross_entropy(outputs, y, reduction="none")).sum()

        def compute_measurement(self, batch, model):
            return self.compute_train_loss(batch, model)

    model = network(problem)
    x, y, x_test, y_test = (torch.from_numpy(problem[name]) for name in ("x", "y", "x_test", "y_test"))
    train, test = (TensorDataset(*part, torch.ones(len(part[0]))) for part in ((x, y), (x_test, y_test)))
    drawn = train
    if every_class:
        # The second moment of gradients is then the Fisher information, with no draw in it.
        chances = model(x).detach().softmax(1)
        labels = torch.arange(chances.shape[1]).repeat(len(x))
        roots = (chances * chances.shape[1]).sqrt().flatten()
        drawn = TensorDataset(x.repeat_interleave(chances.shape[1], 0), labels, roots)
    task, wide = CrossEntropy(), torch.float64
    factors = FactorArguments(
        use_empirical_fisher=every_class,
        activation_covariance_dtype=wide,
        gradient_covariance_dtype=wide,
        per_sample_gradient_dtype=wide,
        lambda_dtype=wide,
    )
    scores = ScoreArguments(
        damping_factor=float(problem["decay"]),
        per_sample_gradient_dtype=wide,
        precondition_dtype=wide,
        score_dtype=wide,
    )
    with tempfile.TemporaryDirectory() as folder:
        analyzer = Analyzer(
            "bench", prepare_model(model, task), task, cpu=True, output_dir=folder, disable_tqdm=True, log_level=50
        )
        analyzer.fit_all_factors("ekfac", drawn, per_device_batch_size=len(drawn), factor_args=factors)
        sizes = {"per_device_query_batch_size": len(test), "per_device_train_batch_size": len(train)}
        analyzer.compute_pairwise_scores("scores", "ekfac", test, train, score_args=scores, **sizes)
        return analyzer.load_pairwise_scores("scores")["all_modules"].numpy()


def kronfluence_every_class(problem):
    """The same without a draw."""
    return kronfluence(problem, every_class=True)


def network(problem):
    """A network with tanh between its layers."""
    import torch

    matrices = [torch.from_numpy(problem[name]) for name in sorted(problem) if name.startswith("layer")]
    parts = []
    for matrix in matrices:
        linear = torch.nn.Linear(matrix.shape[1] - 1, matrix.shape[0], dtype=torch.float64)
        linear.weight.data.copy_(matrix[:, :-1])
        linear.bias.data.copy_(matrix[:, -1])
        parts += [linear, torch.nn.Tanh()]
    return torch.nn.Sequential(*parts[:-1])


def refits(problem):
    """What pyinfluence calls `loo`: a fit without each point."""
    return pyinfluence(problem, method="loo")


def pyinfluence(problem, **method):
    """Its one call on a fitted estimator of two classes; the fit is not timed."""
    from pyinfluence import influence

    model = problem["model"] if "model" in problem else classifier(problem)
    x, y, x_test, y_test = (problem[name] for name in ("x", "y", "x_test", "y_test"))
    started = time.perf_counter()
    scores = influence(model, x[:, :-1], y, x_test[:, :-1], y_test, **method)
    return numpy.asarray(scores), time.perf_counter() - started


def classifier(problem):
    """The estimator that it is asked about."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=float(problem["c"]), tol=1e-10, max_iter=10000)
    return model.fit(problem["x"][:, :-1], problem["y"])


def main(name: str, place: str, out: str) -> None:
    """Scores to a file, seconds by the clock and of processors and memory to the standard output."""
    problem: dict = dict(numpy.load(place))
    resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
    known = (pydvl, dattri, captum, kronfluence, kronfluence_every_class, pyinfluence, refits)
    work = {each.__name__: each for each in known}[name]
    if "c" in problem:
        problem["model"] = classifier(problem)
    seconds, busy, found = [], [], None
    # The first time loads what a library loads late.
    while len(seconds) < 6 and sum(seconds) < 20:
        started, used = time.perf_counter(), time.process_time()
        found = work(problem)
        seconds.append(time.perf_counter() - started)
        busy.append(time.process_time() - used)
    numpy.save(out, found[0] if isinstance(found, tuple) else found)
    status = Path("/proc/self/status")  # the usual counter starts with the peak of the process that started this one
    lines = status.read_text(encoding="ascii").splitlines() if status.exists() else []
    peak = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    print(json.dumps({"seconds": min(seconds), "processor": min(busy), **({"peak_mb": peak[0]} if peak else {})}))


if __name__ == "__main__":
    main(*sys.argv[1:])
