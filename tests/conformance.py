#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Which test holds which requirement: grasp/CONFORMANCE.md and trust/SECURITY.md are made here, and
nowhere else.

usage: conformance.py [--write | --check] [TREE]

A test says in its name what it shows: a C test that ends in _G_013, a line of a script's output
with G-013, a replay scenario with G-013 in the comment at its head. Counted is what is run and
nothing else: a C test stands in the CMUnitTest table of its program, a program or script in TESTS,
a scenario in tests/replay. The requirements are in tests/data/grasp/requirements.tsv, the threats of
security in tests/data/trust; those that no test of this tree can hold are in exceptions.tsv beside
it, with the reason.

--write makes the files, without an option the gaps are printed, --check speaks TAP for make check.
"""
import pathlib
import re
import sys

NUMBER = re.compile(r"(?<![A-Za-z0-9])(G|A|I|F|SC|S)[-_](\d{2,3})(?![0-9])")


class Document:
    """A file that is made, from which table, with which columns."""

    def __init__(self, path, data, title, nouns, columns, headings):
        self.path, self.data, self.title = path, data, title
        self.nouns, self.columns, self.headings = nouns, columns, headings


DOCUMENTS = (
    Document("grasp/CONFORMANCE.md", "tests/data/grasp/", "Conformance",
             ("requirement", "requirements", "held by"), ("where", "level", "requirement"), {
                 "G": "RFC 8990",
                 "A": "RFC 8991 and RFC 9222",
                 "I": "Interoperability",
                 "F": "Fog monitoring on GRASP",
                 "SC": "Scope groups",
             }),
    Document("trust/SECURITY.md", "tests/data/trust/", "Security",
             ("threat", "threats", "shown by"), ("adversary", "threat", "held off by"), {
                 "S": "Threats and what holds them off",
             }),
)
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
    def __init__(self, path, document, held):
        self.path, self.document = path, document
        data = path / document.data
        self.wanted = {r[0]: r[1:] for r in rows(data / "requirements.tsv")}
        self.excused = {r[0]: r[1] for r in rows(data / "exceptions.tsv")}
        self.held = {i: h for i, h in held.items() if i.split("-")[0] in document.headings}
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
        document = self.document
        one, many, _ = document.nouns
        held = sum(i in self.held for i in self.wanted)
        out = [
            "# " + document.title,
            "",
            f"Which test holds which {one}. Made by `make conformance` from the names of the tests",
            f"and from {document.data}requirements.tsv; not edited by hand.",
            "",
            f"{len(self.wanted)} {many}: {held} held by tests, "
            f"{len(self.excused)} exceptions with a reason, {len(self.missing)} missing.",
        ]
        columns = ("id", *document.columns, document.nouns[2])
        for prefix, heading in document.headings.items():
            out += ["", f"## {prefix}: {heading}", "",
                    "| " + " | ".join(columns) + " |", "|---" * len(columns) + "|"]
            for number, texts in self.wanted.items():
                if number.split("-")[0] == prefix:
                    cells = [number, *texts, self.cell(number)]
                    out.append("| " + " | ".join(c.replace("|", "\\|") for c in cells) + " |")
        return "\n".join(out) + "\n"

    def is_current(self):
        file = self.path / self.document.path
        return file.exists() and file.read_text(encoding="utf-8") == self.markdown()


def trees(path):
    """One for each document whose table there is."""
    held = collect(path)
    return [Tree(path, d, held) for d in DOCUMENTS
            if (path / d.data / "requirements.tsv").exists()]


def check(made):
    results = [result for tree in made for result in (
        (f"{tree.document.path} is what the tests say", [] if tree.is_current() else [REMEDY]),
        (f"each {tree.document.nouns[0]} has a test or a reason", tree.missing),
        (f"no exception of {tree.document.path} is out of date", tree.stale),
        (f"no test names a {tree.document.nouns[0]} that there is not", tree.unknown),
    )]
    print(f"1..{len(results)}")
    for n, (what, wrong) in enumerate(results, 1):
        print(f"{'not ' if wrong else ''}ok {n} - {what}")
        if wrong:
            print("# " + " ".join(wrong))
    return any(wrong for _, wrong in results)


def gaps(made):
    for tree in made:
        for what, which in (("missing", tree.missing), ("stale exception", tree.stale),
                            ("unknown", tree.unknown)):
            for number in which:
                print(f"{number}: {what}" +
                      (f": {' | '.join(tree.wanted[number][1:])}" if what == "missing" else ""))
    return False


def main():
    options = [a for a in sys.argv[1:] if a.startswith("--")]
    paths = [a for a in sys.argv[1:] if not a.startswith("--")]
    if len(paths) > 1 or options not in ([], ["--write"], ["--check"]):
        print(__doc__, file=sys.stderr)
        return 2
    made = trees(pathlib.Path(paths[0] if paths else "."))
    if options == ["--check"]:
        return check(made)
    if options == ["--write"]:
        for tree in made:
            (tree.path / tree.document.path).write_text(tree.markdown(), encoding="utf-8")
    return gaps(made)


sys.exit(main())
