"""Statistics of agreement between predicted and actual changes, each number with its interval.

It knows numpy, scipy and pandas, and neither models nor studies. From the ground up: `measurement` (a number with its
interval), `bootstrap` (resampling over named axes), `comparison` (predicted beside actual), `correlation` (statistics
of it), `agreement` (these by name, with intervals), `replicates` (over seeds), and what is built on those.
"""
