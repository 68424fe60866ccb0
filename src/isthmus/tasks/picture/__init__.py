"""How a picture's numbers are written: their probabilities in whole numbers, a band at a time, and weights on disk."""
