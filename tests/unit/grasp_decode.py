# SPDX-License-Identifier: Apache-2.0
"""fogctl grasp decode against the vectors of tests/data/grasp, and against random messages that cbor2
encodes and whose meaning is known here. TAP.

usage: grasp_decode.py FOGCTL DATA-DIRECTORY
"""
import ipaddress
import json
import math
import pathlib
import random
import re
import struct
import subprocess
import sys

import cbor2

FOGCTL, DATA = sys.argv[1], pathlib.Path(sys.argv[2])
TYPES = {0: "M_NOOP", 1: "M_DISCOVERY", 2: "M_RESPONSE", 3: "M_REQ_NEG", 4: "M_REQ_SYN",
         5: "M_NEGOTIATE", 6: "M_END", 7: "M_WAIT", 8: "M_SYNCH", 9: "M_FLOOD", 99: "M_INVALID"}
OPTIONS = {100: "O_DIVERT", 101: "O_ACCEPT", 102: "O_DECLINE", 103: "O_IPv6_LOCATOR",
           104: "O_IPv4_LOCATOR", 105: "O_FQDN_LOCATOR", 106: "O_URI_LOCATOR"}
FLAGS = {1: "F_DISC", 2: "F_NEG", 4: "F_SYNCH", 8: "F_NEG_DRY"}

checks = failed = 0


def check(what, problems):
    global checks, failed
    checks += 1
    failed += bool(problems)
    print(f"{'not ok' if problems else 'ok'} {checks} - {what}")
    for p in list(problems)[:5]:
        print("# " + str(p).replace("\n", "\n# "))


def run(data, *args):
    if isinstance(data, str):
        data = data.encode()
    done = subprocess.run([FOGCTL, "grasp", "decode", *args], input=data, capture_output=True,
                          timeout=60, check=False)
    return done.stdout.decode().splitlines(), done.returncode, done.stderr.decode()


def decode(lines):
    """One JSON object for each, None for an error."""
    out, _, _ = run("\n".join(lines) + "\n", "--json")
    return [None if o.startswith("error: ") else json.loads(o) for o in out]


# --- the vectors ---------------------------------------------------------------------------------

def load(name):
    return json.loads((DATA / name).read_text())


def compare(rows):
    """rows: (name, hex, decoded or None, diag). What differs."""
    got = decode([r[1] for r in rows])
    if len(got) != len(rows):
        return [f"{len(got)} lines for {len(rows)} messages"]
    problems = []
    for (name, octets, decoded, diag), g in zip(rows, got):
        if g is None:
            problems.append(f"{name} was refused: {octets}")
            continue
        if g.pop("diag") != diag:
            problems.append(f"{name}: not {diag}")
        if decoded is not None and g != decoded:
            problems.append(f"{name}: {json.dumps(g)} is not {json.dumps(decoded)}")
    return problems


def test_vectors():
    rows = []
    for path in sorted(DATA.glob("M_*.json")):
        rows += [(c["id"], c["hex"], c["decoded"], c["diag"]) for c in load(path.name)["cases"]]
    check(f"{len(rows)} captured messages have their meaning and notation DISC-01", compare(rows))
    rows = [(f"{d['session_id']}-{i}", s["hex"], None, s["diag"])
            for d in load("dialogues.json")["dialogues"] for i, s in enumerate(d["steps"])]
    for name in ("rfc8990-appendix-a.json", "rust-rooster-flood.json"):
        rows += [(name, c["hex"], None, c["diag"]) for c in load(name)["cases"]]
    check(f"{len(rows)} messages of dialogues, of the RFC and of Rust have their notation",
          compare(rows))
    rows = [(c["id"], c["plain_hex"], None, c["diag"]) for c in load("QUADS.json")["cases"]]
    check(f"{len(rows)} messages that were sealed by QUADS have their notation", compare(rows))


MALFORMED = [1, 2, 3, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 19, 20, 22, 23, 26, 27, 28, 33,
             36, 37, 38, 39, 40, 41, 42, 48]
