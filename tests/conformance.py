#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which test holds which requirement: grasp/CONFORMANCE.md is made here, and nowhere else.

usage: conformance.py [--write | --check] [TREE]

A test says in its name what it shows: a C test that ends in _G_013, a line of a script's output
with G-013, a replay scenario with G-013 in the comment at its head. Counted is what is run and
nothing else: a C test stands in the CMUnitTest table of its program, a program or script in TESTS,
a scenario in tests/replay. The requirements are in tests/data/grasp/requirements.tsv; those that
no test of this tree can hold are in exceptions.tsv beside it, with the reason.

--write makes the file, without an option the gaps are printed, --check speaks TAP for make check.
"""
import pathlib
import re
import sys

NUMBER = re.compile(r"(?<![A-Za-z0-9])(G|A|I|F|SC)[-_](\d{2,3})(?![0-9])")
HEADING = {
    "G": "RFC 8990",
    "A": "RFC 8991 and RFC 9222",
    "I": "Interoperability",
    "F": "Fog monitoring on GRASP",
    "SC": "Scope groups",
}
CONFORMANCE = "grasp/CONFORMANCE.md"
DATA = "tests/data/grasp/"
REMEDY = "run make conformance"


def numbers(text):
    return ["-".join(m) for m in NUMBER.findall(text.replace("_", "-"))]


def rows(path):
    """The lines of a table of tab-separated columns."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line.split("\t")


# --- what is run ------------------------------------------------------------------------------

def assignments(tree):
    """Variables of all makefile fragments: name -> words."""
    words = {}
    for path in sorted([*tree.glob("*/Makefile.inc"), *tree.glob("tests/*/*.inc")]):
        folder = path.parent.relative_to(tree).as_posix()
        text = path.read_text(encoding="utf-8").replace("\\\n", " ")
        text = text.replace("%D%", folder).replace("%C%", folder.replace("/", "_"))
        for name, value in re.findall(r"^\s*(\w+)\s*\+?=(.*)$", text, re.M):
            words.setdefault(name, []).extend(value.split())
    return words


def expand(words, name):
    found = set()
    for word in words.get(name, []):
        m = re.fullmatch(r"\$\((\w+)\)", word)
        found |= expand(words, m[1]) if m else {word}
    return found


def is_named(path, text):
    """A script says which program or script of ours it runs."""
    return re.search(rf"\b{re.escape(pathlib.PurePath(path).name)}\b", text)


def registered(tree):
    """Paths of what make check runs, and of what its scripts run."""
    words = assignments(tree)
    tests = expand(words, "TESTS")
    scripts = "".join(
        (tree / t).read_text(encoding="utf-8") for t in tests
        if t.endswith(".sh") and (tree / t).exists())
    others = [p.relative_to(tree).as_posix() for p in tree.glob("tests/**/*.py")]
    programs = expand(words, "check_PROGRAMS") | expand(words, "noinst_PROGRAMS")
    return tests | {p for p in [*others, *programs] if is_named(p, scripts)}


# --- what it is called ------------------------------------------------------------------------

def strip_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)


def names_in_c(text):
    """What stands in tables of tests; without one, the texts that the program can print."""
    text = strip_comments(text)
    tables = re.findall(r"CMUnitTest\s+\w+\[\]\s*=\s*\{(.*?)\n\s*\};", text, re.S)
    for table in tables:
        yield from re.findall(r"\b[A-Z_]+\(\s*(\w+)", table)
    for part in tables or [text]:
        yield from re.findall(r'"([^"\n]+)"', part)


def names_in_script(text):
    """Quoted descriptions of commands; what is commented out is not run."""
    for line in text.splitlines():
        if not line.lstrip().startswith("#"):
            yield from ("".join(m) for m in re.findall(r"\"([^\"]*)\"|'([^']*)'", line))


def names_in_scenario(text):
    """The comment at the head."""
    return re.match(r"(?:[ \t]*[;#/][^\n]*\n|\n)*", text)[0].splitlines()


