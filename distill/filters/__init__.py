"""The filters of image networks looked at: what excites them most, and their pictures."""
