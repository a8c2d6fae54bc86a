"""Shared by the TFLite and the SavedModel export."""
