"""Tables as files that are smaller than their parts: what follows from other cells costs nothing, the rest its bits."""
