"""The insurer's core: `client.py` is the port that actions use, `reference/` a working service to run against."""
