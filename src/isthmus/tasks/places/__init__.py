"""Rows as points in one, two or three dimensions, so that those that are near stay near; and where new rows belong."""
