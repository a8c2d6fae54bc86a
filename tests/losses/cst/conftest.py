"""The references of the CST loss."""

import cst_reference
import pytest


@pytest.fixture(scope="session")
def reference():
    """The module of references by enumeration."""
    return cst_reference
