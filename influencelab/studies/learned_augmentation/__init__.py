"""Study of pictures that are transformed before training: does influence learn transformations that help?"""
