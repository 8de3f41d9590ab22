"""Draws a column of a table of `splatgraph batch --table` against another column: each item as a dot, with mean and spread of each value.

    python3 examples/plot_table.py results.csv tokens psnr > psnr.svg

Needs nothing but Python.
"""

import csv
import random
import statistics
import sys

WIDTH, HEIGHT, MARGIN = 640, 400, 60


def main(path, across, up):
    with open(path, newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["item"] not in ("mean", "std")]
    for column in (across, up):
        if not rows or column not in rows[0]:
            sys.exit(f"{path}: expected a column {column}, got {', '.join(rows[0]) if rows else 'no rows'}")
    groups = {}
    for row in rows:
        if row[up]:  # an item that failed has no number
            groups.setdefault(row[across], []).append(float(row[up]))
    values = [value for group in groups.values() for value in group]
    low, high = min(values), max(values)
    high += (high - low or 1) * 0.05
    low -= (high - low) * 0.05
    y = lambda value: HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2 * MARGIN)
    x = lambda index: MARGIN + (index + 0.5) * (WIDTH - 2 * MARGIN) / len(groups)
    text = lambda x, y, words, anchor="middle": f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(WIDTH / 2, HEIGHT - 12, across),
        text(MARGIN, MARGIN - 24, f"{up}: each item, mean and standard deviation", "start"),
    ]
    for i in range(6):
        value = low + (high - low) * i / 5
        lines.append(f'<path d="M{MARGIN} {y(value):.1f}H{WIDTH - MARGIN}" stroke="#ddd"/>')
        lines.append(text(MARGIN - 8, y(value) + 4, f"{value:.3g}", "end"))
    scatter = random.Random(0)
    means = []
    for index, (name, group) in enumerate(groups.items()):
        lines.append(text(x(index), HEIGHT - MARGIN + 20, name))
        for value in group:
            lines.append(f'<circle cx="{x(index) + scatter.uniform(-18, 18):.1f}" cy="{y(value):.1f}" r="2.5" fill="#4a7fd0" opacity="0.5"/>')
        mean, spread = statistics.mean(group), statistics.stdev(group) if len(group) > 1 else 0
        means.append(f"{x(index):.1f} {y(mean):.1f}")
        lines.append(f'<path d="M{x(index):.1f} {y(mean - spread):.1f}V{y(mean + spread):.1f}" stroke="#c2410c" stroke-width="2"/>')
        lines.append(f'<circle cx="{x(index):.1f}" cy="{y(mean):.1f}" r="5" fill="#c2410c"/>')
        lines.append(text(x(index) + 30, y(mean) + 4, f"{mean:.3f}", "start"))
        print(f"{across} {name}: mean {mean:.4f}, standard deviation {spread:.4f}, {len(group)} items", file=sys.stderr)
    lines.append(f'<path d="M{" L".join(means)}" fill="none" stroke="#c2410c"/>')
    print("\n".join([*lines, "</svg>"]))


if len(sys.argv) != 4:
    sys.exit(__doc__)
main(*sys.argv[1:])
