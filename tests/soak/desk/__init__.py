"""The desk under load: ``make soak-desk``."""
