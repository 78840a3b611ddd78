"""How well predictions agree with the truth, each number with its interval.

It knows numpy and scipy, and neither models nor studies.
"""
