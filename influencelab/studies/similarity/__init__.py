"""Study of two models of the same pictures: do the pictures that help a prediction look like the one predicted?"""
