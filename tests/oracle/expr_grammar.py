# SPDX-License-Identifier: Apache-2.0
#
# Random expressions that mean something in both languages, and what each of them exercises.

import random
import re

from expr_samples import METRICS

RANGES = ["5s", "17s", "30s", "1m", "2m30s", "5m", "10m", "15m"]
OVER = ["avg_over_time", "min_over_time", "max_over_time", "sum_over_time", "count_over_time",
        "last_over_time", "stddev_over_time", "stdvar_over_time", "present_over_time", "rate",
        "irate", "increase", "delta", "idelta", "deriv", "changes", "resets"]
MAPS = ["abs", "ceil", "floor", "sgn", "sqrt", "exp", "ln", "log2", "log10", "round"]
GROUPS = ["sum", "avg", "min", "max", "count", "stddev", "stdvar", "group"]
ARITHMETIC = ["+", "-", "*", "/", "%", "^"]
COMPARISON = ["==", "!=", "<", "<=", ">", ">="]
SETS = ["and", "or", "unless"]
SELECTORS = {
    "device": ['="e0"', '!="e0"', '=~"e.*"', '!~"e[12]"', '!~"e1|x"', '=~"e0|e2"', '=""', '=~".+"',
               '!~"e.|x"', '!=""', '!~""', '=~"e.|"', '=~".*2"'],
    "mode": ['="rx"', '!="rx"', '=~"r.*|tx"', '=""', '!~"t.+"'],
    "machine": ['="m1"', '!="m2"', '=~"m0|m3"', '!~"m[0]"', '=~"m.+"'],
}
ABSENT = ['nothing{a="x",b=~"y.*",c="z"}', 'signal{device="e9"}', 'lone', 'ended',
          'flag{device="e0"}', 'bytes_total{device="e7",mode="rx"}', 'nothing{a="1",a!="2"}']


