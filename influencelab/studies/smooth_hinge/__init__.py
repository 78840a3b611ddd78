"""Analysis, claims and figures of the study `smooth_hinge`, its recipe and its rule for t."""
