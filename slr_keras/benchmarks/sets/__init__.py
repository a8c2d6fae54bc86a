"""Models and baselines on the sets of real signing: prepare, train, score, report."""
