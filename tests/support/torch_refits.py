"""Modules of torch trained by torch.optim alone, to the minimum, with weights of points: truths for `from_torch`."""

import copy

import torch
from torch import nn


class TokenMean(nn.Module):
    """Embedded tokens, their mean, and a linear layer."""

    def __init__(self, tokens=6, width=3, outputs=2):
        super().__init__()
        self.embed, self.head = nn.Embedding(tokens, width), nn.Linear(width, outputs)

    def forward(self, x):
        """(b, t) whole numbers to (b, outputs)."""
        return self.head(torch.tanh(self.embed(x)).mean(1))


class Transformer(nn.Module):
    """One block of attention and of a hidden layer, each behind a LayerNorm."""

    def __init__(self, tokens=5, width=4, heads=2, outputs=2):
        super().__init__()
        self.embed, self.heads = nn.Embedding(tokens, width), heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.hidden = nn.Sequential(nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
        self.head = nn.Linear(width, outputs)

    def forward(self, x):
        """(b, t) whole numbers to (b, outputs)."""
        units = self.embed(x)
        query, key, value = self.mix(self.before(units)).unflatten(-1, (self.heads, -1)).transpose(1, 2).chunk(3, -1)
        seen = nn.functional.scaled_dot_product_attention(query, key, value)
        units = units + self.out(seen.transpose(1, 2).flatten(2))
        return self.head((units + self.hidden(self.after(units))).mean(1))


def trained(module, loss, x, y, *, decay=0.0, weights=None, steps=2):
    """A copy trained by L-BFGS to the minimum of Σ wᵢ ℓᵢ + ½ Σ decay θ²; decay is a number or numbers by name."""
    own = copy.deepcopy(module).double()
    held = {name: each for name, each in own.named_parameters() if each.requires_grad}
    strengths = decay if isinstance(decay, dict) else dict.fromkeys(held, decay)
    weights = torch.full((len(y),), 1 / len(y)).double() if weights is None else weights
    optimizer = torch.optim.LBFGS(
        held.values(), max_iter=200, tolerance_grad=1e-11, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def objective():
        optimizer.zero_grad()
        total = weights @ loss(own(x), y)
        total = total + sum(strengths.get(name, 0.0) / 2 * each.square().sum() for name, each in held.items())
        total.backward()
        return total

    for _ in range(steps):
        objective()
        if max(float(each.grad.abs().max()) for each in held.values()) < 1e-7:
            break
        optimizer.step(objective)
    return own


def changes(module, loss, x, y, watched, points, *, decay=0.0, scaled=True):
    """The rise of each watched loss without each point, of modules trained on from this one; the mean rescaled."""
    x_test, y_test = watched
    with torch.no_grad():
        before = loss(module(x_test), y_test)
    found = []
    for point in points:
        weights = torch.full((len(y),), 1.0).double()
        weights[point] = 0
        weights /= weights.sum() if scaled else len(y)
        refit = trained(module, loss, x, y, decay=decay, weights=weights)
        with torch.no_grad():
            found.append(loss(refit(x_test), y_test) - before)
    return torch.stack(found)
