"""Published answers of the real services, as shapes: one JSON file each, and what compares the sandbox with them.

`provoke.py` asks the sandbox, `shapes.py` compares, `parity.py` renders docs/parity.md from the files and parity.tsv.
"""
