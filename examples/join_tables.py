"""Prints one table, with the means and standard deviations of several tables of `splatgraph batch --table`, to compare what they measure.

    python3 examples/join_tables.py ours=evaluated/results.csv other=second/results.csv

Needs nothing but Python.
"""

import csv
import sys


def main(tables):
    columns, lines = [], []
    for name, path in tables:
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        # Each mean has its standard deviation after it.
        ends = [row for row in rows if row["item"] in ("mean", "std")]
        if not ends:
            sys.exit(f"{path}: expected a table with means, got {len(rows)} rows without one")
        columns += [column for column in rows[0] if column != "item" and column not in columns]
        for mean, spread in zip(ends[::2], ends[1::2]):
            lines.append((name, {column: cell(mean[column], spread[column]) for column in rows[0] if column != "item"}))
    columns = [column for column in columns if any(line.get(column) for _, line in lines)]
    table = [["", *columns], *([name, *(line.get(column, "") for column in columns)] for name, line in lines)]
    widths = [max(map(len, column)) for column in zip(*table)]
    for row in table:
        print("  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip())


def cell(mean, spread):
    try:
        return mean if mean == spread else f"{float(mean):.4f} ± {float(spread):.4f}"
    except ValueError:
        return mean


if len(sys.argv) < 2 or not all("=" in argument for argument in sys.argv[1:]):
    sys.exit(__doc__)
main([argument.split("=", 1) for argument in sys.argv[1:]])
