"""Study of influence sketching: which rows drive a regression, and does a random projection find them?"""
