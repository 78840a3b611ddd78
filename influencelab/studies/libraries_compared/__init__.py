"""Study of scores that other libraries computed, kept as they returned them: are they what retraining gives?"""
