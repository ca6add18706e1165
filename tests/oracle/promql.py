#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Prometheus is the oracle of our expressions (CMP-07): "promtool test rules" and
# tests/oracle/expr_eval_cli get the same samples and the same expressions, and must give the same
# values to 1e-9. Samples have gaps, jitter, counter resets, NaN, infinities and stale marks;
# expressions are fixed ones that matter and random ones from a seed.
#
#	promql.py CLI [SEED [RANDOM-EXPRESSIONS]]

import json
import math
import random
import re
import shutil
import subprocess
import sys
import tempfile

STEP_MS = 500          # grid of sample times
SPAN_MS = 20 * 60000   # of all samples
TOLERANCE = 1e-9
RANGES = ["5s", "17s", "30s", "1m", "2m30s", "5m", "10m"]
NEVER = [{"labels": "never", "value": 4711.0815}]  # so that promtool tells each result

OVER = ["avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time",
        "last_over_time", "stddev_over_time", "stdvar_over_time", "present_over_time", "rate",
        "irate", "increase", "delta", "idelta", "deriv", "changes", "resets"]
MAPS = ["abs", "ceil", "floor", "sgn", "sqrt", "exp", "ln", "log2", "log10", "round"]
GROUPS = ["sum", "avg", "min", "max", "count", "stddev", "stdvar", "group"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^"]
COMPARISON = ["==", "!=", "<", "<=", ">", ">="]
METRICS = {  # name: labels
    "gauge": ["device"], "other": ["device"], "bytes_total": ["device", "mode"],
    "lone": [], "odd": ["device"], "huge_total": [], "sparse": ["device"], "level": [],
    "ended": [], "broken": ["device"], "clock": [],
}
SELECTORS = {
    "device": ['="e0"', '!="e0"', '=~"e.*"', '!~"e[12]"', '=~"e0|e2"', '=""', '=~".+"', '!~"e.|x"'],
    "mode": ['="rx"', '!="rx"', '=~"r.*|tx"', '=""'],
}


class Samples:
    """series name → {step: text}; text is a number, NaN, Inf, -Inf or stale."""

    def __init__(self, rng):
        self.rng = rng
        self.series = []
        steps = SPAN_MS // STEP_MS
        for device in ("e0", "e1", "e2"):
            self.add("gauge", {"device": device}, self.walk(steps, 2, 40))
            for mode in ("rx", "tx"):
                self.add("bytes_total", {"device": device, "mode": mode},
                         self.counter(steps, 3, 0.03))
        for device in ("e0", "e1", "e7"):
            self.add("other", {"device": device}, self.walk(steps, 6, 3))
        self.add("lone", {}, self.walk(steps, 20, 1))
        self.add("odd", {"device": "e0"}, self.spoil(self.walk(steps, 4, 5), ["NaN"]))
        self.add("odd", {"device": "e1"}, self.spoil(self.walk(steps, 4, 5), ["Inf", "-Inf"]))
        self.add("odd", {"device": "e2"}, self.spoil(self.walk(steps, 4, 5), ["NaN", "Inf"]))
        self.add("huge_total", {}, self.counter(steps, 10, 0.0, 1e15))
        self.add("sparse", {"device": "e0"}, {steps // 2: "17.25"})
        self.add("sparse", {"device": "e1"}, {steps // 2 - 3: "1", steps // 2 + 40: "3"})
        self.add("level", {}, {i: "0.1" for i in range(0, steps, 30)})
        self.add("ended", {}, {i: str(i / 8) for i in range(0, steps // 3, 10)})
        self.add("broken", {"device": "e0"}, self.spoil(self.walk(steps, 5, 9), ["stale"]))
        self.add("broken", {"device": "e1"}, self.spoil(self.counter(steps, 5, 0.1), ["stale"]))
        self.add("clock", {}, {i: str(i * STEP_MS / 1000) for i in range(0, steps, 2)})

    def add(self, name, labels, values):
        self.series.append((name, labels, values))

    def walk(self, steps, period, spread):
        at, value, out = self.rng.randrange(period), self.rng.uniform(-spread, spread), {}
        while at < steps:
            value += self.rng.gauss(0, spread / 10)
            out[at] = repr(round(value, 4))
            at += max(1, period + self.rng.choice([-1, 0, 0, 0, 0, 1]))
            if self.rng.random() < 0.01:
                at += self.rng.randrange(10 * period, 60 * period)  # a gap
        return out

    def counter(self, steps, period, resets, start=0.0):
        at, value, out = self.rng.randrange(period), start, {}
        while at < steps:
            value += self.rng.choice([0, 0, 1, 10, 1500])
            if self.rng.random() < resets:
                value = float(self.rng.randrange(3))
            out[at] = repr(value)
            at += max(1, period + self.rng.choice([-1, 0, 0, 0, 1]))
            if self.rng.random() < 0.01:
                at += self.rng.randrange(10 * period, 80 * period)
        return out

    def spoil(self, values, words):
        return {at: self.rng.choice(words) if self.rng.random() < 0.08 else text
                for at, text in values.items()}

    def last_ms(self, wanted):
        return max(max(values) for name, _, values in self.series if name == wanted) * STEP_MS

    def for_promtool(self):
        out = []
        for name, labels, values in self.series:
            words, at = [], 0
            for step in sorted(values):
                if step > at:
                    words.append("_x%d" % (step - at))
                words.append(values[step])
                at = step + 1
            label_text = ",".join('%s="%s"' % kv for kv in sorted(labels.items()))
            out.append({"series": "%s{%s}" % (name, label_text), "values": " ".join(words)})
        return out

    def for_us(self):
        for name, labels, values in self.series:
            yield "\t".join(["series", name] + ["%s=%s" % kv for kv in labels.items()])
            for step in sorted(values):
                yield "sample\t%d\t%s" % (step * STEP_MS, values[step])


class Grammar:
    """Random expressions that are meant to be right in both languages."""

    def __init__(self, rng):
        self.rng = rng

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self):
        return self.pick("0", "1", "2", "0.5", "-1", "1e3", "100", "0x1F", "3.75", "-0.25", "Inf",
                         "NaN", "0.001")

    def selector(self):
        name = self.rng.choice(sorted(METRICS))
        matchers = [label + self.rng.choice([s for s in SELECTORS[label] if "[" not in s])
                    for label in METRICS[name] if self.rng.random() < 0.35]
        return name + ("{%s}" % ",".join(matchers) if matchers else "")

    def scalar(self, depth):
        kind = self.rng.random()
        if depth <= 0 or kind < 0.6:
            return self.number()
        if kind < 0.75:
            return "scalar(%s)" % self.vector(depth - 1)
        if kind < 0.9:
            return "(%s %s %s)" % (self.scalar(depth - 1), self.rng.choice(ARITHMETIC),
                                   self.scalar(depth - 1))
        return "(%s %s bool %s)" % (self.scalar(depth - 1), self.rng.choice(COMPARISON),
                                    self.scalar(depth - 1))

    def over(self):
        window = "%s[%s]" % (self.selector(), self.rng.choice(RANGES))
        kind = self.rng.random()
        if kind < 0.12:
            return "quantile_over_time(%s, %s)" % (
                self.pick("0", "0.5", "0.95", "1", "0.333", "-1", "2", "NaN"), window)
        if kind < 0.24:
            return "predict_linear(%s, %s)" % (window, self.pick("60", "600", "-30", "0"))
        return "%s(%s)" % (self.rng.choice(OVER), window)

    def mapped(self, depth):
        inner = self.vector(depth - 1)
        kind = self.rng.random()
        if kind < 0.15:
            return "clamp(%s, %s, %s)" % (inner, self.scalar(0), self.scalar(0))
        if kind < 0.3:
            return "%s(%s, %s)" % (self.pick("clamp_min", "clamp_max", "round"), inner,
                                   self.pick("0.1", "5", "-2", "0.5"))
        return "%s(%s)" % (self.rng.choice(MAPS), inner)

    def labels(self):
        return "(%s)" % ", ".join(self.rng.sample(["device", "mode", "absent"],
                                                  self.rng.randrange(3)))

    def aggregate(self, depth):
        group = self.pick("", "", " by " + self.labels(), " without " + self.labels())
        inner = self.vector(depth - 1)
        if self.rng.random() < 0.15:
            return "quantile%s(%s, %s)" % (group, self.pick("0.5", "0.9", "0", "3"), inner)
        name = self.rng.choice(GROUPS)
        if self.rng.random() < 0.5:
            return "%s%s(%s)" % (name, group, inner)
        return "%s(%s)%s" % (name, inner, group)

    def binary(self, depth):
        kind = self.rng.random()
        match = self.pick("", "", "", " on " + self.labels(), " ignoring " + self.labels())
        a, b = self.vector(depth - 1), self.vector(depth - 1)
        if kind < 0.25:
            return "%s %s %s" % (a, self.rng.choice(ARITHMETIC), self.scalar(depth - 1))
        if kind < 0.35:
            return "%s %s %s" % (self.scalar(depth - 1), self.rng.choice(ARITHMETIC), b)
        if kind < 0.5:
            return "%s %s%s %s" % (a, self.rng.choice(COMPARISON), self.pick("", " bool"),
                                   self.scalar(depth - 1))
        if kind < 0.55:
            return "%s %s %s" % (self.scalar(depth - 1), self.rng.choice(COMPARISON), b)
        if kind < 0.7:
            return "%s %s%s %s" % (a, self.pick("and", "or", "unless"), match, b)
        if kind < 0.85:
            return "%s %s%s %s" % (a, self.rng.choice(ARITHMETIC), match, b)
        return "%s %s%s%s %s" % (a, self.rng.choice(COMPARISON), self.pick("", " bool"), match, b)

    def expression(self):
        """What rounds or takes remainders makes the last bit of log() the first digit: not both."""
        while True:
            text = self.vector(3)
            if not (re.search(r"%|ceil|floor|round", text) and
                    re.search(r"\^|exp|ln|log|sqrt|stddev", text)):
                return text

    def vector(self, depth):
        kind = self.rng.random()
        if depth <= 0 or kind < 0.15:
            return self.pick(self.selector(), self.over())
        if kind < 0.35:
            return self.over()
        if kind < 0.5:
            return self.mapped(depth)
        if kind < 0.65:
            return self.aggregate(depth)
        if kind < 0.72:
            return "-" + self.vector(depth - 1)
        if kind < 0.78:
            return "vector(%s)" % self.scalar(depth - 1)
        text = self.binary(depth)
        return "(%s)" % text if self.rng.random() < 0.5 else text


FIXED = (
    ["%s(%s[%s])" % (f, m, w) for f in OVER
     for m, w in (("gauge", "1m"), ("bytes_total", "2m30s"), ("odd", "30s"), ("broken", "1m"),
                  ("sparse", "1m"), ("huge_total", "5m"))] +
    ["quantile_over_time(%s, gauge[5m])" % q for q in ("0", "0.05", "0.5", "0.95", "1", "-3", "7")] +
    ["-1 ^ 2", "2 ^ 3 ^ 2", "2 ^ -1 * 3", "-2 % 3", "1 - 1 - 1", "8 / 4 / 2", "1 + 2 * 3 ^ 2",
     "0 / 0", "1 / 0", "-1 / 0", "5 % 0", "0 ^ 0", "1 < bool 2 < bool 1", "Inf - Inf",
     "lone == lone", "odd == odd", "odd != odd", "gauge > 0 and gauge < 20 or gauge > 1000",
     "gauge and other unless lone", "gauge unless on (device) other", "gauge or other",
     "bytes_total / gauge", "bytes_total / on (device) gauge",
     "gauge / on (device) bytes_total{mode=\"rx\"}", "gauge / ignoring (mode) bytes_total",
     "gauge - ignoring (mode) bytes_total{mode=\"tx\"}", "gauge + on () lone", "lone + gauge",
     "sum(bytes_total)", "sum by (device) (rate(bytes_total[1m]))", "sum without (mode) (bytes_total)",
     "count by (absent) (bytes_total)", "avg by (mode, device) (bytes_total)", "sum(absent_metric)",
     "quantile by (mode) (0.5, bytes_total)", "stddev(bytes_total)", "max(odd)", "min(odd)",
     "avg(odd)", "sum(odd)", "group by (mode) (bytes_total)", "scalar(lone)", "scalar(gauge)",
     "vector(scalar(lone) + 1)", "round(gauge)", "round(gauge, 0.1)", "clamp(gauge, 5, -5)",
     "clamp(odd, -1, 1)", "clamp_min(odd, 0)", "clamp_max(odd, 0)", "predict_linear(gauge[5m], 3600)",
     "predict_linear(level[5m], 60)", "deriv(clock[5m])", "rate(clock[1m])", "level", "ended",
     "rate(ended[10m])", "last_over_time(ended[20m])", "gauge{device=~\"e0|e.\"}",
     "gauge{device!~\"e0|x\"}", "gauge{device=~\"\"}", "lone{device=\"\"}", "lone{device=~\".*\"}",
     "gauge{device=~\".+\"}", "gauge{device=~\"e\"}", "5 > gauge", "5 < bool gauge",
     "gauge > bool 0", "-gauge ^ 2", "+gauge", "--gauge", "gauge * -1", "1.5e-3 + .5 + 0x10",
     "bytes_total{device=\"e0\"} > on (mode) bytes_total{device=\"e1\"}"])


def ask_promtool(samples, cases, work):
    test = {"interval": "%dms" % STEP_MS, "input_series": samples.for_promtool(),
            "promql_expr_test": [{"expr": e, "eval_time": "%dms" % t, "exp_samples": NEVER}
                                 for e, t in cases]}
    path = work + "/promql.json"
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"evaluation_interval": "%dms" % STEP_MS, "tests": [test]}, f)
    run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True,
                         check=False)
    text = run.stdout + run.stderr
    found = re.findall(r'^ +expr: (".*"), time: (\S+?),(?: err: (.*)|\n +exp: .*\n +got: ?(.*))$',
                       text, re.M)
    if len(found) != len(cases):
        sys.exit("promtool answered %d of %d cases:\n%s" % (len(found), len(cases), text[:2000]))
    answers = []
    for (expr, _), (asked, _, error, got) in zip(cases, found):
        if json.loads(asked) != expr:
            sys.exit("promtool answered %s where %s was asked" % (asked, expr))
        answers.append(("error", error) if error else ("values", read_got(got)))
    return answers


def read_got(text):
    """'{__name__="x", a="b"} 2E+00, y NaN' → {(('a', 'b'),): 2.0}"""
    values = {}
    for labels, number in re.findall(r"(\{[^}]*\}) ([^ ,]+)", text):
        pairs = [p for p in re.findall(r'(\w+)="([^"]*)"', labels) if p[0] != "__name__"]
        values[tuple(sorted(pairs))] = float(number)
    return values


def ask_us(cli, samples, cases):
    lines = list(samples.for_us()) + ["eval\t%d\t%s" % (t, e) for e, t in cases]
    run = subprocess.run([cli], input="\n".join(lines) + "\n", capture_output=True, text=True,
                         check=False)
    if run.returncode != 0:
        sys.exit("%s ended with %d: %s" % (cli, run.returncode, run.stderr))
    answers = []
    for line in run.stdout.splitlines():
        kind, *words = line.split("\t")
        if kind == "values":
            values = {}
            for labels, number in zip(words[::2], words[1::2]):
                values[tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))] = float(number)
            answers.append(("values", values))
        elif kind == "empty" and words[0].startswith("several values on the"):
            answers.append(("error", words[0]))
        elif kind == "empty":
            answers.append(("values", {}))
        else:
            answers.append(("refused", words[0]))
    if len(answers) != len(cases):
        sys.exit("%s answered %d of %d cases" % (cli, len(answers), len(cases)))
    return answers


def same_number(a, b):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


def same_answer(theirs, ours):
    if ours[0] == "refused":
        return theirs[0] == "error" and "parse error" in theirs[1]
    if theirs[0] != "values" or ours[0] != "values":
        return theirs[0] == ours[0]
    return theirs[1].keys() == ours[1].keys() and all(
        same_number(v, ours[1][k]) for k, v in theirs[1].items())


def main():
    if not shutil.which("promtool"):
        print("1..0 # SKIP promtool is not installed (Debian: prometheus)")
        return 0
    cli = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20230131
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 400
    rng = random.Random(seed)
    samples = Samples(rng)
    grammar = Grammar(rng)
    expressions = list(FIXED) * 4 + [grammar.expression() for _ in range(count)]
    cases = [(e, rng.randrange(0, (SPAN_MS + 400000) // 100) * 100) for e in expressions
             for _ in range(3)]
    cases += [(e, SPAN_MS // 2) for e in FIXED]  # where sparse series have samples
    cases += [(e, samples.last_ms("ended") + age) for age in (299500, 300000, 300500)
              for e in ("ended", "count_over_time(ended[5m])", "rate(ended[5m5s])")]
    with tempfile.TemporaryDirectory() as work:
        theirs = ask_promtool(samples, cases, work)
    ours = ask_us(cli, samples, cases)
    wrong = {}  # expression → what differs
    for case, a, b in zip(cases, theirs, ours):
        differs = wrong.setdefault(case[0], [])
        if not same_answer(a, b):
            differs.append("# at %d ms\n# Prometheus: %s\n# fogwatch:   %s" % (case[1], a, b))
    print("1..%d" % len(wrong))
    for i, (expression, differs) in enumerate(wrong.items(), 1):
        print("%s %d - %s" % ("not ok" if differs else "ok", i, expression.replace("#", " ")))
        print("\n".join(differs), end="\n" if differs else "")
    failed = sum(len(differs) for differs in wrong.values())
    kinds = [a[0] if a[0] == "error" or a[1] else "empty" for a in theirs]
    print("# seed %d, %d evaluations: %d with values, %d empty, %d errors; %d differ" % (
        seed, len(cases), kinds.count("values"), kinds.count("empty"), kinds.count("error"), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
