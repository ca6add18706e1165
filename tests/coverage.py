#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lines and branches of grasp/ and base/cbor*.c that the tests have run, per file.

usage: coverage.py SOURCE-TREE BUILD-TREE [--minimum PERCENT] [--missing FILE…]

Reads what gcc's gcov knows of a build made with --enable-coverage after its tests. Left out is what
cannot be reached by construction, and nothing else: the failing side of assert(), and the way out
that the compiler adds to a switch over all values of an enum (no default). --missing shows the
lines whose branches were not all taken. Exit 1: fewer branches than the minimum, in percent.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys


def measured(build):
    """Counters of what is asked for; those of a source that has gone are left out."""
    for pattern in ("grasp/**/*.gcda", "base/**/*cbor*.gcda"):
        for gcda in build.glob(pattern):
            if gcda.with_suffix(".gcno").exists():
                yield gcda


def read(gcda):
    out = subprocess.run(["gcov", "-t", "-j", "-b", str(gcda.resolve())], check=True,
                         capture_output=True, text=True).stdout
    for document in out.splitlines():
        yield from json.loads(document)["files"]


class Source:
    def __init__(self, path):
        self.text = path.read_text(encoding="utf-8").splitlines()
        self.lines = {}
        self.branches = {}

    def add(self, line):
        n = line["line_number"]
        self.lines[n] = self.lines.get(n, 0) + line["count"]
        counts = self.branches.setdefault(n, [])
        for i, branch in enumerate(line["branches"]):
            if i == len(counts):
                counts.append(0)
            counts[i] += branch["count"]

    def has_default(self, n):
        """Does the switch that begins in line n have a default?"""
        depth = 0
        for line in self.text[n - 1:]:
            depth += line.count("{") - line.count("}")
            if depth == 1 and re.match(r"\s*default\s*:", line):
                return True
            if depth <= 0 and "}" in line:
                break
        return False

    def reachable(self, n):
        """The branches of a line, without those that cannot be taken."""
        text, counts = self.text[n - 1], list(self.branches[n])
        if re.search(r"\bassert\(", text):
            return []
        if re.search(r"\bswitch \(", text) and 0 in counts and not self.has_default(n):
            counts.remove(0)
        return counts

    def totals(self):
        branches = [c for n in self.branches for c in self.reachable(n)]
        return (sum(c > 0 for c in self.lines.values()), len(self.lines),
                sum(c > 0 for c in branches), len(branches))

    def missing(self):
        for n in sorted(self.lines):
            left = sum(c == 0 for c in self.reachable(n))
            if self.lines[n] == 0 or left:
                mark = "#####" if self.lines[n] == 0 else f"{left} of {len(self.branches[n])}"
                yield f"{n:6} {mark:>8}  {self.text[n - 1]}"


def collect(tree, build):
    sources = {}
    for gcda in measured(build):
        for file in read(gcda):
            path = pathlib.Path(file["file"])
            path = (path if path.is_absolute() else build / path).resolve()
            if path.suffix != ".c" or not path.is_relative_to(tree):
                continue
            name = path.relative_to(tree).as_posix()
            source = sources.setdefault(name, None) or Source(path)
            sources[name] = source
            for line in file["lines"]:
                source.add(line)
    return sources


def percent(part, whole):
    return 100 * part / whole if whole else 100


def show(name, totals):
    taken, lines, ways, branches = totals
    print(f"{name:28} {taken:5}/{lines:<5} {percent(taken, lines):6.1f} %"
          f" {ways:6}/{branches:<5} {percent(ways, branches):6.1f} %")


def main():
    a = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][7:])
    a.add_argument("tree", type=pathlib.Path)
    a.add_argument("build", type=pathlib.Path)
    a.add_argument("--minimum", type=float, default=0)
    a.add_argument("--missing", nargs="*", default=[])
    a = a.parse_args()
    sources = collect(a.tree.resolve(), a.build.resolve())
    if not sources:
        print("coverage: nothing was measured: configure with --enable-coverage, then make coverage",
              file=sys.stderr)
        return 1
    print(f"{'file':28} {'lines':>20} {'branches':>21}")
    for name, source in sorted(sources.items()):
        show(name, source.totals())
        if name in a.missing:
            print("\n".join(source.missing()))
    whole = [sum(column) for column in zip(*(s.totals() for s in sources.values()))]
    show("all", whole)
    return percent(whole[2], whole[3]) < a.minimum


sys.exit(main())