def sources(tree):
    """Path of the test, how to read its names."""
    tests = registered(tree)
    for path in sorted(tree.glob("tests/**/*")):
        name = path.relative_to(tree).as_posix()
        if path.stem == "conformance":
            continue
        if path.suffix == ".c" and name[:-2] in tests:
            yield path, name, names_in_c
        elif path.suffix in (".sh", ".py") and name in tests:
            yield path, name, names_in_script
        elif path.suffix == ".rpl" and any(t.startswith("tests/replay/") for t in tests):
            yield path, name, names_in_scenario


def collect(tree):
    """Requirement -> list of (path of the test, name)."""
    held = {}
    for path, name, reader in sources(tree):
        for found in reader(path.read_text(encoding="utf-8")):
            for number in numbers(found):
                label = "" if path.suffix == ".rpl" else found
                entry = (name, label)
                if entry not in held.setdefault(number, []):
                    held[number].append(entry)
    return held


# --- what is made of it -----------------------------------------------------------------------

class Tree:
    def __init__(self, path):
        self.path = path
        self.wanted = {r[0]: r[1:] for r in rows(path / DATA / "requirements.tsv")}
        self.excused = {r[0]: r[1] for r in rows(path / DATA / "exceptions.tsv")}
        self.held = collect(path)
        self.missing = [i for i in self.wanted if i not in self.held and i not in self.excused]
        self.stale = [i for i in self.excused if i in self.held or i not in self.wanted]
        self.unknown = [i for i in sorted(self.held) if i not in self.wanted]

    def cell(self, number):
        if number in self.held:
            places = {}
            for path, name in self.held[number]:
                places.setdefault(path, []).append(name)
            return "<br>".join(
                f"{path}: {', '.join(sorted(names))}" if names[0] else path
                for path, names in sorted(places.items()))
        if number in self.excused:
            return "exception: " + self.excused[number]
        return "**missing**"

    def markdown(self):
        held = sum(i in self.held for i in self.wanted)
        out = [
            "# Conformance",
            "",
            "Which test holds which requirement. Made by `make conformance` from the names of the tests",
            "and from tests/data/grasp/requirements.tsv; not edited by hand.",
            "",
            f"{len(self.wanted)} requirements: {held} held by tests, "
            f"{len(self.excused)} exceptions with a reason, {len(self.missing)} missing.",
        ]
        for prefix, heading in HEADING.items():
            out += ["", f"## {prefix}: {heading}", "",
                    "| id | where | level | requirement | held by |", "|---|---|---|---|---|"]
            for number, (where, level, text) in self.wanted.items():
                if number.split("-")[0] == prefix:
                    cells = [number, where, level, text, self.cell(number)]
                    out.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
        return "\n".join(out) + "\n"

    def is_current(self):
        file = self.path / CONFORMANCE
        return file.exists() and file.read_text(encoding="utf-8") == self.markdown()


def check(tree):
    results = [
        (f"{CONFORMANCE} is what the tests say", [] if tree.is_current() else [REMEDY]),
        ("each requirement has a test or a reason", tree.missing),
        ("no exception is out of date", tree.stale),
        ("no test names a requirement that there is not", tree.unknown),
    ]
    print(f"1..{len(results)}")
    for n, (what, wrong) in enumerate(results, 1):
        print(f"{'not ' if wrong else ''}ok {n} - {what}")
        if wrong:
            print("# " + " ".join(wrong))
    return any(wrong for _, wrong in results)


def gaps(tree):
    for what, which in (("missing", tree.missing), ("stale exception", tree.stale),
                        ("unknown", tree.unknown)):
        for number in which:
            print(f"{number}: {what}" + (f": {tree.wanted[number][2]}" if what == "missing" else ""))
    return False


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    paths = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(paths) > 1 or options not in ([], ["--write"], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    tree = Tree(pathlib.Path(paths[0] if paths else "."))
    if options == ["--check"]:
        return check(tree)
    if options == ["--write"]:
        (tree.path / CONFORMANCE).write_text(tree.markdown(), encoding="utf-8")
    return gaps(tree)


sys.exit(main())
