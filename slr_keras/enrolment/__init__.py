"""Enrolled signs: new signs named after a few recordings, and everything else refused.

docs/reference/enrolment-file.md has the format of the file and every formula.
"""
