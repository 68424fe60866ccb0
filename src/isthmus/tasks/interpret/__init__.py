"""Jobs on language models: read their activations, find features in them, watch and steer with them."""
