"""Serving: a model's jobs over HTTP, for other programs."""
