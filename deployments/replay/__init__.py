"""The whole pilot on a virtual clock, with invented people; same seed, same result to the byte."""
