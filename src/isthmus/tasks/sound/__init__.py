"""Sound in few bytes: as near as is asked, or exactly."""
