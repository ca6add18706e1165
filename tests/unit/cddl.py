# SPDX-License-Identifier: Apache-2.0
#
# Does the code emit what protocol/fog.cddl says? Reads lines "rule hex" and "function number name"
# and compares: every encoding is deterministic; the keys of a map are keys of its rule, none that is required is
# missing, and each key that the rule has was seen in some sample; types agree as far down as
# rules are named. Not a validator of CDDL: the rules are read as far as this file writes them.
#
#	emit_values | python3 cddl.py fog.cddl
import re
import sys

import cbor2

text = open(sys.argv[1]).read()
listed = re.search(r"^;\s+functions: (.*?)^function", text, re.S | re.M)[1]
functions = set(re.findall(r"(\d+) ([a-z_0-9]+)", listed))
text = re.sub(r";.*", "", text)
rules = {}
for name, body in re.findall(r"^([a-z-]+) = (.*?)(?=^[a-z-]+ = |\Z)", text, re.S | re.M):
    rules[name] = " ".join(body.split())
keys = {}  # rule: {key: (required, type)}
for name, body in rules.items():
    found = re.findall(r"(\? )?(\d+): ([^\[\],]+|\[.*?\])(?:,|$)", body.strip("{} "))
    if body.startswith("{") and found:
        keys[name] = {int(k): (not opt, kind.strip()) for opt, k, kind in found}
seen = {name: set() for name in keys}
PLAIN = {"tstr": str, "bstr": bytes, "uint": int, "int": int, "bool": bool, "float": float}
wrong = []


def matches(value, kind, where):
    """kind is a type as written in the file: alternatives, names, ranges, arrays."""
    if " / " in kind and not kind.startswith("["):
        return any(matches(value, part, where) for part in kind.split(" / "))
    if kind[0] not in "[{":
        kind = re.sub(r" \.size .*", "", kind)
    if kind == "null" or kind == "any":
        return kind == "any" or value is None
    if re.fullmatch(r"\d+(\.\.\d+)?", kind):
        low, _, high = kind.partition("..")
        return type(value) is int and int(low) <= value <= int(high or low)
    if kind in PLAIN:
        return type(value) is PLAIN[kind] and (kind != "uint" or value >= 0)
    if kind in keys:
        return compare_map(value, kind, where)
    if kind in rules:
        return matches(value, rules[kind], where + "." + kind)
    many = re.fullmatch(r"\[(?:\*|\+|\d+\*\d+) (.*)\]", kind)
    if many:
        return type(value) is list and all(matches(v, many[1], where) for v in value)
    if kind.startswith("["):
        return compare_array(value, kind.strip("[]").split(", "), where)
    pairs = re.fullmatch(r"{ \* (\S+) => (\S+) }", kind)
    if pairs:
        return type(value) is dict and all(
            matches(k, pairs[1], where) and matches(v, pairs[2], where) for k, v in value.items())
    sys.exit(f"Bail out! cannot read the type {kind!r} of {where}")


def compare_array(value, kinds, where):
    kinds = [re.sub(r"^\w+: ", "", k) for k in kinds]
    if kinds[-1] == "* any":
        kinds = kinds[:-1] + ["any"] * (len(value) - len(kinds) + 1)
    least = sum(not k.startswith("? ") for k in kinds)
    return type(value) is list and least <= len(value) <= len(kinds) and all(
        matches(v, k.removeprefix("? "), where) for v, k in zip(value, kinds))


def compare_map(value, rule, where):
    if type(value) is not dict:
        return False
    seen[rule] |= value.keys()
    for key, (required, kind) in keys[rule].items():
        if key in value and not matches(value[key], kind, f"{where}.{rule}"):
            wrong.append(f"{where}.{rule}[{key}] = {value[key]!r} is not {kind}")
        if key not in value and required:
            wrong.append(f"{where}.{rule}[{key}] is missing")
    wrong.extend(f"{where}.{rule}[{k}] is not written down" for k in value.keys() - keys[rule])
    return True


tests = []
known = set()
for line in sys.stdin:
    rule, data = line.split(maxsplit=1)
    if rule == "function":
        known.add(tuple(data.split()))
        continue
    data, wrong = bytes.fromhex(data), []
    value = cbor2.loads(data)
    if not matches(value, rule, "sample"):
        wrong.append(f"not {rule}: {value!r}")
    if cbor2.dumps(value, canonical=True) != data:
        wrong.append("not the deterministic encoding")
    tests.append((f"a {rule} of {len(data)} bytes is as written down", wrong))
for rule in keys:
    missing = keys[rule].keys() - seen[rule]
    tests.append((f"every key of {rule} is emitted", [f"never seen: {sorted(missing)}"] * bool(missing)))
tests.append(("the functions are the listed ones", [f"only here or there: {sorted(known ^ functions)}"] *
              (known != functions)))
print(f"1..{len(tests)}")
for number, (name, faults) in enumerate(tests, 1):
    print("not ok" if faults else "ok", number, "-", name)
    for fault in faults:
        print("#", fault)
