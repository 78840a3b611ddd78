"""One folder a study, named as its notebook: its claims, its analysis, its figures.

Studies know nothing of each other; what two of them need moves down to `experiments` or `statistics`.
"""
