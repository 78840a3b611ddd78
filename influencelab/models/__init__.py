"""What is trained: tasks, the losses of their outputs, and their derivatives, in closed form where there is one.

A new task is a file of `tasks/`, a new loss one of `losses/`.
"""