TWICE = 53


def test_hostile():
    cases = [c for c in load("hostile.json")["cases"] if c["hex"]]
    got = decode([c["hex"] for c in cases])
    problems, at = [], 0
    for c in cases:
        number = int(c["id"][-2:])
        for _ in range(2 if number == TWICE else 1):
            if c["expect"] == "accept" and got[at] is None:
                problems.append(f"{c['id']} was refused")
            if number in MALFORMED and got[at] is not None:
                problems.append(f"{c['id']} was accepted: {got[at]}")
            at += 1
    if at != len(got):
        problems.append(f"{len(got)} lines")
    check("hostile input is refused or passed over as expected G-001 G-033 G-041 G-043 I-14 I-15 I-23",
          problems)


# --- random messages ------------------------------------------------------------------------------

rnd = random.Random(8990)


def text():
    return "".join(rnd.choice("abzAZ09 .:/\"\\\n\t\x00\x1f\x7fäß€✓😀\u202e") for _ in range(rnd.randrange(9)))


def number():
    bits = rnd.choice([3, 5, 8, 16, 31, 32, 52, 53, 54, 63, 64, 70, 200])
    v = rnd.getrandbits(bits)
    v = rnd.choice([v, -v - 1, 2 ** bits, -2 ** bits, 2 ** 53, 2 ** 53 + 1, -2 ** 53, -2 ** 53 - 1])
    return v


def real():
    kind = rnd.randrange(5)
    if kind == 0:
        return struct.unpack(">e", struct.pack(">H", rnd.getrandbits(16)))[0]
    if kind == 1:
        return struct.unpack(">f", rnd.randbytes(4))[0]
    if kind == 2:
        return struct.unpack(">d", rnd.randbytes(8))[0]
    if kind == 3:
        return round(rnd.uniform(-1000, 1000), rnd.randrange(5))
    return rnd.choice([0.0, -0.0, 1e15, 1e16, 1e-4, 1e-5, 0.1, 5e-324, math.inf, -math.inf, math.nan])


def value(depth=0):
    kind = rnd.randrange(13 if depth < 4 else 9)
    if kind <= 1:
        return number()
    if kind == 2:
        return real()
    if kind == 3:
        return text()
    if kind == 4:
        return rnd.randbytes(rnd.randrange(5))
    if kind == 5:
        return rnd.choice([True, False, None])
    if kind == 6:
        return rnd.choice([cbor2.undefined, cbor2.CBORSimpleValue(rnd.choice([0, 19, 32, 255]))])
    if kind == 7:
        return cbor2.CBORTag(24, cbor2.dumps(rnd.choice([1, "x", [1, 2.5], {1: b"\1"}, {"a": None}])))
    if kind == 8:
        return cbor2.CBORTag(24, rnd.choice([b"", b"\xff", b"\x82\1", b"\1\2", "no bytes"]))
    if kind == 9:
        return cbor2.CBORTag(rnd.choice([1, 16, 18, 98, 55799, 2 ** 40]), value(depth + 1))
    if kind == 10:
        return {k: value(depth + 1) for k in
                (rnd.choice([text(), rnd.getrandbits(10), -5, rnd.randbytes(2), (1, 2)])
                 for _ in range(rnd.randrange(1 if CANONICAL else 0, 2 if CANONICAL else 4)))}
    return [value(depth + 1) for _ in range(rnd.randrange(4))]


CANONICAL = False


def encode(message):
    return cbor2.dumps(message, canonical=CANONICAL)


