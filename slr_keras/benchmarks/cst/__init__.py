"""Benchmark of the CST loss against other implementations."""
