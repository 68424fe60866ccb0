"""The command ``isthmus``: one file a family of verbs, nothing heavy imported before a verb runs."""
