"""The one training loop that every model of isthmus runs through."""
