"""Serving of SavedModels: configuration of TensorFlow Serving, a development server, clients."""
