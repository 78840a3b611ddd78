"""The convolutional network is the one of the paper, and k of them at once are k of them one by one."""

from dataclasses import replace

import pytest
import torch
import torch_networks
from problems import images, split

from influencelab.errors import InvalidData, InvalidParameter
from influencelab.models import derivatives, loss_derivatives
from influencelab.models.tasks.all_cnn import AllCNN
from influencelab.training.fit import fit
from influencelab.training.trainers.adam import Adam

CASES = {
    "even sides": (AllCNN(0.1, channels=2), 8),
    "odd sides": (AllCNN(0.1, channels=3), 5),
    "as the small one": (AllCNN(0.1, channels=4, pool=2), 28),
    "patches inside only": (AllCNN(0.1, channels=2, padding="valid"), 21),
}


@pytest.fixture(params=CASES)
def case(request):
    """A task, data, three models, and the network by torch.nn."""
    task, side = CASES[request.param]
    data = images(side=side)
    theta = torch.stack([task.start(data, seed) for seed in range(3)])
    theta += 0.1 * torch.randn(theta.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    network = torch_networks.convolutional(side, task.channels, 3, pool=task.pool, same=task.padding == "same")
    return task, data, theta, network


@pytest.mark.parametrize(("channels", "count"), [(8, 2616), (4, 792)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_the_network_has_as_many_parameters_as_the_papers(channels, count, padding):
    task, data = AllCNN(0.001, channels=channels, padding=padding), images(side=28, classes=10)
    assert len(task.start(data, 0)) == len(task.penalised(data)) == count
    assert task.outputs(task.start(data, 0), data.x_train).shape == (10, 6)


def test_outputs_of_several_models_are_those_of_torch_one_by_one(case):
    task, data, theta, network = case
    found = task.outputs(theta, data.x_train)
    assert found.shape == (3, 3, 6)
    for model, z in zip(theta, found, strict=True):
        wanted = torch_networks.outputs(network, model, data.x_train).detach()
        assert torch.allclose(z.T, wanted, rtol=1e-13, atol=1e-14)
        alone, batch_of_one = task.outputs(model, data.x_train), task.outputs(model[None], data.x_train)[0]
        assert torch.allclose(alone, batch_of_one, rtol=1e-13, atol=1e-14)


def test_zeros_on_both_sides_of_an_even_side_are_another_network(case, monkeypatch):
    task, data, theta, _ = case
    monkeypatch.setattr(torch_networks, "zeros_around", lambda *_: torch.nn.ZeroPad2d(1))
    side = data.x_train.shape[1]
    other = torch_networks.convolutional(side, task.channels, 3, pool=task.pool, same=task.padding == "same")
    wanted = torch_networks.outputs(other, theta[0], data.x_train).detach()
    same = torch.allclose(task.outputs(theta[0], data.x_train).T, wanted, atol=1e-6)
    halved_even = task.padding == "same" and (side // task.pool) % 2 == 0
    assert same != halved_even


def test_gradients_and_curvature_products_are_those_of_torch(case):
    task, data, theta, network = case
    weights = torch.rand(3, 6, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    vector = torch.randn(theta.shape[1], generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    found = derivatives.gradients(task, data, theta, weights)

    def objective(model, weight):
        losses = torch.nn.functional.cross_entropy(
            torch_networks.outputs(network, model, data.x_train), data.y_train, reduction="none"
        )
        matrices = [part for name, part in torch_networks.parts(network, model).items() if "weight" in name]
        return weight @ losses + 0.05 * sum(part.square().sum() for part in matrices)

    for model, weight, slope in zip(theta, weights, found, strict=True):
        bent = torch.autograd.functional.hvp(lambda at, weight=weight: objective(at, weight), model, vector)[1]
        assert torch.allclose(objective(model, weight), derivatives.objectives(task, data, model[None], weight[None]))
        wanted = torch.autograd.functional.jacobian(lambda at, weight=weight: objective(at, weight), model)
        assert torch.allclose(slope, wanted, rtol=1e-11, atol=1e-13)
        product = derivatives.products(task, data, model, weight, vector[None])[0]
        assert torch.allclose(product, bent, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("kind", derivatives.PRODUCTS)
def test_the_dense_curvature_is_the_products_with_every_direction(kind):
    task, data = AllCNN(0.1, channels=1), images(side=5)
    theta, weights = task.start(data, 0), torch.full((6,), 1 / 6, dtype=torch.float64)
    dense = derivatives.hessians(task, data, theta[None], weights[None], kind=kind)[0]
    eye = torch.eye(len(theta), dtype=torch.float64)
    assert torch.allclose(dense, derivatives.products(task, data, theta, weights, eye, kind=kind), atol=1e-14)
    assert torch.allclose(dense, dense.T, atol=1e-14)


def test_pixels_in_a_row_are_the_square_they_make():
    task, data = AllCNN(0.1, channels=2, pool=2), images(side=8)
    theta = task.start(data, 0)
    flat, square = task.outputs(theta, data.x_train.flatten(1)), task.outputs(theta, data.x_train)
    assert torch.allclose(flat, square, rtol=1e-13, atol=1e-14)


def test_pooling_averages_squares_of_the_image():
    data = images(side=8)
    by_hand = (data.x_train[:, ::2, ::2] + data.x_train[:, 1::2, ::2] + data.x_train[:, ::2, 1::2]) / 4
    by_hand += data.x_train[:, 1::2, 1::2] / 4
    task = AllCNN(0.1, channels=2, pool=2)
    theta = task.start(data, 0)
    assert torch.allclose(task.outputs(theta, data.x_train), replace(task, pool=1).outputs(theta, by_hand), atol=1e-14)


def test_weights_start_as_published_and_biases_at_0_unpenalised():
    task, data = AllCNN(0.1, channels=40), images(side=5)
    start, mask = task.start(data, 3), task.penalised(data)
    used, cut = 0, 0.8796
    for layer, (rows, columns) in enumerate(task.shapes(data)):
        matrix = start[used : used + rows * columns].view(rows, columns)
        penalised = mask[used : used + rows * columns].view(rows, columns)
        assert penalised[:, :-1].all()
        assert not penalised[:, -1].any()
        assert not matrix[:, -1].any()
        spread = (1 if layer == 6 else 2) / (columns - 1) ** 0.5
        assert matrix.abs().max() <= 2 * spread
        if layer in (1, 2, 3, 4):
            assert float(matrix[:, :-1].std()) == pytest.approx(cut * spread, rel=0.02)
        used += rows * columns
    # Equal bits: the same draws by the same code.
    assert torch.equal(start, task.start(data, 3))
    assert not torch.equal(start, task.start(data, 4))


def test_chunks_of_points_keep_patches_small_and_change_nothing(monkeypatch):
    task, data = AllCNN(0.1, channels=2), images(side=8, n=20)
    theta, weights = task.start(data, 0).repeat(2, 1), torch.full((2, 20), 0.05, dtype=torch.float64)
    whole = derivatives.gradients(task, data, theta, weights)
    # 9 places at each position of each of the inputs' channels.
    assert task.units(data) == 9 * (1 * 64 + 2 * 16 + 2 * 16 + 2 * 4 + 2 * 4)
    monkeypatch.setattr(loss_derivatives, "CHUNK", 10 * task.units(data))
    assert [len(range(20)[rows]) for rows in task.derivatives(data).chunks(2)] == [5, 5, 5, 5]
    assert torch.allclose(derivatives.gradients(task, data, theta, weights), whole, rtol=1e-12, atol=1e-16)


def test_it_learns_in_the_datas_own_precision():
    x = torch.zeros(40, 8, 8)
    x[::2, :4], x[1::2, 4:] = 1, 1
    data = split(x, torch.arange(40) % 2, n=30, classes=2)
    fitted = fit(AllCNN(1e-4, channels=2), data, Adam(learning_rate=0.05, steps=60))
    assert fitted.theta.dtype == torch.float32
    assert fitted.accuracy() == (1.0, 1.0)


def test_images_that_do_not_suit_are_refused():
    with pytest.raises(InvalidData, match=r"features \(7, 7\).*multiples of pool = 2.*another pool"):
        AllCNN(0.1, pool=2).outputs(torch.zeros(2616, dtype=torch.float64), images(side=7).x_train)
    with pytest.raises(InvalidData, match=r"features \(15,\).*a square in one row"):
        AllCNN(0.1).outputs(torch.zeros(2616, dtype=torch.float64), torch.zeros(2, 15, dtype=torch.float64))
    with pytest.raises(InvalidData, match=r"shrunk to 1 × 1.*padding='same'"):
        AllCNN(0.1, padding="valid").units(images(side=14))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"channels": 0}, "channels is 0"),
        ({"pool": 0}, "pool 0"),
        ({"padding": "full"}, "padding is 'full', expected one of same, valid"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(InvalidParameter, match=message):
        AllCNN(0.1, **settings)


@pytest.mark.parametrize(("activation", "residual"), [("softplus", True), ("gelu", False)])
def test_other_activations_and_residual_convolutions_are_those_of_torch_layer_by_layer(activation, residual):
    data, bend = images(side=8), getattr(torch.nn.functional, activation)
    task = AllCNN(0.1, channels=2, activation=activation, residual=residual, penalise_bias=True)
    theta = task.start(data, 1) + 0.1
    parts, used = [], 0
    for rows, columns in task.shapes(data):
        parts.append(theta[used : used + rows * columns].reshape(rows, columns))
        used += rows * columns
    units = data.x_train[:, None]
    for place, (stride, matrix) in enumerate(zip((1, 2, 1, 2, 1), parts, strict=False)):
        seen = torch_networks.zeros_around(units.shape[-1], stride)(units)
        kernel = matrix[:, :-1].reshape(len(matrix), -1, 3, 3)
        bent = bend(torch.nn.functional.conv2d(seen, kernel, matrix[:, -1], stride=stride))
        units = units + bent if residual and place in (2, 4) else bent
    narrow, last = parts[5:]
    units = bend(torch.einsum("uc,bchw->buhw", narrow[:, :-1], units) + narrow[:, -1, None, None]).mean((2, 3))
    wanted = units @ last[:, :-1].T + last[:, -1]
    assert torch.allclose(task.outputs(theta, data.x_train).T, wanted, rtol=1e-12, atol=1e-13)
    assert task.penalised(data).all()
    assert task.kink is None


def test_networks_that_cannot_be_are_refused():
    with pytest.raises(InvalidParameter, match="activation is 'relu', expected one of tanh"):
        AllCNN(0.1, activation="relu")
    with pytest.raises(InvalidParameter, match="residual needs padding 'same'"):
        AllCNN(0.1, residual=True, padding="valid")
