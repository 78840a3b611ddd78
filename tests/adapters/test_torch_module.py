"""Modules of torch read as fits: their own objective, their own refits, and what has no influence refused by name."""

import copy
import math
import pickle

import numpy
import pytest
import torch
from problems import class_data
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch_networks import multilayer
from torch_refits import TokenMean, Transformer, changes, descended, loaded

import influencelab as il
from influencelab.errors import InfluenceLabError, InvalidData, InvalidParameter, NotConverged, NotFinite, WrongType
from influencelab.experiments.code_version import recipe_version
from influencelab.recipe import fingerprint

DATA = class_data(3, n=30, m=4, classes=2)
X, Y, WATCHED = DATA.x_train, DATA.y_train, (DATA.x_test, DATA.y_test)
DECAY, STANDS = 0.05, {"allow_unconverged": True}


def entropy(outputs, labels):
    return functional.cross_entropy(outputs, labels, reduction="none")


@pytest.fixture(autouse=True)
def same_draws():
    """Modules that are drawn in a test are the same ones each time."""
    torch.manual_seed(0)


@pytest.fixture(scope="module")
def ours():
    """A small network of our own at its minimum."""
    return il.fit(il.MLP(DECAY, width=3), DATA, il.Newton(), seed=1)


@pytest.fixture(scope="module")
def network(ours):
    """The same network by torch.nn."""
    module = multilayer((4, 3, 2))
    matrices = ours.theta[:15].view(3, 5), ours.theta[15:].view(2, 4)
    with torch.no_grad():
        for layer, matrix in zip((module[1], module[3]), matrices, strict=True):
            layer.weight.copy_(matrix[:, :-1])
            layer.bias.copy_(matrix[:, -1])
    return module


