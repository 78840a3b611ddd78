"""Study of models that other libraries fitted, as a user hands them in: are their scores what their refits are?"""
