"""The jobs, one file each: short functions of what the decoder says."""