def big(v):
    tag, n = (2, v) if v >= 0 else (3, -1 - v)
    return cbor2.CBORTag(tag, n.to_bytes((n.bit_length() + 7) // 8, "big"))


def is_big(v):
    return isinstance(v, int) and not isinstance(v, bool) and not -2 ** 64 <= v < 2 ** 64


# Characters that steer a terminal or the direction of a text stand escaped (S-31).
STEERING = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"


def real_text(v):
    if math.isnan(v):
        return "NaN"
    return repr(v).replace("inf", "Infinity")


def meaning(v):
    if is_big(v):
        v = big(v)
    if v is None or isinstance(v, (bool, str)):
        return v
    if isinstance(v, int):
        return v if abs(v) <= 2 ** 53 else {"$int": str(v)}
    if isinstance(v, float):
        return {"$float": real_text(v)}
    if isinstance(v, bytes):
        return {"$hex": v.hex()}
    if v is cbor2.undefined:
        return {"$simple": 23}
    if isinstance(v, cbor2.CBORSimpleValue):
        return {"$simple": v.value}
    if isinstance(v, dict):
        return {"$map": [[meaning(k), meaning(x)] for k, x in v.items()]}
    if isinstance(v, cbor2.CBORTag):
        out = {"$tag": v.tag, "content": meaning(v.value)}
        if v.tag == 24 and isinstance(v.value, bytes):
            try:
                out["embedded"] = meaning(cbor2.loads(v.value))
            except Exception:  # whatever cbor2 thinks of no CBOR
                pass
        return out
    return [meaning(x) for x in v]


def width(v):
    return {3: 1, 5: 2, 9: 3}[len(encode(v))]


def notation(v):
    if is_big(v):
        v = big(v)
    if v is None:
        return "null"
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, int):
        return str(v)
    if isinstance(v, float):
        return f"{real_text(v)}_{width(v)}"
    if isinstance(v, str):
        return re.sub(STEERING, lambda m: f"\\u{ord(m[0]):04x}", json.dumps(v, ensure_ascii=False))
    if isinstance(v, bytes):
        return f"h'{v.hex()}'"
    if v is cbor2.undefined:
        return "undefined"
    if isinstance(v, cbor2.CBORSimpleValue):
        return f"simple({v.value})"
    if isinstance(v, dict):
        return "{" + ", ".join(f"{notation(k)}: {notation(x)}" for k, x in v.items()) + "}"
    if isinstance(v, cbor2.CBORTag):
        return f"{v.tag}({notation(v.value)})"
    return "[" + ", ".join(map(notation, v)) + "]"


def objective():
    """The element, and its meaning."""
    name = rnd.choice(["EX1", "411:load", "FOGDOMAIN", "ö:✓", "x" * 64])
    flags = rnd.choice([0, 1, 3, 5, 11, 15, 16, 255, 2 ** 32 - 1])
    o = [name, flags, rnd.randrange(256)] + ([value()] if rnd.random() < 0.8 else [])
    d = {"name": name, "flags": flags, "flag_names": [n for b, n in FLAGS.items() if flags & b],
         "loop_count": o[2], "has_value": len(o) > 3, "value": meaning(o[3]) if len(o) > 3 else None}
    if len(o) > 3 and rnd.random() < 0.1:
        o.append("a fifth")
    return o, d


def locator():
    code, port = rnd.randrange(103, 107), rnd.randrange(65536)
    proto = rnd.choice([6, 17])
    if code == 106 and rnd.random() < 0.5:
        proto = port = None
    d = {"option": OPTIONS[code], "code": code}
    if code in (103, 104):
        # what Python and C write alike, and what may stand in a divert
        place = ipaddress.ip_address("2001:db8::" + format(rnd.getrandbits(32) | 0x10000, "x")[-4:]
                                     if code == 103 else rnd.getrandbits(32))
        d["address"] = str(place)
        place = place.packed
    else:
        place = d["text"] = rnd.choice(["monitor.example.net", "coap://[2001:db8::7]/grasp"])
    return [code, place, proto, port], {**d, "protocol": proto, "port": port}


def unknown():
    extra = [value() for _ in range(rnd.randrange(3))]
    return [107, *extra], {"option": None, "code": 107, "content": [meaning(x) for x in extra]}


def response_options():
    pairs = [locator() for _ in range(rnd.randrange(1, 4))]
    if rnd.random() < 0.4:
        pairs = [([100] + [p[0] for p in pairs],
                  {"option": "O_DIVERT", "code": 100, "locators": [p[1] for p in pairs]})]
    if rnd.random() < 0.2:
        pairs.append(unknown())
    return pairs


def message():
    code = rnd.choice(list(TYPES))
    d = {"type": TYPES[code], "type_code": code}
    if code == 0:
        return [0], d
    m = [code, rnd.getrandbits(32)]
    d["session_id"] = m[1]
    if code in (1, 2, 9):
        m.append(rnd.choice([rnd.randbytes(4), b"\x20\1\x0d\xb8" + rnd.randbytes(12)]))
        d["initiator"] = str(ipaddress.ip_address(m[2]))
    if code in (2, 7, 9):
        m.append(rnd.choice([0, 1, 60000, 2 ** 32 - 1]))
        d["waiting_time_ms" if code == 7 else "ttl_ms"] = m[-1]
    if code == 2:
        pairs = response_options()
        m += [p[0] for p in pairs]
        d["options"], d["objective"] = [p[1] for p in pairs], None
        if rnd.random() < 0.5:
            o, d["objective"] = objective()
            m.append(o)
    elif code in (1, 3, 4, 5, 8):
        o, d["objective"] = objective()
        m.append(o)
    elif code == 6:
        reason = rnd.choice([None, "Insufficient funds", text()])
        accept = rnd.random() < 0.5
        m.append([101] if accept else [102] + ([reason] if reason is not None else []))
        d["option"] = {"option": "O_ACCEPT", "code": 101} if accept else {
            "option": "O_DECLINE", "code": 102, "reason": reason}
    elif code == 9:
        d["items"] = []
        for _ in range(rnd.randrange(1, 5)):
            o, what = objective()
            loc, where = locator() if rnd.random() < 0.7 else ([], None)
            m.append([o, loc])
            d["items"].append({"objective": what, "locator": where})
    elif code == 99:
        more = [value() for _ in range(rnd.randrange(4))]
        m += more
        d["content"] = [meaning(x) for x in more]
    if code not in (2, 99) and rnd.random() < 0.1:
        m.append(rnd.choice([7, "more", [999, 1]]))
    return m, d


def same(a, b):
    return json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)


