# SPDX-License-Identifier: Apache-2.0
"""The services that foresight describes, one for each kind of recording, as an operator would who knows what the
function needs and what such nodes are like, but not the recordings. All times in seconds of the recording; see
README.foresight for why each number is what it is."""
from dataclasses import dataclass, field

PLACING_S = 8  # of wall time, for all services


@dataclass
class Setting:
    kind: str          # battery, signal, cpu
    data: str          # data set of watches.csv
    about: str         # what is different from other services on these data
    feeder: str        # what replay writes
    metric: str
    dt: float          # sampling period; what it becomes is dt / factor
    factor: float
    window: float      # the requirement is on the average over so long; 0: on each value
    below: bool        # it fails below the bound
    bound: float       # in the unit of the trace
    scale: float       # from there to the metric's unit
    hold_s: float
    rearm_s: float     # it holds again when it has for so long
    lead_s: float
    longest_s: float   # the longest useful lead: a move earlier than that was needless
    span_s: float      # of a run, at most
    healthy: float     # what the candidates show
    raw_failure: bool = False  # it fails by its values, whatever the average says
    decide: dict = field(default_factory=dict)

    def steps(self, seconds):
        return int(round(seconds / self.dt))

    name = property(lambda s: f"{s.kind} {s.data} {s.about}")
    hold = property(lambda s: s.steps(s.hold_s))
    rearm = property(lambda s: s.steps(s.rearm_s))
    span = property(lambda s: s.steps(s.span_s))
    longest = property(lambda s: s.steps(s.longest_s))
    truth_window = property(lambda s: 1 if s.raw_failure or not s.window else s.steps(s.window))
    # The evaluation's rule: a failure that comes sooner after the start than this could not be foreseen.
    shortest = property(lambda s: s.steps(s.lead_s) + 10)
    # The window is filled before the function is placed, and there is time to place it.
    warm = property(lambda s: max(s.steps(s.window), s.steps(PLACING_S * s.factor)))

    def wall(self, seconds):
        return f"{round(seconds / self.factor * 1000)}ms"

    @property
    def expr(self):
        return f"avg_over_time({self.metric}[{self.wall(self.window)}])" if self.window else self.metric

    def requirement(self):
        return {"expr": self.expr, "above" if self.below else "below": round(self.bound * self.scale, 6),
                "period": self.wall(self.dt), "candidate-period": "2s", "hold": self.wall(self.hold_s)}

    @property
    def migration(self):
        return {"lead": self.wall(self.lead_s), "deadline": "15s", "cooldown": "10s", **self.decide}


BATTERY = dict(kind="battery", feeder="battery", metric='node_power_supply_voltage_volts{power_supply="BAT0"}',
               below=True, scale=1, healthy=4.1)
SIGNAL = dict(kind="signal", feeder="signal", metric='node_wireless_signal_dbm{device="wlan0"}', below=True, scale=1,
              healthy=-45)
CPU = dict(kind="cpu", feeder="cpu", metric="node_cpu_utilisation_ratio", below=False, scale=0.01, healthy=5)
SETTINGS = [
    Setting(**BATTERY, data="batt-drone", about="3.3 V", dt=0.2, factor=1, window=15, bound=3.3, hold_s=1, rearm_s=3,
            lead_s=5, longest_s=60, span_s=140, decide={"raise": 0, "sustain": "500ms"}),
    Setting(**BATTERY, data="batt-drone", about="3.2 V", dt=0.2, factor=1, window=15, bound=3.2, hold_s=1, rearm_s=3,
            lead_s=5, longest_s=60, span_s=140, decide={"raise": 0, "sustain": "500ms"}),
    Setting(**SIGNAL, data="rad-5g", about="-95 dBm", dt=1, factor=2, window=180, bound=-95, hold_s=2, rearm_s=30,
            lead_s=6, longest_s=90, span_s=300, decide={"raise": 0.1, "clear": 0.05, "sustain": "0s"}),
    Setting(**SIGNAL, data="rad-ble", about="-70 dBm", dt=0.5, factor=1, window=15, bound=-70, hold_s=1, rearm_s=5,
            lead_s=3, longest_s=30, span_s=100, decide={"raise": 0.05, "clear": 0.03, "sustain": "0s"}),
    Setting(**CPU, data="srv-smd", about="20 %", dt=60, factor=60, window=7200, bound=20, hold_s=120, rearm_s=3600,
            lead_s=240, longest_s=1080, span_s=7200, decide={"raise": 0.06, "clear": 0.03, "sustain": "0s"}),
    Setting(**CPU, data="cpu-bitbrains", about="80 %", dt=300, factor=300, window=10800, bound=80, hold_s=600,
            rearm_s=5400, lead_s=1800, longest_s=5400, span_s=36000,
            decide={"raise": 0.06, "clear": 0.03, "sustain": "0s"}),
]
