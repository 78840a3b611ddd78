"""How a notebook becomes a report: parameters, profiles, execution, files, claims.

It knows neither torch nor what a study is about.
"""
