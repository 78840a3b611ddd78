"""Models and measures: tasks, the losses of their outputs, measures, and derivatives of them all.

A new task is a file of `tasks/`, a new loss one of `losses/`, a new measure one of `measures/`.
"""
