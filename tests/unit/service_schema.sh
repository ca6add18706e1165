#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The JSON Schema of service descriptions against the parser: python3-jsonschema is the oracle. TAP.
exec /usr/bin/python3 - "${top_srcdir:-$(dirname "$0")/../..}" "${top_builddir:-build}" <<'X'
import json, subprocess, sys
try:
    import jsonschema, yaml
except ImportError as e:
    print(f"1..0 # SKIP {e}")
    sys.exit(77)
source, build = sys.argv[1:]
schema = json.load(open(f"{build}/controller/service.schema.json"))
validator = jsonschema.Draft202012Validator(schema)
n = failed = 0

def result(what, why):
    global n, failed
    n += 1
    failed += why is not None
    print(("ok" if why is None else "not ok") + f" {n} - {what}")
    if why:
        print("# " + why.replace("\n", "\n# "))

def parser_says(text):
    p = subprocess.run([f"{build}/tests/unit/parse_service"], input=text, text=True, capture_output=True)
    return p.stderr if p.returncode else None

def schema_says(text):
    errors = sorted(validator.iter_errors(yaml.safe_load(text)), key=str)
    return f"{list(errors[0].path)}: {errors[0].message}" if errors else None

def both_accept(what, text):
    p, s = parser_says(text), schema_says(text)
    result(what, None if p is None and s is None else f"parser: {p}\nschema: {s}")

def both_refuse(what, text):
    p, s = parser_says(text), schema_says(text)
    result(what, None if p and s else f"{text}\nparser: {p}\nschema: {s}")

result("the schema is one", None if jsonschema.Draft202012Validator.check_schema(schema) is None else "no")
both_accept("the robot's service is valid PLN_01", open(f"{source}/examples/robot/robot.yaml").read())
F = "service: s\nfunctions:\n  - name: f\n"
R = F + "    requirements:\n      - "
for what, text in {
    "the least one": F,
    "everything a function may ask for": F + """    host: A
    candidates: [B, C]
    avoid: [D]
    needs: {cpus: 2, memory: 64MiB, storage: 1GiB, virtualization: [kvm], energy: [mains], type: [robot],
            radio: [lte], devices: [camera], tags: {floor: 2, site: hall}}
    location: {area: ['1,2', '3,4', '5,6'], circle: '40.33,-3.77,2km', near: {node: u, within: 300m}, hold: 1s}
    availability: {probability: 0.9, horizon: 1h30m}
    migration: {class: exclusive, stateful: yes, break-ok: no, lead: 250ms, margin: 1s, deadline: 10s, drain: 0s,
                cooldown: 2m, pinned: no, cost: 0.2, raise: 0.5, clear: 0.1, sustain: 3s}
""",
    "everything a requirement may say": R + "{expr: node_load1, below: 4, when-missing: ok, period: 1s, "
        "candidate-period: 5s, hold: 0s, report: periodic, longest-period: 10s, class: cpu, range: [0, 8.5], predictor: trend}\n",
    "links and an objective": "service: s\nhook: h\ndescription: d\nobjective: {safety: 2}\nfunctions: [{name: a, candidates: any}, {name: b}]\n"
        "links: [{from: a, to: b, latency: 20ms, loss: 0.01, bandwidth: 2.5Mbit, period: 2s}]\n",
}.items():
    both_accept(f"{what} is valid PLN_01", text)
for text in [
    "[]", "service: s\n", "functions: [{name: f}]\n", "service: s\nfunctions: []\n", "service: a b\nfunctions: [{name: f}]\n",
    "service: s\nfunctions: [{name: f}]\nfunktions: 1\n", "service: s\nfunctions: [f]\n", "service: s\nfunctions: [{host: A}]\n",
    F + "    candidates: B\n", F + "    candidates: [B, B]\n", F + "    needs: {cpus: -1}\n", F + "    needs: {cpus: 1.5}\n",
    F + "    needs: {memory: much}\n", F + "    needs: {enrgy: [mains]}\n", F + "    needs: {energy: [sun]}\n",
    F + "    migration: {raise: 2}\n", F + "    migration: {class: careful}\n", F + "    migration: {pinned: perhaps}\n",
    F + "    migration: {lead: fast}\n", F + "    availability: {probability: 1}\n", F + "    requirements: {}\n",
    R + "{expr: node_load1}\n", R + "{below: 1}\n", R + "{expr: node_load1, above: 1, below: 2}\n",
    R + "{expr: node_load1, above: warm}\n", R + "{expr: node_load1, above: 1, range: [1]}\n",
    R + "{expr: node_load1, above: 1, class: heat}\n", R + "{expr: node_load1, above: 1, report: never}\n",
    F + "    location: {}\n", F + "    location: {area: ['1,2']}\n", F + "    location: {circle: '1,2'}\n",
    F + "    location: {near: {node: a, within: 3mi}}\n",
    F + "links: [{from: f}]\n", F + "links: [{from: f, to: f, loss: 2}]\n", F + "links: [{from: f, to: f, bandwidth: 3MB}]\n",
    F + "objective: {safety: much}\n", F + "objective: {safety: 1001}\n", F + "objective: {luck: 1}\n",
]:
    both_refuse("both refuse " + text.replace(F, "").strip().replace("\n", " ")[:60] + " PLN_10", text)
print(f"1..{n}")
sys.exit(failed > 0)
X
