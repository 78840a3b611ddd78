"""Pairs of prediction and truth, point by point: the file that holds them, and the widget that shows them.

It knows no study.
"""
