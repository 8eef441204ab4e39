"""Stock Rasa on our domain, stories and training data: the baseline of the benchmarks. See README.md."""
