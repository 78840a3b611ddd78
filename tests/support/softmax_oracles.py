"""Softmax regression written out point by point in NumPy: it knows nothing of our derivatives or curvature."""

import numpy


def softmax_parts(fit, x, y):
    """Gradients (one a row) and Hessians of the loss of each point, Θ of c rows with the intercept last."""
    x = numpy.column_stack([x, numpy.ones(len(x))]) if fit.task.intercept else x
    theta = fit.theta.numpy().reshape(-1, x.shape[1])
    gradients, hessians = [], []
    for point, label in zip(x, y, strict=True):
        odds = numpy.exp(theta @ point - (theta @ point).max())
        share = odds / odds.sum()
        gradients.append(numpy.outer(share - (numpy.arange(len(share)) == label), point).ravel())
        hessians.append(numpy.kron(numpy.diag(share) - numpy.outer(share, share), numpy.outer(point, point)))
    return numpy.array(gradients), numpy.array(hessians)


def softmax_oracle(fit, damping):
    """Predicted rise of each test loss when a point is removed, and C + damping I, by dense linear algebra."""
    data = fit.data
    ours, bends = softmax_parts(fit, data.x_train.numpy(), data.y_train.numpy())
    theirs, _ = softmax_parts(fit, data.x_test.numpy(), data.y_test.numpy())
    mask = numpy.ones((data.classes, ours.shape[1] // data.classes))
    if fit.task.intercept:
        mask[:, -1] = 0
    matrix = bends.mean(0) + numpy.diag(fit.task.weight_decay * mask.ravel() + damping)
    return ours @ numpy.linalg.pinv(matrix, hermitian=True, rcond=1e-12) @ theirs.T / data.n, matrix