@pytest.fixture(scope="module")
def theirs(network):
    return il.from_torch(network, "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY)


def close(found, wanted, *, share=1e-6):
    return bool((found - wanted).abs().max() <= share * wanted.abs().max())


def test_a_network_has_the_numbers_of_the_same_network_of_our_own(ours, theirs):
    assert theirs.converged
    assert theirs.loss == pytest.approx(ours.loss, rel=1e-10)
    assert theirs.origin.moved < 1e-6
    estimators = [il.Exact(), il.ConjugateGradient(), il.NewtonStep(convention="renormalise"), il.EKFAC(damping=0.01)]
    for estimator in estimators:
        wanted = estimator.estimate(ours).predict(il.leave_one_out(DATA.n, convention="renormalise"))
        assert close(estimator.estimate(theirs).values, wanted), estimator
    removals = il.leave_one_out(DATA.n, rows=torch.arange(0, 30, 6), convention="renormalise")
    truths = [il.SecondOrder().retrain(fit, removals) for fit in (ours, theirs)]
    assert truths[1].trusted.all()
    assert close(truths[1].values, truths[0].values)


def test_check_and_compare_take_it(theirs):
    assert il.check(il.Exact().estimate(theirs), points=6).retrained.trusted.all()
    removals = il.leave_one_out(DATA.n, rows=[1, 2, 3], convention="renormalise")
    compared = il.compare(il.Exact().estimate(theirs), il.SecondOrder().retrain(theirs, removals))
    assert compared.mask.all()


def test_every_perturbation_is_predicted_where_penalties_differ(network):
    decay = {"*weight": DECAY, "*bias": 2 * DECAY}
    fit = il.from_torch(network, "cross_entropy", X, Y, *WATCHED, weight_decay=decay, polish=True)
    sensitivity = il.Exact().sensitivity(fit)
    point, other = {"n": 30, "points": torch.tensor([3])}, {"x": WATCHED[0][:1], "y": 1 - WATCHED[1][:1]}
    for perturbation in (
        il.PenaltyChange((1e-4,)),
        il.Replacement(**point, **other, share=1e-3),
        il.FeatureMove(**point, moves=torch.full((1, 4), 1e-3).double()),
    ):
        truth = il.SecondOrder().retrain(fit, perturbation)
        assert truth.trusted.all()
        assert close(sensitivity.predict(perturbation), truth.values, share=1e-2)


def test_a_network_that_stopped_anywhere_has_a_proximal_response():
    torch.manual_seed(1)
    fit = il.from_torch(multilayer((4, 3, 2)), "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY, **STANDS)
    removals = il.leave_one_out(30, rows=range(0, 30, 3), convention=fit.convention)
    predicted = il.Exact(curvature="gauss_newton", damping=10.0, **STANDS).estimate(fit).predict(removals)
    actual = il.SecondOrder(target="pbrf", target_damping=10.0).retrain(fit, removals)
    assert actual.trusted.all()
    assert float((predicted * actual.values).sum() / predicted.square().sum()) == pytest.approx(1, abs=0.02)


def test_the_task_trains_as_any_other_and_refuses_data_that_it_cannot_take(network, ours):
    task = il.TorchTask(DECAY, module=il.FrozenModule(network, X))
    assert il.fit(task, DATA, il.Newton()).loss == pytest.approx(ours.loss, rel=1e-10)
    floats = il.Dataset(X.float(), Y, WATCHED[0].float(), WATCHED[1])
    for data in (floats, il.Dataset(X, Y, *WATCHED, classes=3)):
        with pytest.raises(InvalidData, match=r"gives 2 outputs in torch\.float64, and data needs"):
            il.fit(task, data, il.Newton())
    with pytest.raises(WrongType, match=r"Make one: il\.FrozenModule\(network, X\)"):
        il.TorchTask(DECAY, module=network)


def test_one_linear_layer_has_the_numbers_of_scikit_learns_logistic_regression():
    model = LogisticRegression(C=2.0, tol=1e-10, max_iter=1000).fit(X.numpy(), Y.numpy())
    wanted = il.from_sklearn(model, X.numpy(), Y.numpy(), *WATCHED)
    layer = nn.Linear(4, 1).double()
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(model.coef_))
        layer.bias.copy_(torch.from_numpy(model.intercept_))
    loss = nn.BCEWithLogitsLoss(reduction="sum")
    found = il.from_torch(layer, loss, X, Y[:, None].float(), *WATCHED, weight_decay={"weight": 0.5})
    assert found.convention == wanted.convention == "drop"
    for estimator in (il.Exact(), il.NewtonStep()):
        assert close(estimator.estimate(found).values, estimator.estimate(wanted).values)


def test_squared_errors_are_whole_ones_and_their_sum_is_no_mean():
    """By the normal equations without each point."""
    generator = torch.Generator().manual_seed(0)
    targets = X @ torch.randn(4, generator=generator).double() + torch.randn(30, generator=generator).double()
    design, decay = torch.cat([X, torch.ones(30, 1)], dim=1), 3.0
    held = torch.diag(torch.tensor([decay] * 4 + [0.0]).double())

    def solved(kept, total):
        rows = design[kept]
        return torch.linalg.solve(2 / total * rows.T @ rows + held, 2 / total * rows.T @ targets[kept])

    watched = torch.cat([WATCHED[0], torch.ones(4, 1)], dim=1)
    for reduction, totals in (("mean", (30, 29)), ("sum", (1, 1))):
        whole, layer = solved(torch.arange(30), totals[0]), nn.Linear(4, 1).double()
        with torch.no_grad():
            layer.weight.copy_(whole[None, :4])
            layer.bias.copy_(whole[4:])
        answers = torch.zeros(4).double()
        fit = il.from_torch(
            layer, nn.MSELoss(reduction=reduction), X, targets, WATCHED[0], answers, weight_decay={"w*": decay}
        )
        refit = solved(torch.arange(30)[torch.arange(30) != 5], totals[1])
        removal = il.leave_one_out(30, rows=[5], convention=fit.convention)
        truth = il.SecondOrder().retrain(fit, removal).values[0]
        assert close(truth, (watched @ refit).square() - (watched @ whole).square())
        if reduction == "sum":  # where one step is exact
            found = il.NewtonStep().estimate(fit).values[5]
            assert close(found, 2 * (watched @ whole) * (watched @ (refit - whole)), share=1e-8)
        assert fit.measures() == pytest.approx((watched @ whole).square(), rel=1e-10)


def test_the_module_that_was_given_stays_as_it_was():
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh(), nn.Linear(3, 2))
    module[1](torch.randn(50, 3))
    module.eval()
    module[0].bias.requires_grad_(False)
    before, modes = copy.deepcopy(module.state_dict()), [each.training for each in module.modules()]
    fit = il.from_torch(module, "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY, polish=True)
    il.Exact().estimate(fit)
    assert fit.theta.dtype == torch.float64
    assert all(torch.equal(before[name], each) for name, each in module.state_dict().items())
    assert all(each.dtype == before[name].dtype for name, each in module.state_dict().items())
    assert modes == [each.training for each in module.modules()]
    assert [name for name, each in module.named_parameters() if not each.requires_grad] == ["0.bias"]
    assert all(each.grad is None for each in module.parameters())
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in module.modules())
    assert "0.bias" not in fit.task.module.names
    assert "3 parameters constant" in fit.summary()["task"]


