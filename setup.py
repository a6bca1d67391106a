"""Sources and flags; everything else is in pyproject.toml.

Switches, all environment variables set to 1:
  PANOMASK_DEBUG     assertions of the C core, no optimisation
  PANOMASK_SANITIZE  AddressSanitizer and UndefinedBehaviorSanitizer (load the interpreter with libasan preloaded)
  PANOMASK_COVERAGE  line tracing of the Cython modules
  PANOMASK_WERROR    warnings are errors
"""

import os
import sys
from glob import glob

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup


def switch(name: str) -> bool:
    """Whether a switch is on."""
    return os.environ.get("PANOMASK_" + name) == "1"


is_msvc = sys.platform == "win32"
headers = sorted(glob("csrc/*.h"))
sources = sorted(glob("csrc/*.c") + glob("csrc/simd/*.c"))
macros = [("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")]
link_flags = [] if is_msvc else ["-pthread"]
if is_msvc:
    c_flags = ["/O2", "/std:c11", "/fp:precise"]
    core_flags = ["/W4"]
else:
    # Contraction would fuse the multiply-adds of the polygon rasteriser and move its roundings.
    c_flags = ["-std=c11", "-O0" if switch("DEBUG") else "-O3", "-ffp-contract=off", "-pthread"]
    core_flags = ["-Wall", "-Wextra", "-Wshadow"]
    if switch("WERROR"):
        c_flags.append("-Werror")
    if switch("SANITIZE"):
        link_flags += ["-fsanitize=address,undefined"]
        c_flags += ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g"]
if switch("DEBUG"):
    macros.append(("PM_DEBUG", "1"))
if switch("COVERAGE"):
    macros += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1")]

# The C core, compiled once and linked into each module.
core = (
    "panomask_core",
    {
        "sources": sources,
        "include_dirs": ["csrc"],
        "macros": [macro for macro in macros if macro[0].startswith("PM_")],
        "cflags": c_flags + core_flags,
        "obj_deps": {"": headers},
    },
)
extensions = [
    Extension(
        source[: -len(".pyx")].replace("/", "."),
        [source],
        include_dirs=["csrc", numpy.get_include()],
        define_macros=macros,
        extra_compile_args=c_flags,
        extra_link_args=link_flags,
        depends=headers + sources,  # to be linked anew when the core is
    )
    for source in sorted(path.replace(os.sep, "/") for path in glob("panomask/*.pyx"))
]

setup(
    libraries=[core],
    ext_modules=cythonize(
        extensions,
        language_level=3,
        compiler_directives={
            "boundscheck": False,
            "wraparound": False,
            "embedsignature": True,
            "freethreading_compatible": True,
            "linetrace": switch("COVERAGE"),
        },
    ),
)