def test_random(count):
    global CANONICAL
    for CANONICAL in (False, True):
        made = [message() for _ in range(count)]
        problems = []
        got = decode([encode(m).hex() for m, _ in made])
        if len(got) != count:
            problems.append(f"{len(got)} lines for {count} messages")
        for (m, d), g in zip(made, got):
            if g is None:
                problems.append(f"refused: {encode(m).hex()} {m}")
                continue
            diag = g.pop("diag")
            if not same(g, d):
                problems.append(f"{m}:\n{json.dumps(g)} is not\n{json.dumps(d)}")
            if diag != notation(m):
                problems.append(f"{diag} is not\n{notation(m)}")
        check(f"{count} messages of all types, encoded by cbor2"
              f"{' in canonical form' if CANONICAL else ''}, have their meaning and notation I-14",
              problems)
    CANONICAL = False


def test_indefinite():
    octets = ("9f 09 1a 00000001 5f 42 2001 4e 0db8000000000000000000000001 ff 19 03e8"
              "9f 9f 7f 63 455832 61 41 ff 05 04 bf 61 61 5f 41 01 41 02 ff ff ff 9f ff ff ff")
    diag = ("[_ 9, 1, (_ h'2001', h'0db8000000000000000000000001'), 1000, "
            "[_ [_ (_ \"EX2\", \"A\"), 5, 4, {_ \"a\": (_ h'01', h'02')}], [_ ]]]")
    decoded = {"type": "M_FLOOD", "type_code": 9, "session_id": 1, "initiator": "2001:db8::1",
               "ttl_ms": 1000, "items": [{"objective": {
                   "name": "EX2A", "flags": 5, "flag_names": ["F_DISC", "F_SYNCH"],
                   "loop_count": 4, "has_value": True,
                   "value": {"$map": [["a", {"$hex": "0102"}]]}}, "locator": None}]}
    check("indefinite lengths show in the notation and not in the meaning I-14",
          compare([("indefinite", octets, decoded, diag)]))