def test_named_parameters_alone_are_trained(network):
    """The last layer is a logistic regression on what the first gives."""
    hidden = [torch.tanh(network[1](each)).detach() for each in (X, WATCHED[0])]
    data = il.Dataset(hidden[0], Y, hidden[1], WATCHED[1])
    wanted = il.fit(il.Logistic(DECAY, penalise_intercept=True), data, il.Newton())
    fit = il.from_torch(network, "cross_entropy", X, Y, *WATCHED, parameters="3.*", weight_decay=DECAY, polish=True)
    assert fit.task.module.names == ("3.weight", "3.bias")
    removals = il.leave_one_out(DATA.n, convention="renormalise")
    predictions = [il.Exact().estimate(each).predict(removals) for each in (wanted, fit)]
    assert close(predictions[1], predictions[0])


def test_each_parameter_has_the_penalty_of_its_name_or_of_its_group(network):
    strengths = {"1.weight": 0.3, "1.bias": 0.0, "3.weight": 0.1, "3.bias": 0.1}
    groups = [
        {"params": [network[1].weight], "weight_decay": 0.3},
        {"params": [network[1].bias]},
        {"params": network[3].parameters(), "weight_decay": 0.1},
    ]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    penalty = sum(strengths[name] / 2 * each.square().sum() for name, each in network.named_parameters())
    objective = float((entropy(network(X), Y).mean() + penalty).detach())
    pattern = {"1.weight": 0.3, "3.*": 0.1, "1.*": 0.0}
    for settings in ({"weight_decay": pattern}, {"optimizer": optimizer}):
        fit = il.from_torch(network, "cross_entropy", X, Y, *WATCHED, allow_unconverged=True, **settings)
        assert fit.loss == pytest.approx(objective, rel=1e-12)
        assert not fit.task.plain
    # What every penalised parameter has at least grows with weight decay.
    more = il.fit_at(
        fit.task.__class__(0.2, *list(vars(fit.task).values())[1:]), fit.data, fit.theta, trainer=il.Newton()
    )
    others = sum(each.square().sum() for name, each in network.named_parameters() if name != "1.bias")
    assert more.loss - fit.loss == pytest.approx(0.1 / 2 * float(others.detach()), rel=1e-10)


def test_weights_of_classes_are_weights_of_points(network):
    weight = torch.tensor([1.0, 3.0]).double()
    wanted = nn.CrossEntropyLoss(weight=weight)(network(X), Y)
    fit = il.from_torch(network, nn.CrossEntropyLoss(), X, Y, *WATCHED, weight[Y], **STANDS)
    assert fit.loss == pytest.approx(float(wanted.detach()), rel=1e-12)
    total = il.from_torch(network, entropy, X, Y, *WATCHED, weight[Y], reduction="sum", **STANDS)
    assert total.loss == pytest.approx(float(wanted.detach() * weight[Y].sum()), rel=1e-12)


