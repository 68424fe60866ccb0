"""The local web app: one page on this machine for every job of a fitted model."""
