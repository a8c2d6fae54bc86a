"""Code shared by the TFLite and the SavedModel export."""
