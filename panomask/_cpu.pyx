"""Which CPU kernels run. Each module has its own copy of the C core, and all choose by the same environment variable."""

from panomask._c cimport pm_cpu_available, pm_cpu_name


def available():
    """Names of the kernel tables this machine can run, best first."""
    names = []
    while pm_cpu_available(len(names)) != NULL:
        names.append(pm_cpu_available(len(names)).decode())
    return names


def name():
    """The one in use."""
    return pm_cpu_name().decode()