def test_data_sets_and_loaders_are_their_points(network, theirs):
    points, watched = TensorDataset(X, Y), TensorDataset(*WATCHED)
    for given in (points, DataLoader(points, batch_size=7), DataLoader(points, batch_size=None)):
        fit = il.from_torch(network, nn.CrossEntropyLoss(), given, X_test=watched, weight_decay=DECAY)
        assert fit.data.content_hash() == theirs.data.content_hash()
    assert fit.task == theirs.task


class Noisy(torch.utils.data.Dataset):
    """Points that are augmented."""

    def __len__(self):
        return len(X)

    def __getitem__(self, place):
        return X[place] + torch.randn(4), Y[place]


class Mixing(nn.Module):
    """What a point gives depends on the mean of its batch."""

    def forward(self, x):
        """Less their mean."""
        return x - x.mean(0)


class InPlace(nn.Module):
    """Writes units into a tensor of its own, which no batch of models can."""

    def forward(self, x):
        """The same."""
        whole = torch.zeros(len(x), 4, dtype=x.dtype)
        whole[:, :] = x
        return whole


class Counting(nn.Module):
    """Changes by being used."""

    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x):
        """The same."""
        self.calls += 1
        return x


class Unused(nn.Module):
    """Has a layer that it never calls."""

    def __init__(self):
        super().__init__()
        self.body, self.idle = nn.Linear(4, 2), nn.Linear(2, 2)

    def forward(self, x):
        """Outputs."""
        return self.body(x)


class Pair(nn.Linear):
    """Gives two things."""

    def forward(self, x):
        """Outputs and points."""
        return super().forward(x), x


class Inner(nn.Module):
    """Holds a network under a name."""

    def __init__(self, *parts):
        super().__init__()
        self.net = nn.Sequential(*parts)

    def forward(self, x):
        """Outputs."""
        return self.net(x)


class Detached(nn.Linear):
    """Cut off from its parameters by half."""

    def forward(self, x):
        """Outputs."""
        return super().forward(x) + super().forward(x).detach()


class Recurrent(nn.Module):
    """The last state of a recurrent layer."""

    def __init__(self):
        super().__init__()
        self.cell = nn.GRU(2, 2, batch_first=True)

    def forward(self, x):
        """Outputs."""
        return self.cell(x.unflatten(1, (2, 2)))[0][:, -1]


def broken():
    """A layer with a NaN."""
    layer = nn.Linear(4, 2)
    with torch.no_grad():
        layer.bias[0] = math.nan
    return layer


