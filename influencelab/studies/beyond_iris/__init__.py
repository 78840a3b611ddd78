"""Does what depth does to influence on Iris hold on other data and other networks?"""
