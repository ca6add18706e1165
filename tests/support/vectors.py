#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turn the GRASP vectors (tests/data/grasp/*.json) into tables that C tests include.

usage: vectors.py messages|hostile|scopes|quads|sealed    a C header on standard output
       vectors.py corpus DIRECTORY           one file per distinct message, for the fuzzer

What a message means is taken from the file's `decoded` member, or from its diagnostic notation
where there is none, and encoded again by the small encoder below, which shares nothing with the
code under test. A vector whose bytes differ from that is an error here already.
"""
import base64
import ipaddress
import json
import pathlib
import re
import struct
import sys

DATA = pathlib.Path(__file__).resolve().parent.parent / "data" / "grasp"
TYPES = {0: "M_NOOP", 1: "M_DISCOVERY", 2: "M_RESPONSE", 3: "M_REQ_NEG", 4: "M_REQ_SYN",
         5: "M_NEGOTIATE", 6: "M_END", 7: "M_WAIT", 8: "M_SYNCH", 9: "M_FLOOD", 99: "M_INVALID"}
KINDS = {103: "O_IPv6_LOCATOR", 104: "O_IPv4_LOCATOR", 105: "O_FQDN_LOCATOR", 106: "O_URI_LOCATOR"}
DIVERT, ACCEPT, DECLINE = 100, 101, 102


class Map(list):
    """Pairs in wire order."""


class Tag(tuple):
    """(number, item)"""


# --- CBOR: shortest integers, definite lengths, 64-bit floats, as graspy writes it -----------

def head(major, n):
    if n < 24:
        return bytes([major << 5 | n])
    for more, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if n < 1 << 8 * size:
            return bytes([major << 5 | more]) + n.to_bytes(size, "big")
    raise ValueError(n)


def encode(item):
    if item is None or item is True or item is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[item]
    if isinstance(item, int):
        return head(0, item) if item >= 0 else head(1, -1 - item)
    if isinstance(item, float):
        return b"\xfb" + struct.pack(">d", item)
    if isinstance(item, bytes):
        return head(2, len(item)) + item
    if isinstance(item, str):
        text = item.encode()
        return head(3, len(text)) + text
    if isinstance(item, Map):
        return head(5, len(item)) + b"".join(encode(k) + encode(v) for k, v in item)
    if isinstance(item, Tag):
        return head(6, item[0]) + encode(item[1])
    return head(4, len(item)) + b"".join(map(encode, item))


# --- from `decoded` to the message as nested lists --------------------------------------------

def value(v):
    if isinstance(v, list):
        return [value(x) for x in v]
    if not isinstance(v, dict):
        return v
    if "$hex" in v:
        return bytes.fromhex(v["$hex"])
    if "$float" in v:
        return float(v["$float"])
    if "$int" in v:
        return int(v["$int"])
    if "$map" in v:
        return Map((value(k), value(x)) for k, x in v["$map"])
    return Tag((v["$tag"], value(v["content"])))


def objective(o):
    known = [o["name"], o["flags"], o["loop_count"]]
    return known + ([value(o["value"])] if o["has_value"] else [])


def option(o):
    if o is None:
        return []
    if o["code"] == DIVERT:
        return [DIVERT] + [option(x) for x in o["locators"]]
    if o["code"] in (ACCEPT, DECLINE):
        return [o["code"]] + ([o["reason"]] if o.get("reason") is not None else [])
    place = o["text"] if "text" in o else ipaddress.ip_address(o["address"]).packed
    return [o["code"], place, o["protocol"], o["port"]]


def from_decoded(d):
    m = [d["type_code"]]
    if "session_id" in d:
        m.append(d["session_id"])
    if "initiator" in d:
        m.append(ipaddress.ip_address(d["initiator"]).packed)
    for name in ("ttl_ms", "waiting_time_ms"):
        if name in d:
            m.append(d[name])
    m += [option(o) for o in d.get("options", [])]
    if d.get("objective"):
        m.append(objective(d["objective"]))
    if "option" in d:
        m.append(option(d["option"]))
    m += [[objective(i["objective"]), option(i["locator"])] for i in d.get("items", [])]
    return m + [value(x) for x in d.get("content", [])]


# --- from diagnostic notation (RFC 8949 §8) to nested lists -----------------------------------

TOKEN = re.compile(r"""\s*(?: h'(?P<hex>[0-9a-f]*)' | (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<tag>\d+)\( | (?P<float>-?\d+\.\d+)(?:_\d)? | (?P<int>-?\d+)
    | (?P<word>null|true|false) | (?P<mark>[][{}(),:]) )""", re.X)


def from_diag(text):
    tokens = list(TOKEN.finditer(text))
    at = 0

    def sequence(close):
        nonlocal at
        items = []
        while tokens[at]["mark"] != close:
            items.append(item())
            if tokens[at]["mark"] in (",", ":"):
                at += 1
        at += 1
        return items

    def item():
        nonlocal at
        t = tokens[at]
        at += 1
        if t["mark"] == "[":
            return sequence("]")
        if t["mark"] == "{":
            flat = sequence("}")
            return Map(zip(flat[::2], flat[1::2]))
        if t["tag"]:
            return Tag((int(t["tag"]), sequence(")")[0]))
        if t["hex"] is not None:
            return bytes.fromhex(t["hex"])
        if t["float"]:
            return float(t["float"])
        if t["int"]:
            return int(t["int"])
        return json.loads(t["text"] or t["word"])

    return item()


# --- from nested lists to the C initialiser of a struct grasp_msg ------------------------------

def c_bytes(b):
    return '"' + "".join(f"\\x{x:02x}" for x in b) + '"'


def c_slice(b):
    return f"S({c_bytes(b)})"


def c_objective(o):
    more = f", .value = {c_slice(encode(o[3]))}" if len(o) > 3 else ""
    return f"{{ .name = {c_slice(o[0].encode())}, .flags = {o[1]}, .loop_count = {o[2]}{more} }}"


def c_locator(o):
    if not o:
        return "{ 0 }"
    if isinstance(o[1], str):
        place = f".text = {c_slice(o[1].encode())}"
    else:
        ip = o[1] if len(o[1]) == 16 else bytes(10) + b"\xff\xff" + o[1]
        place = ".ip.s6_addr = { " + ", ".join(map(str, ip)) + " }"
    numbers = [-1 if n is None else n for n in o[2:4]]
    return f"{{ .kind = {KINDS[o[0]]}, {place}, .proto = {numbers[0]}, .port = {numbers[1]} }}"


def c_initiator(b):
    return f".initiator = {{ {len(b)}, {{ {', '.join(map(str, b))} }} }}"


def list_of(field, count, rows):
    return [f".{field} = {{ {', '.join(rows)} }}", f".{count} = {len(rows)}"]


def c_response(m):
    fields = [c_initiator(m[2]), f".time_ms = {m[3]}"]
    rest, diverted = m[4:], m[4][0] == DIVERT
    if isinstance(rest[-1][0], str):
        fields += [".has_objective = true", f".objective = {c_objective(rest.pop())}"]
    locators = rest[0][1:] if diverted else rest
    return fields + list_of("locator", "locators", [c_locator(o) for o in locators]) + (
        [".diverted = true"] if diverted else [])


def c_flood(m):
    return [c_initiator(m[2]), f".time_ms = {m[3]}",
            f".locator = {{ {', '.join(c_locator(i[1]) for i in m[4:])} }}"] + list_of(
            "flooded", "items", [c_objective(i[0]) for i in m[4:]])


def c_end(m):
    if m[2][0] == ACCEPT:
        return [".accepted = true"]
    return [f".reason = {c_slice(m[2][1].encode())}"] if len(m[2]) > 1 else []


def c_message(m):
    fields = [f".type = {TYPES[m[0]]}"] + ([f".session_id = {m[1]}u"] if len(m) > 1 else [])
    if m[0] == 1:
        fields.append(c_initiator(m[2]))
    if m[0] in (1, 3, 4, 5, 8):
        fields += [".has_objective = true", f".objective = {c_objective(m[-1])}"]
    elif m[0] == 2:
        fields += c_response(m)
    elif m[0] == 6:
        fields += c_end(m)
    elif m[0] == 7:
        fields.append(f".time_ms = {m[2]}u")
    elif m[0] == 9:
        fields += c_flood(m)
    elif m[0] == 99:
        fields.append(f".content = {c_slice(b''.join(map(encode, m[2:])))}")
    return "{ " + ", ".join(fields) + " }"


# --- the tables --------------------------------------------------------------------------------

def load(name):
    return json.loads((DATA / name).read_text())


def all_messages():
    """(id, hex, message) of every captured or published vector, each message once."""
    rows = []
    for path in sorted(DATA.glob("M_*.json")):
        rows += [(c["id"], c["hex"], from_decoded(c["decoded"])) for c in load(path.name)["cases"]]
    for i, c in enumerate(load("rfc8990-appendix-a.json")["cases"]):
        rows.append((f"rfc8990-{c['section']}-{i}", c["hex"], from_diag(c["diag"])))
    for c in load("rust-rooster-flood.json")["cases"]:
        rows.append(("rust-rooster-flood", c["hex"], from_diag(c["diag"])))
    for i, d in enumerate(load("dialogues.json")["dialogues"]):
        rows += [(f"dialogue-{i}-{n}", s["hex"], from_diag(s["diag"]))
                 for n, s in enumerate(d["steps"])]
    once = {}
    for name, octets, message in rows:
        if encode(message).hex() != octets:
            raise SystemExit(f"{name}: meaning and bytes differ")
        once.setdefault(octets, (name, octets, message))
    return list(once.values())


def put_messages():
    print("static const struct message_vector {\n\tconst char *id, *hex;\n"
          "\tstruct grasp_msg msg;\n} message_vectors[] = {")
    for name, octets, message in all_messages():
        print(f'\t{{ "{name}", "{octets}",\n\t    {c_message(message)} }},')
    print("};")


def put_hostile():
    print("static const struct hostile_vector {\n"
          "\tconst char *id, *name, *expect, *hex;\n} hostile_vectors[] = {")
    for c in load("hostile.json")["cases"]:
        print(f'\t{{ "{c["id"]}", "{c["name"]}", "{c["expect"]}",\n\t    "{c["hex"]}" }},')
    print("};")


def put_scopes():
    print("static const struct scope_vector {\n\tconst char *expression, *canonical;\n"
          "\tint range;\n\tconst char *prefix;\n\tunsigned prefix_len;\n"
          "\tconst char *group;\n} scope_vectors[] = {")
    for c in load("scope-groups.json")["cases"]:
        text = "; ".join(f"{k}={v}" for k, v in c["expression"].items())
        prefix, _, length = (c["prefix"] or "::/0").partition("/")
        print(f'\t{{ {json.dumps(text, ensure_ascii=False)}, "{c["canonical"]}", '
              f'{c["mcast_scope"]}, "{prefix}", {length}, "{c["group"]}" }},')
    print("};")


def put_quads():
    quads = load("QUADS.json")
    print(f'#define QUADS_PASSWORD "{quads["password_utf8"]}"\n'
          f'#define QUADS_KEY_HEX "{quads["key_hex"]}"\n'
          f'#define QUADS_IV_HEX "{quads["iv_hex"]}"')
    print("static const struct quads_vector {\n\tconst char *id;\n\tint udp;\n"
          "\tconst char *wire, *plain;\n} quads_vectors[] = {")
    for c in quads["cases"]:
        print(f'\t{{ "{c["id"]}", {int(c["transport"] == "udp")},\n'
              f'\t    "{c["wire_hex"]}",\n\t    "{c["plain_hex"]}" }},')
    print("};")


def put_sealed():
    all_ = load("proposal-sealed.json")
    for name in ("group_secret", "group_kid", "sender", "boot", "ed25519_public"):
        print(f'#define SEALED_{name.upper()} "{all_[name + "_hex"]}"')
    pem = all_["p256_public_spki_pem"].split("\n")
    print(f'#define SEALED_P256_PUBLIC "{base64.b64decode("".join(pem[1:-2])).hex()}"')
    print("static const struct sealed_vector {\n\tunsigned ctr;\n\tlong long iat;\n\tconst char *dst;"
          "\n\tconst char *plain, *key, *nonce, *protected, *aad, *structure, *wire;\n"
          "} sealed_vectors[] = {")
    for c in all_["encrypt0"]:
        names = ("plain", "key", "nonce", "protected", "external_aad", "enc_structure", "wire")
        print(f'\t{{ {c["ctr"]}, {c["iat"]}, "{c["dst"]}",\n\t    ' +
              ",\n\t    ".join(f'"{c[n + "_hex"]}"' for n in names) + " },")
    print("};\nstatic const struct signed_vector {\n\tunsigned seq;\n\tlong long iat;\n\tconst char *alg;"
          "\n\tconst char *plain, *protected, *payload, *structure, *trailer, *wire;\n"
          "} signed_vectors[] = {")
    for c in all_["sign1"]:
        names = ("plain", "protected", "payload", "sig_structure", "trailer", "wire")
        print(f'\t{{ {c["seq"]}, {c["iat"]}, "{c["alg"]}",\n\t    ' +
              ",\n\t    ".join(f'"{c[n + "_hex"]}"' for n in names) + " },")
    print("};")


def put_corpus(directory):
    out = pathlib.Path(directory)
    out.mkdir(parents=True, exist_ok=True)
    rows = [(name, octets) for name, octets, _ in all_messages()]
    rows += [(c["id"], c["hex"]) for c in load("hostile.json")["cases"] if c["hex"]]
    for name, octets in rows:
        (out / name).write_bytes(bytes.fromhex(octets))


TABLES = {"messages": put_messages, "hostile": put_hostile, "scopes": put_scopes,
          "quads": put_quads, "sealed": put_sealed}

if len(sys.argv) == 3 and sys.argv[1] == "corpus":
    put_corpus(sys.argv[2])
elif len(sys.argv) == 2 and sys.argv[1] in TABLES:
    print("/* SPDX-License-Identifier: Apache-2.0\n *\n"
          f" * Written by tests/support/vectors.py {sys.argv[1]} from tests/data/grasp/, whose\n"
          " * README.md names the sources. Not for editing. */\n#pragma once\n"
          "/* clang-format off */")
    TABLES[sys.argv[1]]()
else:
    raise SystemExit(__doc__)
