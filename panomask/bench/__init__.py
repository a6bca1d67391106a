"""The benchmark: the same work done by naive numpy, numba, pycocotools and panomask, checked and timed.

Read it from the bottom: `adapters` holds one module a library, `scenes` and `coco_file` what is worked on, `cases` what
is done, `runner` does it, `report` and `plot` show it. `panomask bench` is its command; the suites in `benchmarks/` run
the same cases under pytest-benchmark.
"""
