"""How each class of scikit-learn is read, one file a class, found by the class's name."""
