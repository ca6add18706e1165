#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Prometheus is the oracle of our expressions (CMP-07): the server and tests/oracle/expr_eval_cli get
# the same samples and are asked the same expressions at the same instants, and must give the same
# labels and the same values to 1e-9. Every function, aggregation, operator, matching and matcher
# must have been answered with values at least 20 times. What differs on purpose is in
# promql-differences, which is held to be true and to be in the manual.
#
#	prometheus.py CLI SOURCE-FOLDER [SEED [EXPRESSIONS]]

import math
import random
import re
import shutil
import subprocess
import sys
import tempfile

from expr_additions import make_additions
from expr_grammar import (ARITHMETIC, COMPARISON, FIXED, GROUPS, SETS, Grammar, items_of)
from expr_samples import BASE_MS, SPAN_MS, new_samples
from prometheus_server import Prometheus

TOLERANCE = 1e-9
TIMES_EACH = 20
ADDITIONS_EACH = 90


def ask_us(cli, lines):
    run = subprocess.run([cli], input="\n".join(lines) + "\n", capture_output=True, text=True,
                         check=False)
    if run.returncode != 0:
        sys.exit("%s ended with %d: %s" % (cli, run.returncode, run.stderr))
    return [line.split("\t") for line in run.stdout.splitlines()]


def read_answer(kind, words):
    if kind == "values":
        return ("values", {tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels))): float(number)
                           for labels, number in zip(words[::2], words[1::2])})
    if kind == "empty" and words[0].startswith("several values on the"):
        return ("execution", words[0])
    return ("values", {}) if kind == "empty" else ("bad_data", words[0])


def evaluate(cli, samples, cases):
    lines = list(samples.for_us()) + ["eval\t%d\t%s" % (BASE_MS + t, e) for e, t in cases]
    answers = [read_answer(line[0], line[1:]) for line in ask_us(cli, lines)]
    if len(answers) != len(cases):
        sys.exit("%s answered %d of %d cases" % (cli, len(answers), len(cases)))
    return answers


def same_number(a, b):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def same_values(theirs, ours):
    return theirs.keys() == ours.keys() and all(
        same_number(v, ours[k]) for k, v in theirs.items())


def is_tie(expression, theirs, ours):
    """topk and bottomk: as many and as large, but of equal ones another was taken."""
    return bool(re.search("topk|bottomk", expression)) and len(theirs) == len(ours) and all(
        same_number(a, b) for a, b in zip(sorted(theirs.values()), sorted(ours.values())))


def same_answer(theirs, ours):
    if theirs[0] != "values" or ours[0] != "values":
        return theirs[0] == ours[0]
    return same_values(theirs[1], ours[1])


# --- the cases -----------------------------------------------------------------------------------

def wanted_items(functions):
    return ([("function", f) for f in functions] +
            [("aggregation", a) for a in GROUPS + ["quantile", "topk", "bottomk"]] +
            [("operator", o) for o in ARITHMETIC + COMPARISON + SETS + ["unary -"]] +
            [("matching", m) for m in ("by", "without", "on", "ignoring", "bool")] +
            [("matcher", m) for m in ("=", "!=", "=~", "!~")])


