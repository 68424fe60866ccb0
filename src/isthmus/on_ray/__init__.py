"""Fits and jobs on many machines, by Ray: `isthmus.Ray` is an engine, as `isthmus.engine` describes them."""
