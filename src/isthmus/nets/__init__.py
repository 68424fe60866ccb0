"""Torch modules and nothing else: the hourglass, its codes, corruptions and likelihoods."""