LAYER = nn.Linear(4, 2)
REFUSED = {
    "dropout": ((Inner(LAYER, nn.Dropout(0.5)),), r"net\.1: Dropout\(p=0\.5.*eval\(\)"),
    "dropout of attention": ((nn.MultiheadAttention(4, 2, dropout=0.1),), r"MultiheadAttention.*is active"),
    "batch statistics": ((nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2)),), r"1: BatchNorm1d.*batch.*GroupNorm"),
    "no running statistics": (
        (nn.Sequential(LAYER, nn.BatchNorm1d(2, track_running_stats=False)).eval(),),
        r"1: BatchNorm1d.*track_running_stats=True",
    ),
    "points that mix": ((nn.Sequential(LAYER, Mixing()),), r"1: Mixing\(\).*mixes the points"),
    "writing in place": ((nn.Sequential(LAYER, nn.Linear(2, 4), InPlace()),), r"2: InPlace\(\) fails.*torch\.func"),
    "change by use": ((nn.Sequential(LAYER, Counting()),), "Buffer 1.calls changes"),
    "an unused layer": ((Unused(),), r"No output depends on idle\.weight, idle\.bias"),
    "no parameter": ((Unused().requires_grad_(False),), "no parameter that requires a gradient"),
    "two outputs": ((Pair(4, 2),), r"gives tuple for 3 points.*Wrap it"),
    "rows of rows": ((nn.Unflatten(1, (2, 2)),), "no parameter that requires"),
    "other features": ((nn.Linear(5, 2),), r"Linear\(in_features=5.*fails to give outputs of a batch.*Give X"),
    "a part cut off": ((Detached(4, 2),), r"first derivatives of Detached.*detach"),
    "a recurrent layer": ((Recurrent(),), r"cell: GRU\(2, 2.*second derivatives of single points.*recurrent"),
    "a NaN": ((broken(),), "Parameter bias has NaN"),
    "no module": ((lambda x: x,), r"module is a function, expected a Module\. Give a module of torch"),
    "a name": ((LAYER, "nll"), r"loss is 'nll', expected one of cross_entropy, mse, bce_with_logits"),
    "a class": ((LAYER, nn.CrossEntropyLoss), r"loss is the class CrossEntropyLoss.*Call it"),
    "weights of classes": ((LAYER, nn.CrossEntropyLoss(weight=torch.ones(2))), r"sample_weight=weight\[y\]"),
    "another mean": ((LAYER, nn.KLDivLoss(reduction="batchmean")), "reduction='batchmean'"),
    "a mean": ((LAYER, functional.cross_entropy), r"The loss gives \(\) for 3 points.*reduction='none'"),
    "several outputs": ((LAYER, nn.MSELoss()), "gives 2 outputs a point, and this loss takes one"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_influence_is_refused_by_name(name):
    (module, *loss), words = REFUSED[name]
    with pytest.raises(InfluenceLabError, match=words):
        il.from_torch(module, *(loss or ["cross_entropy"]), X, Y, *WATCHED, allow_unconverged=True)


SETTINGS = {
    "AdamW": ({"optimizer": torch.optim.AdamW(LAYER.parameters())}, r"AdamW shrinks parameters.*no penalty"),
    "both": ({"optimizer": torch.optim.SGD(LAYER.parameters()), "weight_decay": 1.0}, "Leave one out"),
    "another module's": ({"optimizer": torch.optim.SGD([torch.zeros(1)])}, "does not train weight, bias"),
    "no optimiser": ({"optimizer": 0.1}, "optimizer is 0.1, expected one of torch.optim"),
    "an unknown name": ({"weight_decay": {"head": 0.1}}, r"No trained parameter fits 'head'.*weight, bias"),
    "an unknown parameter": ({"parameters": ["head.*"]}, r"fits 'head\.\*'\. Those"),
    "below 0": ({"weight_decay": -1.0}, r"weight_decay of weight is -1\.0"),
    "a text": ({"weight_decay": "0.1"}, "weight_decay is the text '0.1'"),
    "another reduction": ({"reduction": "max"}, "reduction is 'max'"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_that_mean_nothing_are_refused(name):
    settings, words = SETTINGS[name]
    with pytest.raises(InfluenceLabError, match=words):
        il.from_torch(LAYER, "cross_entropy", X, Y, *WATCHED, allow_unconverged=True, **settings)


def infinite(outputs, labels):
    return entropy(outputs, labels) + (outputs[:, 0] * 0 + labels.double()).reciprocal()


POINTS = {
    "shuffled": ((DataLoader(TensorDataset(X, Y), shuffle=True),), InvalidData, r"RandomSampler.*shuffle=False"),
    "augmented": ((Noisy(),), InvalidData, r"other values in a second pass.*random transforms"),
    "features alone": ((TensorDataset(X),), WrongType, r"An item of X is a tuple, expected a pair"),
    "labels twice": ((TensorDataset(X, Y), Y), WrongType, "holds labels already. Leave y out"),
    "no labels": ((X,), WrongType, "y is missing"),
    "a class too many": ((X, Y + 1), InvalidData, r"y goes from 1 to 2 in int64.*0 … 1"),
    "real labels": ((X, Y.double()), InvalidData, r"whole numbers 0 … 1.*y\.long\(\)"),
    "too few labels": ((X, Y[:5]), InvalidData, "have 30 and 5 rows"),
    "several targets": ((X, X), InvalidData, "y is (30, 4), expected one label"),
}


@pytest.mark.parametrize("name", POINTS)
def test_points_that_are_no_fixed_points_are_refused(name):
    given, error, words = POINTS[name]
    with pytest.raises(error, match=words.replace("(30, 4)", r"\(30, 4\)")):
        il.from_torch(LAYER, "cross_entropy", *given, X_test=WATCHED[0], y_test=WATCHED[1], allow_unconverged=True)


def test_points_without_a_finite_loss_are_named():
    with pytest.raises(NotFinite, match=r"15 train points have no finite loss.*ids 0, 2"):
        il.from_torch(LAYER, infinite, X, torch.arange(30) % 2, *WATCHED, allow_unconverged=True)


def test_parameters_that_are_no_minimum_are_refused_polished_or_taken_as_they_stand():
    module = multilayer((4, 40, 80, 2))
    with pytest.raises(NotConverged, match=r"no minimum of this objective.*polish=True.*allow_unconverged=True"):
        il.from_torch(module, "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY)
    fit = il.from_torch(module, "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY, allow_unconverged=True)
    assert len(fit.theta) == 3642
    assert not fit.converged
    assert fit.origin.held == ("the parameters as they stand, at no minimum",)
    with pytest.raises(NotConverged, match="allow_unconverged=True"):
        il.EKFAC(damping=0.1).estimate(fit)
    exact = il.ConjugateGradient(curvature="gauss_newton", damping=0.1, allow_unconverged=True).estimate(fit)
    near = il.EKFAC(damping=0.1, allow_unconverged=True).estimate(fit)
    assert float(exact.residual.max()) <= 1e-8
    assert numpy.corrcoef(exact.values.flatten(), near.values.flatten())[0, 1] > 0.9


def test_factors_of_layers_make_the_blocks_of_the_gauss_newton_curvature():
    """Strides, paddings, dilations, positions of a linear layer, and a layer without bias."""
    module = nn.Sequential(
        nn.Conv2d(1, 2, (3, 2), stride=(1, 2), padding=1, dilation=(2, 1)),
        nn.Tanh(),
        nn.Linear(3, 2, bias=False),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(8, 2),
    )
    x, y = images()
    fit = il.from_torch(module, "cross_entropy", x[:6], y[:6], x[6:8], y[6:8], **STANDS)
    dense = il.Curvature(fit, kind="gauss_newton").dense()
    used = 0
    for layer in fit.task.layer_factors(fit.theta, fit.data.x_train, fit.data.y_train):
        slopes = torch.einsum("cgtb,htb->cbgh", layer.root_slopes, layer.inputs).flatten(2)
        block = torch.einsum("cbp,cbq->pq", slopes, slopes) / 6
        assert close(block, dense[used : used + len(block), used : used + len(block)], share=1e-10)
        used += len(block)
    assert used == len(fit.theta)
    assert close(il.Curvature(fit, kind="gauss_newton").diagonal(), dense.diagonal(), share=1e-10)


def test_layers_of_another_kind_are_left_to_conjugate_gradients():
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.Linear(3, 2))
    fit = il.from_torch(module, "cross_entropy", X, Y, *WATCHED, allow_unconverged=True)
    with pytest.raises(InvalidParameter, match=r"1\.weight is of LayerNorm.*'conjugate_gradient'"):
        il.EKFAC(damping=1.0, allow_unconverged=True).estimate(fit)
    curvature = il.Curvature(fit, kind="gauss_newton")
    assert close(curvature.diagonal(), curvature.dense().diagonal(), share=1e-10)


def test_losses_without_a_closed_form_are_differentiated(network, theirs):
    fit = il.from_torch(network, entropy, X, Y, *WATCHED, weight_decay=DECAY)
    for estimator in (il.Exact(curvature="gauss_newton"), il.NewtonStep(convention="renormalise")):
        assert close(estimator.estimate(fit).values, estimator.estimate(theirs).values)
    smooth = nn.CrossEntropyLoss(label_smoothing=0.1)
    found = il.from_torch(network, smooth, X, Y, *WATCHED, weight_decay=DECAY, allow_unconverged=True)
    outputs = network(WATCHED[0]).detach().log_softmax(1)
    wanted = (
        -0.95 * outputs.gather(1, WATCHED[1][:, None])[:, 0] - 0.05 * outputs.gather(1, 1 - WATCHED[1][:, None])[:, 0]
    )
    assert found.measures() == pytest.approx(wanted, rel=1e-10)
    errors = lambda z, y: functional.huber_loss(z, y, reduction="none", delta=0.5)  # noqa: E731
    for loss in (nn.HuberLoss(delta=0.5), errors):
        robust = il.from_torch(nn.Linear(4, 1), loss, X, X[:, :1], X, X[:, 1:2], parameters="weight", **STANDS)
        values = functional.huber_loss(robust.task.outputs(robust.theta, X)[0], X[:, 1], reduction="none", delta=0.5)
        assert robust.measures() == pytest.approx(values, rel=1e-12)
        assert robust.task.kink is None
    kinked = il.from_torch(nn.Linear(4, 1), nn.L1Loss(), X, X[:, :1], X, X[:, 1:2], **STANDS)
    assert kinked.task.kink == "function 'l1_loss' in the loss"
    bent = il.from_torch(
        nn.Sequential(LAYER, nn.ReLU(inplace=True), nn.Linear(2, 2)), entropy, X, Y, *WATCHED, **STANDS
    )
    assert bent.task.kink == "function 'relu' in 1: ReLU(inplace=True)"


def test_a_task_is_its_module_content_and_code(network, theirs):
    task, again = theirs.task, pickle.loads(pickle.dumps(theirs.task))
    assert again == task
    assert hash(again) == hash(task)
    assert fingerprint(again) == fingerprint(task)
    assert torch.equal(again.outputs(theirs.theta, X), task.outputs(theirs.theta, X))
    other = copy.deepcopy(network)
    with torch.no_grad():
        other[1].bias += 1e-9
    moved = il.from_torch(other, "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY).task
    assert moved != task
    assert fingerprint(moved) != fingerprint(task)
    assert "FrozenModule(Sequential, 23 parameters" in repr(task)


@pytest.mark.slow
def test_other_code_under_the_same_name_has_another_version():
    layer = nn.Linear(4, 2)
    versions = set()
    for source in ("return 2 * x", "return 3 * x"):
        space = {"nn": nn, "__name__": __name__}
        text = f"class Scale(nn.Module):\n    def forward(self, x):\n        {source}"
        exec(compile(text, "scale.py", "exec"), space)
        frozen = il.FrozenModule(nn.Sequential(layer, space["Scale"]()), X)
        versions.add(recipe_version(il.TorchTask(0.1, module=frozen)))
    assert len(versions) == 2


class Wrong(torch.autograd.Function):
    """A square whose slope is wrong."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        """The square."""
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Keep x."""
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx, slope):
        """Half the slope."""
        return slope * ctx.saved_tensors[0]

    @staticmethod
    def jvp(ctx, tangent):
        """The same along a tangent."""
        return tangent * ctx.saved_tensors[0]


class Squared(nn.Linear):
    """The square of a layer."""

    def forward(self, x):
        """Squares."""
        return Wrong.apply(super().forward(x))


def test_derivatives_that_are_wrong_in_silence_are_found_and_those_of_layer_norms_mended():
    with pytest.raises(InvalidParameter, match=r"torch's first derivatives of Squared are not those of its outputs"):
        il.FrozenModule(Squared(4, 2), X)
    module = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3, eps=0.1), nn.Linear(3, 2)).double()
    fit = il.from_torch(module, "cross_entropy", X, Y, *WATCHED, weight_decay=DECAY, **STANDS)
    torch.testing.assert_close(fit.task.outputs(fit.theta, X).T, module(X).detach(), rtol=1e-12, atol=1e-12)

    def slope(step):
        """Of the objective in the layer norm's weight and in the layer before it, by torch's first derivatives."""
        moved = copy.deepcopy(module)
        with torch.no_grad():
            moved[1].weight += torch.tensor([step, -step, 0.0])
        found = torch.autograd.grad(entropy(moved(X), Y).mean(), [moved[0].weight, moved[0].bias])
        return torch.cat([found[0], found[1][:, None]], dim=1).flatten()

    along = torch.zeros_like(fit.theta)
    along[15], along[16] = 1.0, -1.0
    curved = il.Curvature(fit) @ along[:, None]
    wanted = (slope(1e-5) - slope(-1e-5)) / 2e-5
    assert close(curved[:15, 0], wanted, share=1e-7)


def test_tokens_stay_whole_and_cannot_move_a_little():
    tokens, labels = torch.randint(4, (30, 3), generator=torch.Generator().manual_seed(1)), Y
    fit = il.from_torch(TokenMean(4, 2), entropy, tokens, labels, tokens[:3], labels[:3], weight_decay=0.1, polish=True)
    assert fit.task.module.whole
    estimate = il.Exact().estimate(fit)
    move = il.FeatureMove(n=30, points=torch.tensor([0]), moves=torch.ones(1, 3).double())
    with pytest.raises(InvalidParameter, match="whole numbers, such as tokens: they cannot move a little"):
        estimate.predict(move)
    with pytest.raises(InvalidData, match=r"Some test points do not pass through the module \(IndexError"):
        il.from_torch(TokenMean(4, 2), entropy, tokens, labels, tokens + 1, labels, **STANDS)
    with pytest.raises(InvalidData, match="whole numbers"):
        il.from_torch(TokenMean(4, 2), entropy, tokens, labels, tokens[:3].double(), labels[:3], **STANDS)


def images():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(104, 1, 4, 4, generator=generator).double()
    return x, (x[:, 0, :2].mean((1, 2)) + 0.3 * torch.randn(104, generator=generator) > 0).long()


def sentences():
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(4, (104, 4), generator=generator)
    return x, ((x == 1).sum(1) + 0.7 * torch.randn(104, generator=generator) > 0.8).long()


def frozen_statistics():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Flatten(), nn.Linear(8, 2))
    module(images()[0].float())
    return module.eval()


def grouped():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.GroupNorm(2, 2, eps=0.1), nn.Flatten(), nn.Linear(8, 2))


