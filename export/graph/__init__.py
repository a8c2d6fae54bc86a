"""What goes into a SavedModel: from what a camera or a detector gives to glosses."""