# --- lines ---------------------------------------------------------------------------------------

def test_lines():
    out, status, _ = run("# a comment\n\n  81 00\n0x81 0x00\n81:00 # why\n8100ff\n81008100\r\n", "--json")
    check("blanks, colons, 0x and comments are tolerated, and trailing bytes ignored I-15",
          [] if status == 0 and len(out) == 6 and all('"M_NOOP"' in o for o in out) else [out])
    out, status, _ = run("8100\n810\nxyz\n83071a0536807d\n8100\n", "--json")
    good = [o.startswith("error: ") for o in out] == [False, True, True, True, False]
    check("what is malformed is told in its place, the rest goes on, and the status is 1",
          [] if good and status == 1 else [out, status])
    out, status, _ = run("")
    check("nothing in, nothing out", [out, status] if out or status else [])
    out, status, _ = run("\n")
    check("lines without any message are an error",
          [] if out == ["error: line 1: no message at all"] and status == 1 else [out, status])
    out, status, _ = run(bytes.fromhex("810083071a0536807d198895"))
    check("bare messages are read as well",
          [] if out == ["M_NOOP", "M_WAIT 87457917 34965 ms"] and not status else [out])
    done = subprocess.run([FOGCTL, "grasp", "decode", "/nonexistent"], capture_output=True, check=False)
    check("a file that cannot be read is named, and the status is 1",
          [] if done.returncode == 1 and b"/nonexistent: " in done.stderr else [done])
    out, _, _ = run("83061a0536807d821866651b5b326d21e2\n8306018218666a1b5b324ae280aee280ae0a\n")
    check("text of a stranger does not reach the terminal as it is S-31",
          [o for o in out if any(not c.isprintable() for c in o)] + ([] if len(out) == 2 else [out]))


# --- captures --------------------------------------------------------------------------------------

A, B = ipaddress.ip_address("fe80::a"), ipaddress.ip_address("fe80::b")
GROUP = ipaddress.ip_address("ff02::13")
V4A, V4B = ipaddress.ip_address("192.0.2.1"), ipaddress.ip_address("192.0.2.2")
TYPE = {6: b"\x86\xdd", 4: b"\x08\x00"}


def udp(sport, dport, data):
    return struct.pack(">HHHH", sport, dport, 8 + len(data), 0) + data


def tcp(sport, dport, seq, flags, data=b""):
    return struct.pack(">HHIIBBHHH", sport, dport, seq & 0xffffffff, 0, 8 << 4, flags, 1000, 0, 0
                       ) + b"\1" * 12 + data


def ip(src, dst, proto, payload):
    if src.version == 6:
        return struct.pack(">IHBB", 6 << 28, len(payload), proto, 1) + src.packed + dst.packed + payload
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), 7, 0, 1, proto, 0
                       ) + src.packed + dst.packed + payload


def extended(src, dst, proto, payload):
    """Behind hop-by-hop and destination options and a header for authentication."""
    inside = bytes([60, 0, 1, 4, 0, 0, 0, 0]) + bytes([51, 1]) + bytes(14)
    inside += bytes([proto, 1]) + bytes(10)
    return ip(src, dst, 0, inside + payload)