class Grammar:
    def __init__(self, seed):
        self.rng = random.Random(seed)

    def pick(self, *choices):
        return self.rng.choice(choices)

    def number(self):
        return self.pick("0", "1", "2", "0.5", "-1", "1e3", "100", "0x1F", "3.75", "-0.25", "Inf",
                         "NaN", "0.001")

    def selector(self, name=None):
        name = name or self.rng.choice(sorted(METRICS))
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

    def over(self, function=None):
        window = "%s[%s]" % (self.selector(), self.rng.choice(RANGES))
        function = function or self.rng.choice(
            OVER + OVER + ["quantile_over_time", "predict_linear", "holt_winters"])
        if function == "quantile_over_time":
            return "quantile_over_time(%s, %s)" % (
                self.pick("0", "0.5", "0.95", "1", "0.333", "-1", "2", "NaN"), window)
        if function == "predict_linear":
            return "predict_linear(%s, %s)" % (window, self.pick("60", "600", "-30", "0"))
        if function == "holt_winters":
            return "holt_winters(%s, %s, %s)" % (window, self.pick("0.5", "0.1", "0.99"),
                                                 self.pick("0.5", "0.01", "0.3"))
        return "%s(%s)" % (function, window)

    def absent(self, function=None):
        function = function or self.pick("absent", "absent_over_time")
        inner = self.rng.choice(ABSENT)
        if function == "absent_over_time":
            return "absent_over_time(%s[%s])" % (inner, self.rng.choice(RANGES))
        return "absent(%s)" % self.pick(inner, inner, "sum(%s)" % inner, inner + " > 1e9")

    def mapped(self, depth, function=None):
        inner = self.vector(depth - 1)
        function = function or self.rng.choice(MAPS + MAPS + ["clamp", "clamp_min", "clamp_max"])
        if function == "clamp":
            return "clamp(%s, %s, %s)" % (inner, self.scalar(0), self.scalar(0))
        if function in ("clamp_min", "clamp_max") or (function == "round" and
                                                      self.rng.random() < 0.5):
            return "%s(%s, %s)" % (function, inner, self.pick("0.1", "5", "-2", "0.5"))
        if function == "scalar":
            return "vector(scalar(%s))" % inner
        if function == "vector":
            return "vector(%s)" % self.scalar(depth - 1)
        return "%s(%s)" % (function, inner)

    def labels(self):
        return "(%s)" % ", ".join(self.rng.sample(["device", "mode", "absent"],
                                                  self.rng.randrange(3)))

    def aggregate(self, depth, name=None):
        group = self.pick("", "", " by " + self.labels(), " without " + self.labels())
        inner = self.vector(depth - 1)
        name = name or self.rng.choice(GROUPS + GROUPS + ["quantile", "topk", "bottomk"])
        if name == "quantile":
            return "quantile%s(%s, %s)" % (group, self.pick("0.5", "0.9", "0", "3"), inner)
        if name in ("topk", "bottomk"):  # which of equal values stays is anybody's guess
            best = "%s%s(%s, %s)" % (name, group, self.pick("1", "2", "3.7", "0"), inner)
            return "%s(%s)" % (self.pick("sum", "max", "min"), best) if depth < 3 else best
        if self.rng.random() < 0.5:
            return "%s%s(%s)" % (name, group, inner)
        return "%s(%s)%s" % (name, inner, group)

    def binary(self, depth, op=None):
        kind = self.rng.random()
        op = op or self.rng.choice(ARITHMETIC * 2 + COMPARISON * 2 + SETS)
        match = self.pick("", "", "", " on " + self.labels(), " ignoring " + self.labels())
        a, b = self.vector(depth - 1), self.vector(depth - 1)
        boolean = self.pick("", " bool") if op in COMPARISON else ""
        if op in SETS or kind < 0.4:
            return "%s %s%s%s %s" % (a, op, boolean, match, b)
        if kind < 0.75:
            return "%s %s%s %s" % (a, op, boolean, self.scalar(depth - 1))
        return "%s %s%s %s" % (self.scalar(depth - 1), op, boolean, b)

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
        if kind < 0.76:
            return "vector(%s)" % self.scalar(depth - 1)
        text = self.binary(depth)
        return "(%s)" % text if self.rng.random() < 0.5 else text

    def expression(self, make=None):
        """What rounds, compares or takes remainders makes the last bit of log() the first digit:
        not both."""
        while True:
            text = make() if make else self.vector(3)
            if len(text) < 700 and not (
                    re.search(r"%|ceil|floor|round|[=<>]=?|holt|changes|topk|bottomk", text) and
                    re.search(r"\^|exp|ln\(|log|sqrt|stddev", text)):
                return text

    def of(self, item):
        """One that exercises this item of coverage."""
        kind, name = item
        make = {
            "function": lambda: (
                self.absent(name) if name.startswith("absent") else
                self.over(name) if name in OVER or name in (
                    "quantile_over_time", "predict_linear", "holt_winters") else
                self.mapped(1, name)),
            "aggregation": lambda: self.aggregate(1 if name not in ("topk", "bottomk") else 3, name),
            "operator": lambda: ("-" + self.vector(1) if name == "unary -" else
                                 self.binary(1, name)),
            "matching": lambda: self.pick(self.binary(1), self.aggregate(1)),
            "matcher": lambda: self.pick(self.selector(self.pick("signal", "bytes_total", "host")),
                                         self.over()),
        }[kind]
        for _ in range(10000):
            text = self.expression(make)
            if item in items_of(text):
                return text
        raise RuntimeError("no expression has %s %s" % item)


WORDS = re.compile(r"\b([a-z_0-9]+)(?= ?(?:by \(|without \()|\()")


