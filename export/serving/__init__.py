"""Serving of full models: what TensorFlow Serving loads, how it is configured, and a client."""
