"""Derivatives of linear models and networks written out by hand: the numbers of autograd, many times faster."""