def items_of(text):
    """What an expression exercises: {(kind, name)}"""
    bare = re.sub(r'"[^"]*"', '""', text)
    found = {("function", w) for w in WORDS.findall(bare) if w not in GROUPS + [
        "quantile", "topk", "bottomk", "by", "without", "on", "ignoring"] + SETS + ["bool"]}
    found |= {("aggregation", w) for w in WORDS.findall(bare)
              if w in GROUPS + ["quantile", "topk", "bottomk"]}
    outside = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", bare)
    found |= {("operator", op) for op in re.findall(r" (\+|-|\*|/|%|\^|==|!=|<=|>=|<|>|and|or|unless) ",
                                                    outside.replace(" bool", " ").replace("  ", " "))}
    found |= {("matching", w) for w in re.findall(r"\b(by|without|on|ignoring) \(", outside)}
    found |= {("matching", "bool") for _ in re.findall(r" bool ", outside)}
    found |= {("matcher", op) for op in re.findall(r'(=~|!~|!=|=)""', bare)}
    if re.search(r"(^|[(,] ?)-[a-z(]", outside):
        found.add(("operator", "unary -"))
    return found


FIXED = (
    ["%s(%s[%s])" % (f, m, w) for f in OVER
     for m, w in (("signal", "1m"), ("bytes_total", "2m30s"), ("odd", "30s"), ("broken", "1m"),
                  ("sparse", "1m"), ("huge_total", "5m"))] +
    ["quantile_over_time(%s, cpu[5m])" % q for q in ("0", "0.05", "0.5", "0.95", "1", "-3", "7")] +
    ["-1 ^ 2", "2 ^ 3 ^ 2", "2 ^ -1 * 3", "-2 % 3", "1 - 1 - 1", "8 / 4 / 2", "1 + 2 * 3 ^ 2",
     "0 / 0", "1 / 0", "-1 / 0", "5 % 0", "0 ^ 0", "1 < bool 2 < bool 1", "Inf - Inf",
     "lone == lone", "odd == odd", "odd != odd", "cpu > 0 and cpu < 20 or cpu > 1000",
     "cpu and soc unless lone", "cpu unless on (device) soc", "cpu or half",
     "bytes_total / cpu", "bytes_total / on (device) cpu",
     "cpu / on (device) bytes_total{mode=\"rx\"}", "cpu / ignoring (mode) bytes_total",
     "cpu - ignoring (mode) bytes_total{mode=\"tx\"}", "cpu + on () lone", "lone + cpu",
     "bytes_total - half", "sum by (device) (half) / on (device) cpu",
     "sum(bytes_total)", "sum by (device) (rate(bytes_total[1m]))", "sum without (mode) (bytes_total)",
     "count by (absent) (bytes_total)", "avg by (mode, device) (bytes_total)", "sum(absent_metric)",
     "quantile by (mode) (0.5, bytes_total)", "stddev(bytes_total)", "max(odd)", "min(odd)",
     "avg(odd)", "sum(odd)", "group by (mode) (bytes_total)", "scalar(lone)", "scalar(cpu)",
     "vector(scalar(lone) + 1)", "round(cpu)", "round(cpu, 0.1)", "clamp(cpu, 5, -5)",
     "clamp(odd, -1, 1)", "clamp_min(odd, 0)", "clamp_max(odd, 0)", "predict_linear(soc[5m], 3600)",
     "predict_linear(level[5m], 60)", "deriv(clock[5m])", "rate(clock[1m])", "level", "ended",
     "rate(ended[10m])", "last_over_time(ended[20m])", "cpu{device=~\"e0|e.\"}",
     "cpu{device!~\"e0|x\"}", "cpu{device=~\"\"}", "lone{device=\"\"}", "lone{device=~\".*\"}",
     "cpu{device=~\".+\"}", "cpu{device=~\"e\"}", "5 > cpu", "5 < bool cpu",
     "cpu > bool 0", "-cpu ^ 2", "+cpu", "--cpu", "cpu * -1", "1.5e-3 + .5 + 0x10",
     "topk(1, host)", "bottomk(2, host)", "topk by (mode) (1, bytes_total)", "topk(-1, host)",
     "bottomk(1, odd)", "topk(2, odd)", "topk(1e15, host)",
     "holt_winters(soc[5m], 0.5, 0.5)", "holt_winters(sparse[1m], 0.5, 0.5)", "holt_winters(odd[1m], 0.1, 0.1)",
     "bytes_total{device=\"e0\"} > on (mode) bytes_total{device=\"e1\"}"])
