"""Runner of studies: a notebook's parameters and profiles, its execution, the files of its report, claims.

It knows neither torch nor the subject of a study.
"""
