#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packets for tests/wireshark.sh and what tshark should say about them.

usage: wireshark.py pcap KIND FILE      the packets of one kind, as a capture of raw IPv6
       wireshark.py compare TYPE JSON   what "tshark -T json --no-duplicate-keys" saw of "vectors"
                                        against the vectors; exit status 1 if something differs
KIND: vectors    every message of tests/data/grasp, TCP ones each on a connection of its own
      dialogues  the captured dialogues with the ports that they had
      joined     ten requests in one segment, and each of them byte by byte
      protected  multicasts that are signed, and such as are sealed
      hostile    what must not confuse anybody, and 4000 vectors with bytes changed at random
"""
import ipaddress
import json
import pathlib
import random
import struct
import sys

DATA = pathlib.Path(__file__).resolve().parent / "data" / "grasp"
UDP, TCP = 17, 6
# Remarks that are no fault of a message.
REMARKS = {"grasp.declined", "grasp.invalid", "grasp.loop_count.zero", "grasp.trailing.present"}
SYN, PUSH, ACK, FIN = 2, 8, 16, 1
HERE, THERE = "fd9e:1::1", "fd9e:1::2"


def cases(name):
    return json.loads((DATA / name).read_text())["cases"]


def vectors():
    for path in sorted(DATA.glob("M_*.json")):
        yield from cases(path.name)


# --- packets ----------------------------------------------------------------------------------

def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF or 0xFFFF


def ipv6(src, dst, proto, segment, at):
    src, dst = (ipaddress.IPv6Address(a).packed for a in (src, dst))
    pseudo = src + dst + struct.pack(">I3xB", len(segment), proto)
    segment = segment[:at] + struct.pack(">H", checksum(pseudo + segment)) + segment[at + 2:]
    return struct.pack(">IHBB", 6 << 28, len(segment), proto, 64) + src + dst + segment


def datagram(src, sport, dst, dport, data):
    return ipv6(src, dst, UDP, struct.pack(">4H", sport, dport, 8 + len(data), 0) + data, 6)


def segment(src, sport, dst, dport, seq, flags, data=b""):
    head = struct.pack(">2H2I2B3H", sport, dport, seq, 1, 5 << 4, flags, 65535, 0, 0)
    return ipv6(src, dst, TCP, head + data, 16)


def stream(src, sport, dst, dport, *parts):
    """A connection that is opened and used in one direction."""
    yield segment(src, sport, dst, dport, 0, SYN)
    seq = 1
    for part in parts:
        yield segment(src, sport, dst, dport, seq, PUSH | ACK, part)
        seq += len(part)
    yield segment(src, sport, dst, dport, seq, FIN | ACK)


def send(case, sport):
    data = bytes.fromhex(case["hex"])
    src, dst = case.get("src", HERE), case.get("dst", THERE)
    if case.get("transport", case.get("via", "udp")) == "udp":
        yield datagram(src, case.get("src_port", sport), dst, 7017, data)
    else:
        yield from stream(src, sport, dst, 7017, data)


def all_vectors():
    for n, case in enumerate(vectors()):
        yield from send(case, 1024 + n)


def dialogues():
    """Ports are not in the dialogues but in the vectors, found again by their bytes."""
    known, sequence = {c["hex"]: c for c in vectors()}, {}
    for dialogue in json.loads((DATA / "dialogues.json").read_text())["dialogues"]:
        for step in dialogue["steps"]:
            c = known.get(step["hex"])
            if not c:
                continue
            data = bytes.fromhex(c["hex"])
            ends = c["src"], c["src_port"], c["dst"], c["dst_port"]
            if c["transport"] == "udp":
                yield datagram(*ends, data)
                continue
            seq = sequence.get(ends, 1)
            sequence[ends] = seq + len(data)
            yield segment(*ends, seq, PUSH | ACK, data)


def joined():
    requests = [bytes.fromhex(c["hex"]) for c in cases("M_REQ_NEG.json")][:10]
    whole = b"".join(requests)
    yield from stream(HERE, 3000, THERE, 7017, whole)
    yield from stream(HERE, 3001, THERE, 7017, *(whole[i:i + 1] for i in range(len(whole))))
    yield from stream(HERE, 3002, THERE, 7017, whole[:-5])


def protected():
    data = json.loads((DATA / "proposal-sealed.json").read_text())
    for n, case in enumerate(data["sign1"] + data["encrypt0"]):
        yield datagram(HERE, 2000 + n, "ff02::13", 7017, bytes.fromhex(case["wire_hex"]))


def hostile():
    rng = random.Random(8990)
    for n, case in enumerate(cases("hostile.json")):
        yield from send(case, 1024 + n)
        yield from send(dict(case, via="udp"), 1024 + n)
    good = list(vectors())
    for n in range(4000):
        case = rng.choice(good)
        data = bytearray.fromhex(case["hex"])
        for _ in range(rng.choice((1, 1, 1, 2, 8))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if n % 5 == 0:
            del data[rng.randrange(len(data)):]
        yield from send({"hex": data.hex(), "via": rng.choice(("udp", "tcp"))}, 2000 + n)
    for head in (b"\x81", b"\x9f", b"\xa1", b"\xc1", b"\xd8\x18"):
        yield datagram(HERE, 5, THERE, 7017, head * (1200 // len(head)))
        yield from stream(HERE, 6000 + head[0], THERE, 7017, *[head * 1000] * 20)
    signed = list(json.loads((DATA / "proposal-sealed.json").read_text())["sign1"])
    for n in range(500):
        data = bytearray.fromhex(rng.choice(signed)["wire_hex"])
        data[rng.randrange(len(data))] = rng.randrange(256)
        yield datagram(HERE, 7000 + n, THERE, 7017, bytes(data))


def write(kind, path):
    packets = {"vectors": all_vectors, "dialogues": dialogues, "joined": joined,
               "hostile": hostile, "protected": protected}[kind]
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for n, packet in enumerate(packets()):
            out.write(struct.pack("<4I", n // 1000, n % 1000 * 1000, len(packet), len(packet)))
            out.write(packet)


# --- what is expected -------------------------------------------------------------------------

def diag(v):
    """A value of `decoded` in diagnostic notation."""
    if isinstance(v, list):
        return "[" + ", ".join(map(diag, v)) + "]"
    if not isinstance(v, dict):
        return json.dumps(v, ensure_ascii=False)
    if "$hex" in v:
        return f"h'{v['$hex']}'"
    if "$float" in v:
        return v["$float"] + "_3"
    if "$int" in v:
        return v["$int"]
    if "$map" in v:
        return "{" + ", ".join(f"{diag(k)}: {diag(x)}" for k, x in v["$map"]) + "}"
    return f"{v['$tag']}({diag(v['content'])})"


def expect_objective(o, want):
    flags = o["flags"]
    want("grasp.objective.name", o["name"])
    want("grasp.objective.flags", flags)
    for bit, name in enumerate(("disc", "neg", "synch", "dry")):
        want(f"grasp.objective.flags.{name}", flags >> bit & 1)
    want("grasp.objective.loop_count", o["loop_count"])
    if o["has_value"]:
        want("grasp.objective.value", diag(o["value"]))
        if isinstance(o["value"], dict) and o["value"].get("$tag") == 24:
            want("grasp.objective.value.embedded", diag(o["value"]["embedded"]))


def expect_option(o, want):
    want("grasp.option", o["code"])
    if "address" in o:
        want("grasp.locator." + ("ipv6" if o["code"] == 103 else "ipv4"), o["address"])
    if "text" in o:
        want({102: "grasp.decline.reason", 105: "grasp.locator.fqdn",
              106: "grasp.locator.uri"}[o["code"]], o["text"])
    for key, field in (("reason", "decline.reason"), ("protocol", "locator.protocol"),
                       ("port", "locator.port")):
        if o.get(key) is not None:
            want("grasp." + field, o[key])
    for inner in o.get("locators", ()):
        expect_option(inner, want)


def expected(case):
    """Field name -> values in order."""
    seen, d = {}, case["decoded"]

    def want(field, value):
        seen.setdefault(field, []).append(str(value))

    want("grasp.type", d["type_code"])
    want("grasp.diagnostic", case["diag"])
    want("grasp.length", case["length"])
    for key in ("session_id", "initiator"):
        if d.get(key) is not None:
            want("grasp." + key, d[key])
    if "ttl_ms" in d:
        want("grasp.ttl", d["ttl_ms"])
    if "waiting_time_ms" in d:
        want("grasp.wait_time", d["waiting_time_ms"])
    for option in d.get("options", ()) or ([d["option"]] if "option" in d else []):
        expect_option(option, want)
    if d.get("objective"):
        expect_objective(d["objective"], want)
    for item in d.get("items", ()):
        expect_objective(item["objective"], want)
        if item["locator"]:
            expect_option(item["locator"], want)
        else:
            want("grasp.locator.none", "")
    for content in d.get("content", ()):
        want("grasp.invalid.content", diag(content))
    return seen


def flatten(node, seen, name=""):
    if isinstance(node, dict):
        for key, value in node.items():
            flatten(value, seen, key)
    elif isinstance(node, list):
        for value in node:
            flatten(value, seen, name)
    elif name.startswith("grasp."):
        seen.setdefault(name, []).append(node or "")
    return seen


def normal(field, value):
    if field == "grasp.objective.flags":
        return str(int(value, 0))
    if field.endswith((".ipv6", ".initiator")):
        return str(ipaddress.IPv6Address(value))
    return value


def compare(kind, path):
    packets = [p["_source"]["layers"] for p in json.loads(pathlib.Path(path).read_text())]
    heard = [flatten(p, {}) for p in packets if "grasp" in p]
    sent = list(vectors())
    if len(heard) != len(sent):
        sys.exit(f"{len(sent)} messages, {len(heard)} dissected")
    count = wrong = 0
    for case, got in zip(sent, heard):
        if case["decoded"]["type"] != kind:
            continue
        count += 1
        got = {f: [normal(f, v) for v in values] for f, values in got.items()}
        want = expected(case)
        for field in sorted((set(want) | set(got)) - REMARKS):
            if want.get(field) != got.get(field):
                wrong += 1
                print(f"{case['id']} {field}: {got.get(field)} instead of {want.get(field)}")
    print(f"{count} messages, {wrong} fields differ")
    return wrong or not count


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "pcap":
        write(sys.argv[2], sys.argv[3])
    elif len(sys.argv) == 4 and sys.argv[1] == "compare":
        sys.exit(1 if compare(sys.argv[2], sys.argv[3]) else 0)
    else:
        sys.exit(__doc__)
