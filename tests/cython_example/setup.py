"""Build the example as somebody would who has only the installed package: no header of it, nothing to link."""

from Cython.Build import cythonize
from setuptools import setup

setup(name="example", ext_modules=cythonize("example.pyx", language_level=3))
