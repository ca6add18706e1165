#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A receiver for the hook http of fogwatch-controller, see fogwatch-hooks(7).

It believes what is signed with the secret, answers 202, lets a program do the work, and calls back with
each line "phase NAME [text]" or "verdict NAME [text]" that the program prints: programs for the hook
exec can be used as they are. The same Idempotency-Key is worked on once, however often it is posted.

    receiver.py --listen 127.0.0.1:8443 --cert server.pem --key server.key --secret-file secret \\
        [--token-file token] /usr/local/lib/mover
"""
import argparse
import hashlib
import hmac
import http.client
import http.server
import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

AGE_MAX_S = 300
BODY_MAX = 1 << 20
EXITS = {0: "done", 3: "already", 65: "refused", 70: "failed_clean", 75: "retry", 77: "fenced"}


def sign(secret, body, when):
    mac = hmac.new(secret, b"%d." % when + body, hashlib.sha256).hexdigest()
    return f"t={when},v1={mac}"


def is_signed(secret, header, body):
    """t=SECONDS,v1=HEX, and not older than five minutes."""
    parts = dict(p.split("=", 1) for p in (header or "").split(",") if "=" in p)
    if not parts.get("t", "").isdigit() or abs(time.time() - int(parts["t"])) > AGE_MAX_S:
        return False
    return hmac.compare_digest(sign(secret, body, int(parts["t"])), header)


class Work:
    """One call: what came of it, and how others are told."""

    def __init__(self, server, event):
        self.server, self.event = server, event
        self.said = {"phase": "accepted"}
        self.process, self.cancelled, self.begun = None, False, False
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        e = self.event
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "FOG_ID": e["id"], "FOG_KIND": e["kind"],
               "FOG_FUNCTION": e["function"] or "", "FOG_SOURCE": e["source"] or "",
               "FOG_TARGET": e["target"] or "", "FOG_GENERATION": str(e["generation"]),
               "FOG_DRY_RUN": "1" if e["dry_run"] else "0"}
        self.process = subprocess.Popen(self.server.program, env=env, text=True, encoding="utf-8",
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            self.process.stdin.write(json.dumps(e) + "\n")
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it has read what it wanted
        verdict = None
        for line in self.process.stdout:
            kind, _, rest = line.strip().partition(" ")
            word, _, detail = rest.partition(" ")
            if kind == "phase":
                self.begun |= word != "accepted"
                self.say({"phase": word, "detail": detail})
            elif kind == "verdict":
                verdict = {"verdict": word, "detail": detail}
        word = EXITS.get(self.process.wait(), "failed_unknown")
        if word == "failed_unknown" and self.cancelled and not self.begun:
            word = "cancelled"  # it was ended before it did anything
        self.say(verdict or {"verdict": word})

    def say(self, what):
        """Keeps it for who asks, and calls back. Who misses that asks again."""
        self.said = what
        url = self.event.get("callback")
        if not url:
            return
        u = urllib.parse.urlsplit(url)
        body = json.dumps({"id": self.event["id"], **what}).encode()
        tls = {"context": self.server.trust} if u.scheme == "https" else {}
        kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        try:
            c = kind(u.hostname, u.port, timeout=5, **tls)
            c.request("POST", u.path, body, {
                "Content-Type": "application/json",
                "Fogwatch-Signature": sign(self.server.secret, body, int(time.time()))})
            c.getresponse().read()
            c.close()
        except OSError as e:
            print(f"{url}: {e}", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, fmt, *args):
        print(fmt % args, flush=True)

    def answer(self, status, what, **headers):
        body = json.dumps(what).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def read(self):
        """The body of who may speak with us; None: it was answered."""
        length = int(self.headers.get("Content-Length", 0))
        if length > BODY_MAX:
            self.close_connection = True
            self.answer(413, {"detail": "too long"})
            return None
        body = self.rfile.read(length)
        token = self.server.token()
        if token and not hmac.compare_digest(self.headers.get("Authorization", ""), f"Bearer {token}"):
            self.answer(401, {"detail": "a token is needed"})
            return None
        if not is_signed(self.server.secret, self.headers.get("Fogwatch-Signature"), body):
            self.answer(401, {"detail": "it is not signed with our secret"})
            return None
        return body

    def do_POST(self):
        body = self.read()
        if body is None:
            return
        event = json.loads(body)
        if event["kind"] != "migrate":
            self.answer(200, {"verdict": "done"})
            return
        key = self.headers.get("Idempotency-Key") or event["id"]
        with self.server.lock:
            number, work = self.server.works.get(key) or (None, None)
            if not work:
                work, number = Work(self.server, event), len(self.server.works) + 1
                self.server.works[key] = (number, work)
        said = dict(work.said)
        if "verdict" in said:
            self.answer(200, said)
        else:
            self.answer(202, said, Location=f"/work/{number}")

    def find(self):
        for number, work in list(self.server.works.values()):
            if self.path == f"/work/{number}":
                return work
        self.answer(404, {"detail": "no such work"})
        return None

    def do_GET(self):
        work = self.find() if self.read() is not None else None
        if work:
            self.answer(200, work.said)

    def do_DELETE(self):
        work = self.find() if self.read() is not None else None
        if work and work.process:
            work.cancelled = True
            work.process.terminate()
            self.answer(202, {})
        elif work:
            self.answer(409, {})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context = None

    def finish_request(self, request, client_address):
        request.settimeout(30)
        if self.context:  # in a thread of its own: who is slow here delays nobody
            request = self.context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request, client_address):
        print(f"{client_address[0]}: {sys.exc_info()[1]}", flush=True)

    def token(self):
        if not self.token_file:
            return None
        with open(self.token_file, encoding="ascii") as f:
            return f.read().strip()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--listen", default="127.0.0.1:8443")
    p.add_argument("--cert")
    p.add_argument("--key")
    p.add_argument("--ca", help="who has signed the certificate of the controller's callback.listen")
    p.add_argument("--secret-file", required=True)
    p.add_argument("--token-file")
    p.add_argument("program", nargs="+")
    a = p.parse_args()
    host, port = a.listen.rsplit(":", 1)
    s = Server((host, int(port)), Handler)
    s.lock, s.works, s.program, s.token_file = threading.Lock(), {}, a.program, a.token_file
    s.trust = ssl.create_default_context(cafile=a.ca)
    with open(a.secret_file, "rb") as f:
        s.secret = f.read().rstrip(b"\r\n")
    if a.cert:
        s.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        s.context.load_cert_chain(a.cert, a.key)
    print(f"listening on port {s.server_port}", flush=True)
    s.serve_forever()


if __name__ == "__main__":
    main()
