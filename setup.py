"""The one thing that pyproject.toml cannot say: the recipes of `configs/` go into the package."""

from setuptools import find_namespace_packages, setup

setup(
    packages=[*find_namespace_packages(include=["slr_keras*", "export*"]), "slr_keras.configs"],
    package_dir={"slr_keras.configs": "configs"},
)
