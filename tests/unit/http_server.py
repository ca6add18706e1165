#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A web server for fogwatch-plugin-http-json, Python's own: http_server.py [CERTIFICATE KEY].

It prints "port 40123" when it can be asked. The path says how it answers."""
import http.server
import ssl
import sys
import threading

GOOD = b"""{"temperature": 21.5, "on": true, "a/b": {"~": [1, {"c": -2e3}]}, "text": "x", "null": null,
 "large": 9007199254740991, "": 4}"""
BODIES = {
    "/good": GOOD,
    "/garbage": b"\x00\xff<html>",
    "/cut": b'{"temperature": 2',
    "/twice": b'{"temperature": 1, "temperature": 2}',
    "/deep": b"[" * 100000 + b"]" * 100000,
    "/large": b'{"temperature": 1, "x": "' + b"x" * 200000 + b'"}',
}
hold = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == "/slow":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"temperature"')
            self.wfile.flush()
            hold.wait(30)
        elif self.path == "/error":
            self.answer(500, GOOD)
        elif self.path == "/secret":
            good = self.headers.get("X-Token") == "s3cret" and self.headers.get("Accept") == "a/b"
            self.answer(200 if good else 401, GOOD)
        elif self.path == "/moved":
            self.answer(302, Location="/good")
        elif self.path == "/round":
            self.answer(302, Location="/round")
        elif self.path.startswith("/to/"):
            self.answer(302, Location=self.path[4:])
        else:
            body = BODIES.get(self.path)
            self.answer(404 if body is None else 200, body or b"")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print("port", server.server_address[1], flush=True)
server.serve_forever()
