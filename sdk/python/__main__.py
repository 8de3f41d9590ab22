"""Serves the nodes of a Python file: `python FOLDER FILE`, where FOLDER is the one of this file."""

from splatgraph.worker import main

main()
