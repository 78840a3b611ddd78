"""What of modules of torch has no influence is refused by name."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset
from torch_problems import DECAY, STANDS, WATCHED, X, Y, close, entropy

import influencelab as il
from influencelab.errors import InfluenceLabError, InvalidData, InvalidParameter, NotFinite, WrongType

pytestmark = pytest.mark.usefixtures("same_draws")


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
    "a parallel module": ((nn.DataParallel(LAYER),), r"spreads a module over devices. Give the one in it: \.module"),
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
    "several targets": ((X, X), InvalidData, "y is (30, 4), classes of shape"),
}


@pytest.mark.parametrize("name", POINTS)
def test_points_that_are_no_fixed_points_are_refused(name):
    given, error, words = POINTS[name]
    with pytest.raises(error, match=words.replace("(30, 4)", r"\(30, 4\)")):
        il.from_torch(LAYER, "cross_entropy", *given, X_test=WATCHED[0], y_test=WATCHED[1], allow_unconverged=True)


def test_points_without_a_finite_loss_are_named():
    with pytest.raises(NotFinite, match=r"15 train points have no finite loss.*ids 0, 2"):
        il.from_torch(LAYER, infinite, X, torch.arange(30) % 2, *WATCHED, allow_unconverged=True)


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
