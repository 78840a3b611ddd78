"""Modules of torch trained by torch.optim alone, to the minimum, with weights of points: truths for `from_torch`."""

import copy

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel


class TokenMean(nn.Module):
    """Embedded tokens, their mean, and a linear layer."""

    def __init__(self, tokens=6, width=3, outputs=2):
        super().__init__()
        self.embed, self.head = nn.Embedding(tokens, width), nn.Linear(width, outputs)

    def forward(self, x):
        """(b, t) whole numbers to (b, outputs)."""
        return self.head(torch.tanh(self.embed(x)).mean(1))


class Transformer(nn.Module):
    """One block of attention and of a hidden layer, each behind a LayerNorm.

    Of a causal one a position sees those before it, and has outputs of its own: the next token's.
    """

    def __init__(self, tokens=4, width=3, heads=1, outputs=2, causal=False):
        super().__init__()
        self.causal = causal
        self.embed, self.heads = nn.Embedding(tokens, width), heads
        self.before, self.after = nn.LayerNorm(width, eps=0.1), nn.LayerNorm(width, eps=0.1)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.hidden = nn.Sequential(nn.Linear(width, width), nn.GELU())
        self.head = nn.Linear(width, outputs)

    def forward(self, x):
        """(b, t) whole numbers to (b, outputs), or (b, t, outputs) of a causal one."""
        units = self.embed(x)
        query, key, value = self.mix(self.before(units)).unflatten(-1, (self.heads, -1)).transpose(1, 2).chunk(3, -1)
        seen = nn.functional.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        units = units + self.out(seen.transpose(1, 2).flatten(2))
        units = units + self.hidden(self.after(units))
        return self.head(units if self.causal else units.mean(1))


def loaded(module, fit):
    """A copy of the module with the parameters of a fit, under torch's own names."""
    own = copy.deepcopy(module).double()
    own.load_state_dict(dict(fit.task.module.named(fit.theta)), strict=False)
    return own


def trained(module, loss, x, y, *, decay=0.0, weights=None, steps=30):
    """A copy at the minimum of Σ wᵢ ℓᵢ + ½ Σ decay θ² beside this module: Newton's steps, one backward pass a row.

    Decay is a number, or numbers by name.
    """
    own = copy.deepcopy(module).double()
    held = {name: each for name, each in own.named_parameters() if each.requires_grad}
    strengths = decay if isinstance(decay, dict) else dict.fromkeys(held, decay)
    weights = torch.full((len(y),), 1 / len(y)).double() if weights is None else weights
    parts = list(held.values())

    def objective():
        penalty = sum(strengths.get(name, 0.0) / 2 * each.square().sum() for name, each in held.items())
        # Fused attention has no second derivative.
        with sdpa_kernel(SDPBackend.MATH):
            return weights @ loss(own(x), y) + penalty

    for _ in range(steps):
        slope = torch.cat([each.flatten() for each in torch.autograd.grad(objective(), parts, create_graph=True)])
        if float(slope.detach().norm()) < 1e-10:
            break
        rows = [torch.autograd.grad(each, parts, retain_graph=True, materialize_grads=True) for each in slope]
        hessian = torch.stack([torch.cat([each.flatten() for each in row]) for row in rows])
        step = torch.linalg.lstsq(hessian, slope.detach()[:, None], driver="gelsd").solution[:, 0]
        before = torch.nn.utils.parameters_to_vector(parts).detach()
        torch.nn.utils.vector_to_parameters(before - step, parts)
    return own


def descended(module, loss, x, y, *, decay, steps=300):
    """The module itself after steps of Adam, near a minimum."""
    optimizer = torch.optim.Adam(module.parameters(), lr=0.03)
    for _ in range(steps):
        optimizer.zero_grad()
        penalty = sum(decay / 2 * each.square().sum() for each in module.parameters())
        (loss(module(x), y).mean() + penalty).backward()
        optimizer.step()
    return module


def changes(module, loss, x, y, watched, points, *, decay=0.0, share=0.0, rescaled=True):
    """The rise of each watched loss where a point has this share of its weight; the others then weigh more, or not."""
    x_test, y_test = watched
    found, before = [], loss(module(x_test), y_test).detach()
    for point in points:
        weights = torch.ones(len(y)).double()
        weights[point] = share
        weights = weights / (weights.sum() if rescaled else len(y))
        refit = trained(module, loss, x, y, decay=decay, weights=weights)
        found.append(loss(refit(x_test), y_test).detach() - before)
    return torch.stack(found)