def make_cases(seed, count, samples, items):
    rng, grammar = random.Random(seed), Grammar(seed)
    cases = [(e, rng.randrange(SPAN_MS + 400000)) for e in FIXED for _ in range(3)]
    cases += [(e, SPAN_MS // 2) for e in FIXED]  # where sparse series have samples
    cases += [(e, samples.last_ms("ended") + age) for age in (299999, 300000, 300001)
              for e in ("ended", "count_over_time(ended[5m])", "rate(ended[5m5s])")]
    for item in items:
        for _ in range(3 * TIMES_EACH):
            cases.append((grammar.of(item), rng.randrange(SPAN_MS)))
    seen = {e for e, _ in cases}
    while len(seen) < count:
        text = grammar.expression()
        seen.add(text)
        cases.append((text, rng.randrange(SPAN_MS)))
    return cases


# --- the verdict ---------------------------------------------------------------------------------

class Tap:
    def __init__(self):
        self.lines, self.failed = [], 0

    def test(self, holds, name, *notes):
        self.failed += not holds
        self.lines.append("%s %d - %s" % ("ok" if holds else "not ok",
                                          len([x for x in self.lines if x[0] != "#"]) + 1,
                                          name.replace("#", " ")))
        self.note(*notes)

    def note(self, *notes):
        self.lines += ["# " + n for n in notes]

    def end(self):
        print("1..%d" % len([x for x in self.lines if x[0] != "#"]))
        print("\n".join(self.lines))
        return 1 if self.failed else 0


def compare(tap, cases, theirs, ours):
    wrong, ties = [], 0
    for (expression, at), a, b in zip(cases, theirs, ours):
        if same_answer(a, b):
            continue
        if a[0] == b[0] == "values" and is_tie(expression, a[1], b[1]):
            ties += 1
            continue
        wrong += ["%s at %d ms" % (expression, at), "  Prometheus: %s %s" % a,
                  "  fogwatch:   %s %s" % b]
    kinds = [a[0] if a[0] != "values" or a[1] else "empty" for a in theirs]
    tap.test(not wrong, "%d evaluations of %d expressions are as Prometheus' (CMP-07)" % (
        len(cases), len({e for e, _ in cases})), *wrong)
    tap.note("%d with values, %d empty, %d refused by both; of equal values topk took another %d "
             "times" % (kinds.count("values"), kinds.count("empty"),
                        len(kinds) - kinds.count("values") - kinds.count("empty"), ties))


def count_coverage(tap, items, cases, theirs):
    times = dict.fromkeys(items, 0)
    for (expression, _), answer in zip(cases, theirs):
        for item in items_of(expression) if answer[0] == "values" and answer[1] else ():
            if item in times:
                times[item] += 1
    rare = ["%s %s: %d" % (*item, n) for item, n in times.items() if n < TIMES_EACH]
    least = min(times.values())
    tap.test(not rare, "each of %d functions, aggregations, operators, matchings and matchers was "
             "answered with values, the rarest %d times" % (len(times), least), *rare)


def check_differences(tap, cli, server, samples, path, manual):
    """Lines: keyword in the manual, expression, what Prometheus does, the beginning of what we do."""
    with open(path, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip() and line[0] != "#"]
    cases = [(row[1], SPAN_MS // 2) for row in rows]
    theirs = server.ask(cases)
    lines = list(samples.for_us()) + ["eval\t%d\t%s" % (BASE_MS + t, e) for e, t in cases]
    for row, answer, line in zip(rows, theirs, ask_us(cli, lines)):
        keyword, expression, they, we = row
        theirs_is = "refuses" if answer[0] != "values" else "answers"
        notes = [] if theirs_is == they else ["Prometheus: %s %s" % answer]
        notes += [] if " ".join(line).startswith(we) else ["fogwatch: " + " ".join(line)]
        notes += [] if keyword in manual else ["fogwatch-metrics(7) does not speak of " + keyword]
        tap.test(not notes, "differs: %s: Prometheus %s, we say: %s" % (expression, they, we), *notes)


def check_additions(tap, cli, samples, seed):
    """What Prometheus has not is compared with expr_additions.py."""
    functions = [line[1] for line in ask_us(cli, ["functions\tfog"])]
    wanted = make_additions(seed, samples, functions, ADDITIONS_EACH)
    ours = evaluate(cli, samples, [(e, t) for e, t, _ in wanted])
    wrong, answered = [], dict.fromkeys(functions, 0)
    for (expression, at, values), answer in zip(wanted, ours):
        answered[expression.split("(")[0]] += bool(values)
        if answer[0] != "values" or not same_values(values, answer[1]):
            wrong += ["%s at %d ms" % (expression, at), "  should be: %s" % values,
                      "  fogwatch:  %s %s" % answer]
    rare = min(answered.values())
    tap.test(not wrong and rare >= TIMES_EACH, "%d evaluations of the %d functions that PromQL "
             "lacks are as described, the rarest with values %d times (CMP-02)" % (
                 len(wanted), len(functions), rare), *wrong)


def main():
    if not shutil.which("prometheus"):
        print("1..0 # SKIP prometheus is not installed (Debian: prometheus)")
        return 0
    cli, source = sys.argv[1:3]
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 20230131
    count = int(sys.argv[4]) if len(sys.argv) > 4 else 2400
    samples = new_samples(seed, source + "/tests/data/traces")
    items = wanted_items(line[1] for line in ask_us(cli, ["functions\tpromql"]))
    cases, tap = make_cases(seed, count, samples, items), Tap()
    with tempfile.TemporaryDirectory() as work:
        server = Prometheus(work)
        try:
            server.write(samples.series)
            theirs = server.ask(cases)
            compare(tap, cases, theirs, evaluate(cli, samples, cases))
            count_coverage(tap, items, cases, theirs)
            check_additions(tap, cli, samples, seed)
            with open(source + "/man/fogwatch-metrics.7.in", encoding="utf-8") as f:
                manual = f.read()
            check_differences(tap, cli, server, samples,
                              source + "/tests/oracle/promql-differences", manual)
        finally:
            server.stop()
    tap.note("seed %d" % seed)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
