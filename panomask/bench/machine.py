"""What a measurement depends on besides the code: the machine, and the versions of everything that took part."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import panomask

__all__ = ["machine", "processor", "versions"]


def machine() -> dict[str, str | int]:
    """Describe the machine, name the CPU kernels that panomask chose for it, and count the threads of one call."""
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "kernels": panomask.get_isa(),
        "threads": getattr(panomask, "get_num_threads", lambda: 1)(),
    }


def versions(adapters: Mapping[str, ModuleType]) -> dict[str, str]:
    """Give the versions of Python and of the libraries compared."""
    return {
        "python": platform.python_version(),
        **{library: adapter.version() for library, adapter in adapters.items()},
    }


def processor() -> str:
    """Give the processor's name as its maker writes it, or the architecture where the system does not tell."""
    try:
        if platform.system() == "Linux":
            for line in Path("/proc/cpuinfo").read_text().splitlines():
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
        elif platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        pass
    return platform.processor() or platform.machine()
