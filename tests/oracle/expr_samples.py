# SPDX-License-Identifier: Apache-2.0
#
# What the expressions are asked about: recordings of tests/data/traces and counters made of them,
# with gaps, jitter, counter resets, NaN, infinities, stale marks, and series that are too short.

import csv
import os
import random
import struct

BASE_MS = 1_700_000_000_000
SPAN_MS = 50 * 60000
STALE_BITS = 0x7FF0000000000002

METRICS = {  # name: labels
    "signal": ["device"], "host": ["machine"], "cpu": ["device"], "soc": ["device"],
    "bytes_total": ["device", "mode"], "lone": [], "odd": ["device"], "huge_total": [],
    "sparse": ["device"], "level": [], "ended": [], "broken": ["device"], "clock": [],
    "flag": ["device"], "half": ["device", "mode"],
}


def read_trace(folder, name):
    """sid → [(seconds, value)]"""
    out = {}
    with open(os.path.join(folder, name + ".csv"), encoding="utf-8") as f:
        for row in csv.DictReader(f):
            out.setdefault(int(row["sid"]), []).append((float(row["t"]), float(row["v"])))
    return out


class Samples:
    """series: [(name, labels, [(ms after BASE_MS, value or "stale")])]"""

    def __init__(self, rng, folder):
        self.rng = rng
        self.series = []
        ble, smd = read_trace(folder, "rad-ble"), read_trace(folder, "srv-smd")
        nab, soc = read_trace(folder, "cpu-nab"), read_trace(folder, "syn-soc")
        for i in range(3):
            self.add("signal", {"device": "e%d" % i}, self.again(ble[i], 5, 200 + 35 * i))
        for i in range(4):
            self.add("host", {"machine": "m%d" % i}, self.gaps(self.play(smd[i], 1 / 3)))
        for i in range(2):
            self.add("cpu", {"device": "e%d" % i}, self.gaps(self.play(nab[i], 1 / 20)))
            self.add("soc", {"device": "e%d" % i}, self.play(soc[i], 1))
        for i in range(3):
            for mode in ("rx", "tx"):
                self.add("bytes_total", {"device": "e%d" % i, "mode": mode},
                         self.count(self.play(smd[i], 1 / 12 if mode == "rx" else 1 / 6), 0.03))
        self.add("lone", {}, self.play(nab[0], 1 / 15))
        self.add("odd", {"device": "e0"}, self.spoil(self.play(smd[0], 1 / 15), ["NaN"]))
        self.add("odd", {"device": "e1"}, self.spoil(self.play(smd[1], 1 / 15), ["Inf", "-Inf"]))
        self.add("odd", {"device": "e2"}, self.spoil(self.play(smd[2], 1 / 15), ["NaN", "Inf"]))
        self.add("huge_total", {}, self.count(self.play(smd[3], 1 / 6), 0, 1e15))
        half = SPAN_MS // 2
        self.add("sparse", {"device": "e0"}, [(half, 17.25)])
        self.add("sparse", {"device": "e1"}, [(half - 3000, 1.0), (half + 20000, 3.0)])
        self.add("level", {}, [(t, 0.1) for t in range(0, SPAN_MS, 15000)])
        self.add("ended", {}, [(t, t / 8000) for t in range(0, SPAN_MS // 3, 5000)])
        self.add("broken", {"device": "e0"}, self.spoil(self.play(soc[0], 1 / 3), ["stale"]))
        self.add("broken", {"device": "e1"},
                 self.spoil(self.count(self.play(smd[1], 1 / 8), 0.1), ["stale"]))
        self.add("clock", {}, [(t, t / 1000) for t in range(0, SPAN_MS, 1000)])
        for i in range(2):
            self.add("flag", {"device": "e%d" % i}, self.flag(7000 + 4000 * i))
        self.add("half", {"device": "e0", "mode": "rx"}, self.play(soc[1], 1))
        self.add("half", {"device": "e2", "mode": "tx"}, self.play(soc[1], 0.5))

    def add(self, name, labels, values):
        clean, last = [], -1
        for at, value in values:
            if last < at < SPAN_MS:
                clean.append((at, value))
                last = at
        self.series.append((name, labels, clean))

    def play(self, trace, speed):
        """From a random start, each sample up to 3 % of its spacing late, round after round."""
        first, length = self.rng.randrange(5000), (trace[-1][0] + trace[1][0]) * speed * 1000
        late = 0.03 * trace[1][0] * speed * 1000
        rounds = int(SPAN_MS / length) + 1
        return [(int(first + r * length + t * speed * 1000 + self.rng.uniform(0, late)), v)
                for r in range(rounds) for t, v in trace]

    def again(self, trace, times, pause_s):
        """As it was recorded, with a long pause after each time."""
        length = (trace[-1][0] + pause_s) * 1000
        return [(int(7000 + r * length + t * 1000), v) for r in range(times) for t, v in trace]

    def gaps(self, values):
        out, until = [], -1
        for at, value in values:
            if self.rng.random() < 0.02:
                until = at + self.rng.randrange(30000, 400000)
            if at > until:
                out.append((at, value))
        return out

    def count(self, values, resets, start=0.0):
        out, total = [], start
        for at, value in values:
            total += self.rng.choice([0, value, value * 100, 1500])
            if self.rng.random() < resets:
                total = float(self.rng.randrange(3))
            out.append((at, total))
        return self.gaps(out)

    def spoil(self, values, words):
        return [(at, self.rng.choice(words) if self.rng.random() < 0.08 else value)
                for at, value in values]

    def flag(self, spacing):
        out, state = [], 1.0
        for at in range(self.rng.randrange(spacing), SPAN_MS, spacing):
            if self.rng.random() < 0.1:
                state = 1 - state
            out.append((at, state))
        return self.spoil(out, ["stale", state])

    def last_ms(self, wanted):
        return max(values[-1][0] for name, _, values in self.series if name == wanted)

    def for_us(self):
        for name, labels, values in self.series:
            yield "\t".join(["series", name] + ["%s=%s" % kv for kv in labels.items()])
            for at, value in values:
                yield "sample\t%d\t%s" % (BASE_MS + at, value)


def bits_of(value):
    if value == "stale":
        return STALE_BITS
    return struct.unpack("<Q", struct.pack("<d", float(value)))[0]


def new_samples(seed, folder):
    return Samples(random.Random(seed), folder)
