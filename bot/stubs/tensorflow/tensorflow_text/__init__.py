"""Import stub; see `tensorflow`."""
