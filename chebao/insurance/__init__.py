"""Business rules of Chinese car insurance: standard library only, importable from Python 3.10 and 3.13."""
