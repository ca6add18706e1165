# SPDX-License-Identifier: Apache-2.0
"""What foresight replays: traces, their events, and runs cut of them. Nothing here knows of fogwatch."""
import csv, gzip, os, random


def open_text(path):
    if os.path.exists(path):
        return open(path, newline="")
    return gzip.open(path + ".gz", "rt", newline="")


def read_series(path):
    """sid: ([seconds], [values])."""
    series = {}
    with open_text(path) as f:
        for row in csv.DictReader(f):
            t, v = series.setdefault(row["sid"], ([], []))
            t.append(float(row["t"]))
            v.append(float(row["v"]))
    return series


def load(directory, names):
    """The traces of these data sets that the directory has: (data set, sid, t, v). The same recording
    twice counts once."""
    found, seen = [], set()
    try:
        with open_text(os.path.join(directory, "watches.csv")) as f:
            rows = [r for r in csv.DictReader(f) if r["kind"] in names]
    except FileNotFoundError:
        return []
    files = {r["file"]: None for r in rows}
    for name in files:
        files[name] = read_series(os.path.join(directory, name))
    for r in rows:
        t, v = files[r["file"]][r["sid"]]
        key = hash(tuple(v))
        if key not in seen:
            seen.add(key)
            found.append((r["kind"], r["sid"], t, v))
    return found


def steady(t, v, dt):
    """What a reader at a steady pace sees: the newest value."""
    out, i, n = [], 0, int((t[-1] - t[0]) / dt + 1e-9) + 1
    for k in range(n):
        while i + 1 < len(t) and t[i + 1] <= t[0] + k * dt + 1e-9:
            i += 1
        out.append(v[i])
    return out


def averages(v, window):
    """Over the newest `window` samples, as avg_over_time has it."""
    out, total = [], 0.0
    for i, x in enumerate(v):
        total += x
        if i >= window:
            total -= v[i - window]
        out.append(total / min(i + 1, window))
    return out


def share(violates, first, span):
    part = violates[first:first + span + 1]
    return sum(part) / len(part)


def stretches(v, below, theta, hold, rearm):
    """[(first, event or None)]: where the requirement holds, and the sample at which it fails. It fails at a
    sample that violates it, with 60 % of those in the hold after it; it holds again when at most 20 % of those in
    `rearm` violate. In samples; the definition of the predictor's own evaluation."""
    violates = [x <= theta if below else x >= theta for x in v]
    out, i, n = [], 0, len(v)
    fails = lambda k: violates[k] and share(violates, k, hold) >= 0.6
    holds = lambda k: not violates[k] and share(violates, k, rearm) <= 0.2
    ok = not fails(0)
    start = 0
    for i in range(n):
        if ok and fails(i):
            out.append((start, i))
            ok = False
        elif not ok and holds(i):
            start, ok = i, True
    if ok:
        out.append((start, None))
    return out


class Run:
    """One function on one node. Samples to replay: first the warm-up, in which the node is watched already, then
    from the placement to the failure or the end."""

    def __init__(self, setting, trace, first, event, end, known):
        self.setting, self.trace, self.name = setting, f"{trace[0]}/{trace[1]}", None
        self.first, self.event, self.end = first, event, end
        self.known = known  # up to here it is known whether it fails
        self.values = trace[3]

    def samples(self):
        """(steps from the start of the warm-up, value, mark)"""
        begin = self.first - self.setting.warm
        for i in range(begin, self.end):
            mark = {self.first: "start", self.event: "failure", self.end - 1: "end"}.get(i)
            yield i - begin, self.values[i], mark


def cut(s, trace):
    """The runs of one trace: the last `span` samples before each failure, and pieces of as many where nothing
    fails within the longest useful lead after them. A function is placed where the requirement has held for
    the warm-up; what is too short after that to see anything is left out."""
    data, sid, t, raw = trace
    v = steady(t, raw, s.dt)
    trace = (data, sid, t, v)
    failing, quiet = [], []
    for first, event in stretches(averages(v, s.truth_window), s.below, s.bound, s.hold, s.rearm):
        last = known = len(v)
        first += s.warm
        if event is not None:
            begin = max(first, event - s.span)
            if event - begin >= s.shortest:
                failing.append(Run(s, trace, begin, event, min(len(v), event + s.hold + 2), event))
            last, known = begin - s.longest, event
        while first + s.shortest + s.longest <= last:
            quiet.append(Run(s, trace, first, None, min(first + s.span, last), known))
            first += s.span
    return failing, quiet


def choose(s, traces, wanted, seed):
    """So many runs, half of them failures as far as there are any, no trace again before each had its turn."""
    rng, pools = random.Random(seed), ([], [])
    for trace in traces:
        for pool, found in zip(pools, cut(s, trace)):
            rng.shuffle(found)
            pool += [(turn, rng.random(), run) for turn, run in enumerate(found)]
    failing, quiet = ([run for _, _, run in sorted(pool, key=lambda x: x[:2])] for pool in pools)
    n = max(wanted - wanted // 2, wanted - len(quiet))
    failing = failing[:n]
    return failing + quiet[:wanted - len(failing)]