def fragments(src, dst, proto, payload, size):
    parts = []
    for at in range(0, len(payload), size):
        more = at + size < len(payload)
        if src.version == 6:
            head = struct.pack(">BBHI", proto, 0, at | more, 99)
            parts.append(ip(src, dst, 44, head + payload[at:at + size]))
        else:
            p = bytearray(ip(src, dst, proto, payload[at:at + size]))
            p[6:8] = struct.pack(">H", at // 8 | (0x2000 if more else 0))
            parts.append(bytes(p))
    return parts


def ethernet(p, vlan=0):
    tags = b"".join([b"\x88\xa8\x00\x07", b"\x81\x00\x00\x05"][2 - vlan:])
    return bytes(12) + tags + TYPE[p[0] >> 4] + p + b"\0\0\0"


LINKS = {
    1: ethernet,
    101: lambda p: p,
    113: lambda p: bytes(14) + TYPE[p[0] >> 4] + p,
    276: lambda p: TYPE[p[0] >> 4] + bytes(18) + p,
    0: lambda p: struct.pack("<I", 10) + p,
    108: lambda p: struct.pack(">I", 24) + p,
}


def pcap(packets, link=1, order="<", magic=0xa1b2c3d4):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for i, p in enumerate(packets):
        frame = LINKS[link](p)
        out += struct.pack(order + "IIII", 1795000000 + i, 5, len(frame), len(frame)) + frame
    return out


def pcapng(packets, order):
    def block(kind, body):
        body += bytes(-len(body) % 4)
        return struct.pack(order + "II", kind, 12 + len(body)) + body + struct.pack(order + "I", 12 + len(body))

    out = block(0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    out += block(1, struct.pack(order + "HHI", 1, 0, 0) + struct.pack(order + "HHBxxx", 9, 1, 9) + bytes(4))
    out += block(5, bytes(8))
    for i, p in enumerate(packets):
        frame = ethernet(p)
        time = (1795000000 + i) * 10 ** 9 + 5000
        out += block(6, struct.pack(order + "IIIII", 0, time >> 32, time & 0xffffffff, len(frame), len(frame)) + frame)
    return out


def h(text):
    return bytes.fromhex(text)


DISCOVERY = h("84011a00d4d7485020010db8f000baaa28ccdc4c970367818463455831050200")
RESPONSE = h("85021a00d4d7485020010db8f000baaa28ccdc4c9703678119ea608418675020010db8f000baaaf000baaaf000baaa0619c123")
REQUEST = h("83031a00d214628463455833030682634e5a4419019a")
STEP = h("83051a00d214628463455833030682634e5a441850")
END = h("83061a00d2146282186672496e73756666696369656e742066756e6473")
FLOOD = h("85091a00357b4e5020010db8f000baaa28ccdc4c97036781192710828463455831050282704578616d706c6520312076616c75653d186480")
SYN, FIN, ACK = 2, 1, 16


def types(data, *args):
    out, _, err = run(data, *args)
    words = []
    for o in out:
        words.append("error" if o.startswith("error: ") else o.split(" > ")[1].split()[1])
    return words


def wanted(packets, *types_wanted, args=(), **how):
    got = types(pcap(packets, **how), *args)
    return [] if got == list(types_wanted) else [f"{got} is not {list(types_wanted)}"]


def conversation():
    """All of it, UDP and TCP, on ports that nobody told."""
    to_a = [tcp(3333, 5000, 100, SYN), tcp(3333, 5000, 101, ACK, RESPONSE), tcp(3333, 5000, 101 + len(RESPONSE), FIN)]
    ask = [tcp(6000, 49443, 7, SYN), tcp(6000, 49443, 8, ACK, REQUEST)]
    answer = [tcp(49443, 6000, 70, SYN | ACK), tcp(49443, 6000, 71, ACK, STEP + END[:9]),
              tcp(49443, 6000, 71 + len(STEP) + 9, ACK | FIN, END[9:])]
    return ([ip(A, GROUP, 17, udp(5000, 7017, DISCOVERY))] + [ip(B, A, 6, s) for s in to_a]
            + [ip(A, B, 6, s) for s in ask] + [ip(B, A, 6, s) for s in answer])


SAID = ["M_DISCOVERY", "M_RESPONSE", "M_REQ_NEG", "M_NEGOTIATE", "M_END"]


def test_captures():
    talk = conversation()
    problems = []
    for order in "<>":
        for magic in (0xa1b2c3d4, 0xa1b23c4d):
            problems += wanted(talk, *SAID, order=order, magic=magic)
        got = types(pcapng(talk, order))
        problems += [] if got == SAID else [got]
    check("pcap in its four forms and pcapng in both orders are read OPS-10", problems)
    problems = [p for link in LINKS for p in wanted(talk, *SAID, link=link)]
    v4 = [ip(V4A, V4B, 17, udp(5000, 7017, DISCOVERY)), ip(V4B, V4A, 6, tcp(1, 7017, 9, ACK, END))]
    problems += [p for link in LINKS for p in wanted(v4, "M_DISCOVERY", "M_END", link=link)]
    LINKS[1] = lambda p: ethernet(p, vlan=2)
    problems += wanted(talk, *SAID)
    LINKS[1] = ethernet
    check("Ethernet with VLANs, Linux cooked, raw and loopback frames are read", problems)
    out, _, _ = run(pcap(talk), "--json", "--addresses")
    first = json.loads(out[0])
    good = (first["time"], first["src"], first["src_port"], first["dst_port"], first["transport"]) == (
        "2026-11-18T11:06:40.000005Z", "fe80::a", 5000, 7017, "udp")
    check("JSON has time and addresses if they are wanted", [] if good else [first])
    out, _, _ = run(pcap(talk), "--json")
    check("and else the same form as from lines",
          [] if decode([DISCOVERY.hex()])[0] == json.loads(out[0]) else [out[0]])


def test_streams():
    data = REQUEST + STEP + END
    cuts = [(0, 5), (5, 30), (20, len(REQUEST) + 3), (len(REQUEST) + 3, len(data))]
    segments = [ip(A, B, 6, tcp(1000, 7017, 11 + a, ACK, data[a:b])) for a, b in cuts]
    begin = [ip(A, B, 6, tcp(1000, 7017, 10, SYN))]
    said = ["M_REQ_NEG", "M_NEGOTIATE", "M_END"]
    check("a message over several segments, several in one, and repeated bytes are read I-02",
          wanted(begin + segments + segments, *said))
    check("segments in another order are put in order",
          wanted(begin + [segments[i] for i in (3, 1, 2, 0)], *said))
    wrapped = [ip(A, B, 6, tcp(1000, 7017, 0xfffffff0 + a, ACK, data[a:b])) for a, b in cuts]
    check("sequence numbers wrap around",
          wanted([ip(A, B, 6, tcp(1000, 7017, 0xffffffef, SYN))] + wrapped[::-1], *said))
    lost = [ip(A, B, 6, tcp(1000, 7017, 11 + a, ACK, data[a:b]))
            for a, b in ((0, len(REQUEST)), (len(REQUEST) + 4, len(REQUEST + STEP)), (len(REQUEST + STEP), len(data)))]
    check("bytes that are not in the capture are told, and the next message is found",
          wanted(begin + lost + [ip(A, B, 6, tcp(1000, 7017, 11 + len(data), FIN))],
                 "M_REQ_NEG", "error", "M_END"))
    middle = [ip(A, B, 6, tcp(1000, 7017, 500, ACK, STEP[6:])), ip(A, B, 6, tcp(1000, 7017, 500 + len(STEP) - 6, ACK, END))]
    check("a stream whose beginning is missing is taken up at its next message", wanted(middle, "M_END"))
    check("the same on a port that nobody knows",
          wanted([ip(A, B, 6, tcp(1000, 2000, 500, ACK, STEP + END))], "M_NEGOTIATE", "M_END"))
    check("a stream that ends within a message is told",
          wanted(begin + segments[:3], "M_REQ_NEG", "error"))
    other = [ip(A, B, 6, tcp(1000, 80, 1, SYN)), ip(A, B, 6, tcp(1000, 80, 2, ACK, b"GET / HTTP/1.1\r\n\r\n")),
             ip(A, B, 17, udp(53, 53, b"\x81\x00")), ip(A, B, 17, udp(53, 54, b"\x12\x34")), ip(A, B, 58, bytes(8))]
    check("what is not GRASP is passed over", wanted(other))
    check("--all looks at every port", wanted(other, "M_NOOP", args=["--all"]))
    check("--port names another one, where malformed messages are told",
          wanted(other, "M_NOOP", "error", args=["--port", "53"]))
    bad = [ip(A, B, 6, tcp(1000, 7017, 11, ACK, b"\x83\x61x\1\1")), ip(A, B, 6, tcp(1000, 7017, 16, ACK, END))]
    check("after a malformed message the next segment goes on", wanted(begin + bad, "error", "M_END"))
    sealed = begin + [ip(A, B, 6, tcp(1000, 7017, 11, ACK, h("16030100020102"))), ip(A, B, 6, tcp(1000, 7017, 18, ACK, END))]
    _, _, err = run(pcap(sealed))
    check("TLS is not taken for GRASP, and told once", wanted(sealed) + ([] if "TLS" in err else [err]))


def test_packets():
    long = FLOOD + bytes(700)
    for version, src, dst in ((6, A, GROUP), (4, V4A, V4B)):
        parts = fragments(src, dst, 17, udp(5000, 7017, long), 256)
        check(f"fragments of IPv{version} are put together in any order",
              wanted(parts, "M_FLOOD") + wanted(parts[::-1], "M_FLOOD") + wanted(parts[1:]))
    check("extension headers are passed over",
          wanted([extended(A, GROUP, 17, udp(5000, 7017, FLOOD))], "M_FLOOD"))
    whole = pcap([ip(A, GROUP, 17, udp(5000, 7017, FLOOD))])
    short = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 80, 1) + struct.pack(
        "<IIII", 0, 0, 80, len(whole) - 40) + whole[40:120]
    check("a datagram that was captured in part is told", [] if types(short) == ["error"] else [types(short)])
    problems = []
    for cut in range(4, len(whole)):
        _, status, _ = run(whole[:cut])
        if status not in (0, 1):
            problems.append(f"{cut} bytes: status {status}")
    check("a capture that is cut off anywhere ends in order", problems)


def test_protected():
    """Who has signed a message is told, and who has sealed one that cannot be read."""
    vectors = load("proposal-sealed.json")
    signed, sealed = vectors["sign1"], vectors["encrypt0"]
    problems = []
    for vector, got in zip(signed, decode([v["wire_hex"] for v in signed]), strict=True):
        protected = cbor2.loads(bytes.fromhex(vector["protected_hex"]))
        want = {"kid": protected[4].hex(), "seq": vector["seq"], "iat": vector["iat"],
                "algorithm": vector["alg"], "certificate": False}
        plain = decode([vector["plain_hex"]])[0]
        if got.pop("signature", None) != want or got != plain:
            problems.append(got)
    check("who has signed a message is told beside it", problems)
    out, status, _ = run(signed[0]["wire_hex"] + "\n")
    check("in text as well", [] if status == 0 and "signed by ea656677ad5094bb, number 1" in out[0]
          else [out])
    bare = bytes.fromhex("".join(v["wire_hex"] for v in signed))
    out, status, _ = run(bare)
    check("signatures between bare messages are passed over", [] if len(out) == 3 and status == 0
          else [out])
    broken = signed[0]["wire_hex"][:-2]
    check("what is no whole signature is none", [] if "signature" not in decode([broken])[0] else [broken])
    out, status, err = run(sealed[0]["wire_hex"] + "\n")
    check("who has sealed a message is told", [] if status == 1 and "sealed by a1a2a3a4a5a6a7a8" in
          " ".join(out) + err else [out, err])


test_vectors()
test_protected()
test_hostile()
test_random(1500)
test_indefinite()
test_lines()
test_captures()
test_streams()
test_packets()
print(f"1..{checks}")
sys.exit(bool(failed))
