# SPDX-License-Identifier: Apache-2.0
#
# What fog adds to PromQL, computed once more from its description in fogwatch-metrics(7): with
# exact fractions where it can be, one window at a time, and nothing of our C.

import math
import random
import statistics
from fractions import Fraction

from expr_samples import METRICS, SPAN_MS

LOOKBACK_MS = 300000
WINDOWS = {"30s": 30000, "2m": 120000, "10m": 600000, "15m": 900000}
THRESHOLDS = [0, 0.5, 1, 5, 12.5, 40, 60, 90, -75]


def finite(values):
    return all(math.isfinite(v) for _, v in values)


def ewma(points, alpha):
    mean = points[0][1]
    for _, value in points[1:]:
        mean = alpha * value + (1 - alpha) * mean
    return mean


def time_to(points, now, threshold):
    """The least squares line through the samples, in fractions."""
    if len(points) < 2:
        return None
    times = [Fraction(t - now, 1000) for t, _ in points]
    values = [Fraction(v) for _, v in points]
    mean_t, mean_v = sum(times) / len(times), sum(values) / len(values)
    slope = sum((t - mean_t) * (v - mean_v) for t, v in zip(times, values)) / sum(
        (t - mean_t) ** 2 for t in times)
    at_now = mean_v - slope * mean_t
    if at_now == threshold:
        return 0.0
    if slope == 0:
        return None
    seconds = float((Fraction(threshold) - at_now) / slope)
    return seconds if seconds > 0 else None


def hysteresis(marked, up, down, seconds):
    bad = (lambda v: v >= up) if up >= down else (lambda v: v <= up)
    good = (lambda v: v <= down) if up >= down else (lambda v: v >= down)
    state, since = None, None
    for at, value in marked:
        if value == "stale" or not bad(value):
            since = None
            if value != "stale" and good(value):
                state = 0.0
            continue
        since = at if since is None else since
        if at - since >= seconds * 1000:
            state = 1.0
    return state


def lasting(marked, holds):
    if marked[-1][1] == "stale":
        return None
    run = []
    for at, value in reversed(marked):
        if value == "stale" or math.isnan(value) or not holds(value):
            break
        run.append(at)
    return (run[0] - run[-1]) / 1000 if run else 0.0


def availability(marked, now):
    good = 0
    for (at, value), after in zip(marked, [t for t, _ in marked[1:]] + [now]):
        if value != "stale" and not math.isnan(value) and value != 0:
            good += min(after - at, LOOKBACK_MS)
    whole = now - marked[0][0]
    if whole == 0:
        return float(marked[0][1] not in ("stale", 0) and not math.isnan(marked[0][1]))
    return good / whole


def score(value, worst, best):
    return min(max((value - worst) / (best - worst), 0.0), 1.0)


def one(rng, name):
    """(text of the call around {}, what it is of (marked samples, samples, now))"""
    level = rng.choice(THRESHOLDS)
    other = rng.choice([t for t in THRESHOLDS if t != level])
    alpha = rng.choice([0.1, 0.5, 1])
    seconds = rng.choice([0, 5, 31])
    return {
        "ewma": ("ewma({}, %g)" % alpha, lambda m, p, now: ewma(p, alpha) if p else None),
        "median_over_time": ("median_over_time({})",
                             lambda m, p, now: statistics.median(v for _, v in p) if p else None),
        "time_to": ("time_to({}, %g)" % level, lambda m, p, now: time_to(p, now, level)),
        "hysteresis": ("hysteresis({}, %g, %g, %d)" % (level, other, seconds),
                       lambda m, p, now: hysteresis(m, level, other, seconds)),
        "for_duration": ("for_duration({})", lambda m, p, now: lasting(m, lambda v: v != 0)),
        "time_above": ("time_above({}, %g)" % level,
                       lambda m, p, now: lasting(m, lambda v: v > level)),
        "time_below": ("time_below({}, %g)" % level,
                       lambda m, p, now: lasting(m, lambda v: v < level)),
        "availability": ("availability({})", lambda m, p, now: availability(m, now)),
        "score": ("score(last_over_time({}), %g, %g)" % (level, other),
                  lambda m, p, now: score(p[-1][1], level, other) if p else None),
    }[name]


NEED_FINITE = ("ewma", "median_over_time", "time_to", "score")


def ending_once(values):
    """What has ended does not end again."""
    return [v for before, v in zip([(0, "stale")] + values, values)
            if v[1] != "stale" or before[1] != "stale"]


def make_additions(seed, samples, functions, count):
    """[(expression, ms, {labels: value})]"""
    rng, cases = random.Random(seed), []
    while len(cases) < count * len(functions):
        name = functions[len(cases) % len(functions)]
        metric, window = rng.choice(sorted(METRICS)), rng.choice(sorted(WINDOWS))
        now, expected = rng.randrange(SPAN_MS), {}
        text, compute = one(rng, name)
        for series, labels, values in samples.series:
            marked = [(t, v if v == "stale" else float(v)) for t, v in ending_once(values)
                      if now - WINDOWS[window] <= t <= now]
            points = [v for v in marked if v[1] != "stale"]
            if series != metric or not marked:
                continue
            if name in NEED_FINITE and not finite(points):
                break
            value = compute(marked, points, now)
            if value is not None:
                expected[tuple(sorted(labels.items()))] = value
        else:
            cases.append((text.format("%s[%s]" % (metric, window)), now, expected))
    return cases
