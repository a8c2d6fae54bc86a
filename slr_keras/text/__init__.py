"""Reading and writing of glosses: transcripts, NIST mark-up, tables."""
