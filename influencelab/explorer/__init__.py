"""What a person can look at, point by point: the file that holds it, and the widget that shows it.

It knows no study.
"""
