"""Noise taken out of pictures and signals: by what was learnt of clean ones, or by the noisy one alone."""
