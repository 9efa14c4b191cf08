"""The kill test: `apply`, `init` and `rotate` are stopped at every request and every change on disk, and run again.

`python -m tests.killtest --help` says what it takes; docs/kill-test.md what is judged, and the figures.
"""