KINDS = {
    "MLP": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 2), nn.Tanh(), nn.Linear(2, 2)), images, 0.3),
    "GroupNorm": (grouped, images, 0.3),
    "frozen BatchNorm": (frozen_statistics, images, 0.2),
    "embeddings": (lambda: TokenMean(4, 2), sentences, 0.05),
    "transformer": (Transformer, sentences, 0.03),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_predictions_are_the_changes_of_refits_by_torch_alone(name):
    make, points, decay = KINDS[name]
    module, (x, y) = make().double(), points()
    module = descended(module, entropy, x[:100], y[:100], decay=decay)
    watched = x[100:], y[100:]
    fit = il.from_torch(module, "cross_entropy", x[:100], y[:100], *watched, weight_decay=decay, polish=True)
    rows, at, given = torch.tensor([0, 30]), loaded(module, fit), (x[:100], y[:100], watched)
    actual = changes(at, entropy, *given, rows.tolist(), decay=decay)
    truth = il.SecondOrder().retrain(fit, il.leave_one_out(100, rows=rows, convention="renormalise"))
    assert truth.trusted.all()
    assert close(truth.values, actual, share=1e-5)
    predicted = il.NewtonStep(convention="renormalise").estimate(fit).values[rows]
    slope = float((predicted * actual).sum() / predicted.square().sum())
    assert math.isclose(slope, 1, abs_tol=0.06)
    # Differences in a point's weight are slopes themselves.
    ends = [changes(at, entropy, *given, [30], decay=decay, share=each, rescaled=False) for each in (1.05, 0.95)]
    assert close(il.Exact().estimate(fit).slopes[30:31] / 100, (ends[0] - ends[1]) / 0.1, share=1e-3)
