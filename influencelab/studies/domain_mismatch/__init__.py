"""Study of training sets in which a rare group is not what it is elsewhere: can its few points be found?"""
