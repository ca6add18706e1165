#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""An orchestrator for tests of the hook http: good, slow, broken, as the path of a request says.

usage: hook_http_server.py DIR

Makes certificates in DIR, prints one line of JSON with its ports, and writes a line per request and per
call-back into DIR/requests."""
import datetime
import hashlib
import hmac
import http.client
import http.server
import ipaddress
import json
import socket
import ssl
import sys
import threading
import time
import urllib.parse
import warnings

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DIR = sys.argv[1]
SECRET = b"0123456789abcdef0123456789abcdef"
LOG = open(DIR + "/requests", "a", buffering=1)
LOCK = threading.Lock()
COUNT = {}  # requests by path and Idempotency-Key


def note(what, **more):
    with LOCK:
        LOG.write(json.dumps({"what": what, **more}) + "\n")


def count(key):
    with LOCK:
        COUNT[key] = COUNT.get(key, 0) + 1
        return COUNT[key]


# --- certificates -----------------------------------------------------------------------------
def name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


def certificate(cn, names, issuer=None, expired=False, ca=False):
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.utcnow()
    begin = now - datetime.timedelta(days=20)
    end = now + datetime.timedelta(days=-10 if expired else 20)
    b = (x509.CertificateBuilder().subject_name(name(cn))
         .issuer_name(issuer[0].subject if issuer else name(cn))
         .public_key(key.public_key()).serial_number(x509.random_serial_number())
         .not_valid_before(begin).not_valid_after(end)
         .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True))
    if names:
        b = b.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return b.sign(issuer[1] if issuer else key, hashes.SHA256()), key


def save(pair, stem):
    with open(f"{DIR}/{stem}.pem", "wb") as f:
        f.write(pair[0].public_bytes(serialization.Encoding.PEM))
    with open(f"{DIR}/{stem}.key", "wb", opener=lambda p, fl: __import__("os").open(p, fl, 0o600)) as f:
        f.write(pair[1].private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()))


def make_certificates():
    here = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    ca = certificate("test CA", [], ca=True)
    save(ca, "ca")
    save(certificate("other CA", [], ca=True), "other-ca")
    save(certificate("server", here, ca), "server")
    save(certificate("elsewhere", [x509.DNSName("elsewhere.example")], ca), "elsewhere")
    save(certificate("expired", here, ca, expired=True), "expired")
    save(certificate("stranger", here), "stranger")
    save(certificate("client", [], ca), "client")


# --- signatures -------------------------------------------------------------------------------
def sign(body, when, secret=SECRET):
    mac = hmac.new(secret, b"%d." % when + body, hashlib.sha256).hexdigest()
    return f"t={when},v1={mac}"


def judge(headers, body):
    given = headers.get("Fogwatch-Signature")
    if not given:
        return "none"
    when = int(given.split(",")[0][2:])
    if headers.get("Fogwatch-Timestamp") != str(when):
        return "time"
    return "good" if hmac.compare_digest(given, sign(body, when)) else "bad"


# --- call-backs -------------------------------------------------------------------------------
def call_back(url, body, signature, method="POST"):
    u = urllib.parse.urlsplit(url)
    if u.scheme == "https":
        c = http.client.HTTPSConnection(u.hostname, u.port, timeout=20,
                                        context=ssl.create_default_context(cafile=DIR + "/ca.pem"))
    else:
        c = http.client.HTTPConnection(u.hostname, u.port, timeout=20)
    c.request(method, u.path, body, {"Fogwatch-Signature": signature} if signature else {})
    status = c.getresponse().status
    c.close()
    return status


def run_steps(url, steps, id):
    """ready done refused: say so, signed well. The others are wrong, each in its way."""
    now, last = int(time.time()), None
    bodies = {"ready": {"phase": "target_ready", "detail": "up"}, "switched": {"phase": "switched"},
              "done": {"verdict": "done", "detail": "called back"}, "refused": {"verdict": "refused"},
              "other": {"verdict": "done", "id": "other"}, "mine": {"verdict": "done", "id": id},
              "unknown": {"verdict": "sure"}}
    for i, step in enumerate(steps):
        word = step.split("-")[0]
        body = json.dumps(bodies.get(word, {"verdict": "done"})).encode()
        target, method, when, secret = url, "POST", now - i, SECRET
        if step.endswith("-old"):
            when = now - 301
        elif step.endswith("-future"):
            when = now + 320
        elif step.endswith("-wrong"):
            secret = b"another secret, as long as ours."
        elif step == "garbage":
            body = b"\xff{\"verdict\":\"done\"}"
        elif step == "big":
            body = b'{"verdict":"done","detail":"' + b"x" * 70000 + b'"}'
        elif step == "stray":
            target = url[:-8] + "00000000"
        elif step == "get":
            method, body = "GET", b""
        signature = sign(body, when, secret)
        if step == "unsigned":
            signature = None
        elif step == "replay":
            body, signature = last
        else:
            last = (body, signature)
        try:
            status = call_back(target, body, signature, method)
        except OSError as e:
            status = str(e)
        note("callback", step=step, status=status)


# --- behaviours -------------------------------------------------------------------------------
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, body=b"", headers=()):
        if not isinstance(body, bytes):
            body = json.dumps(body).encode()
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        key = self.headers.get("Idempotency-Key", "")
        n = count((self.path, self.command, key))
        try:
            event = json.loads(body) if body else {}
        except ValueError:
            event = {}
        note("request", method=self.command, path=self.path, n=n, port=self.server.server_port,
             signature=judge(self.headers, body), headers=dict(self.headers), event=event)
        getattr(self, "at_" + url.path.strip("/").split("/")[0].replace("-", "_"), self.at_nothing)(
            url.path, query, event, n)

    do_GET = do_POST = do_DELETE = do_PUT = handle_any

    def at_nothing(self, path, query, event, n):
        self.reply(404, {"detail": "no such path"})

    def at_reply(self, path, query, event, n):
        """?status=200&body=…&Name=value"""
        headers = [(k, v) for k, v in query.items() if k[0].isupper()]
        self.reply(int(query.get("status", 200)), query.get("body", "").encode(), headers)

    def at_first(self, path, query, event, n):
        """One status for the first times, then done."""
        if n <= int(query.get("times", 1)):
            self.reply(int(query["status"]), b"", [("Retry-After", query.get("after", "0"))])
        else:
            self.reply(200, {"verdict": "done", "detail": f"attempt {n}"})

    def at_async(self, path, query, event, n):
        self.reply(202, b"", [("Location", query.get("location", "/op/" + path.split("/")[-1]))])

    def at_op(self, path, query, event, n):
        if self.command == "DELETE":
            note("cancelled", path=path)
            self.reply(int(path.split("-")[-1]) if "-" in path else 200)
            return
        if self.command == "POST":
            note("cancelled", path=path, by="post")
            self.reply(200, {"verdict": "cancelled"})
            return
        if path.endswith("forever") or "-" in path:
            self.reply(200, {"phase": "target_starting"})
            return
        steps = [{}, {"phase": "target_ready", "detail": "healthy"}, {"phase": "switched"},
                 {"verdict": "done", "detail": "op"}]
        self.reply(200, steps[min(n, len(steps)) - 1])

    def at_gone(self, path, query, event, n):
        """Accepts, forgets its operation, and knows by the key what came of it."""
        if self.command == "GET":
            self.reply(404)
        elif n == 1:
            self.reply(202, b"", [("Location", "/gone/op")])
        else:
            self.reply(200, {"verdict": "already"})

    def at_once(self, path, query, event, n):
        """Does it, and dies before it can say so."""
        if n == 1:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            self.reply(200, {"verdict": "already", "detail": event.get("resume")})

    def at_hang(self, path, query, event, n):
        threading.Event().wait(60)

    def at_garbage(self, path, query, event, n):
        self.close_connection = True
        self.wfile.write(b"\x00\xff\x13 garbage\r\n\r\n" * 20)

    def at_headers(self, path, query, event, n):
        self.close_connection = True
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            for i in range(2000):
                self.wfile.write(b"X-%d: " % i + b"y" * 500 + b"\r\n")
        except OSError:
            pass

    def at_big(self, path, query, event, n):
        try:
            self.reply(200, b'{"verdict":"done","detail":"' + b"x" * 4000000 + b'"}')
        except OSError:
            pass

    def at_short(self, path, query, event, n):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"verdict\":\"done\"}")

    def at_twice(self, path, query, event, n):
        self.reply(200, {"verdict": "done", "detail": "first"})
        self.reply(200, {"verdict": "refused", "detail": "second"})
        self.close_connection = True

    def at_call(self, path, query, event, n):
        """202, then call-backs; before=… come before the 202."""
        url, id = event.get("callback"), event.get("id")
        run_steps(url, [s for s in query.get("before", "").split(",") if s], id)
        try:
            self.reply(202)
        except OSError:
            pass  # who has heard the verdict does not wait for it
        run_steps(url, [s for s in query.get("steps", "").split(",") if s], id)
        note("steps over", url=url)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # half of the clients here give up early

    def finish_request(self, request, client_address):
        if self.context:
            request.settimeout(20)
            try:
                request = self.context.wrap_socket(request, server_side=True)
            except (OSError, ssl.SSLError) as e:
                note("handshake failed", why=str(e))
                return
        super().finish_request(request, client_address)


def serve(stem=None, client_ca=None):
    s = Server(("127.0.0.1", 0), Handler)
    s.context = None
    if stem:
        s.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        s.context.load_cert_chain(f"{DIR}/{stem}.pem", f"{DIR}/{stem}.key")
        if client_ca:
            s.context.verify_mode = ssl.CERT_REQUIRED
            s.context.load_verify_locations(f"{DIR}/{client_ca}.pem")
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_port


def serve_old():
    """TLS 1.1 at most, which nobody should speak any more."""
    s = Server(("127.0.0.1", 0), Handler)
    s.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    s.context.load_cert_chain(f"{DIR}/server.pem", f"{DIR}/server.key")
    s.context.set_ciphers("ALL:@SECLEVEL=0")
    warnings.simplefilter("ignore")  # that it is old is the point
    s.context.minimum_version, s.context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_port


def serve_silence():
    """A connection is all that one gets: nobody accepts it."""
    s = socket.create_server(("127.0.0.1", 0), backlog=16)
    Handler.silence = s
    return s.getsockname()[1]


make_certificates()
ports = {stem: serve(stem) for stem in ("server", "elsewhere", "expired", "stranger")}
ports["mutual"] = serve("server", "ca")
ports["plain"] = serve()
ports["old"] = serve_old()
ports["silent"] = serve_silence()
print(json.dumps(ports), flush=True)
sys.stdin.read()  # until the test has ended
