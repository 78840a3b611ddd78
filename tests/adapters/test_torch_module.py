"""Modules of torch read as fits: the numbers of the same models by our own code, in every setting."""

import copy
import pickle

import numpy
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torch_networks import multilayer
from torch_problems import DATA, DECAY, STANDS, WATCHED, X, Y, close, entropy

import influencelab as il
from influencelab.errors import InvalidData, NotConverged, WrongType
from influencelab.experiments.code_version import recipe_version
from influencelab.recipe import fingerprint

pytestmark = pytest.mark.usefixtures("same_draws")


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


def test_data_sets_and_loaders_are_their_points(network, theirs):
    points, watched = TensorDataset(X, Y), TensorDataset(*WATCHED)
    for given in (points, DataLoader(points, batch_size=7), DataLoader(points, batch_size=None)):
        fit = il.from_torch(network, nn.CrossEntropyLoss(), given, X_test=watched, weight_decay=DECAY)
        assert fit.data.content_hash() == theirs.data.content_hash()
    assert fit.task == theirs.task


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
