# SPDX-License-Identifier: Apache-2.0
#
# A Prometheus server of our own: an empty data directory, a port that the kernel chooses on the
# loopback. Samples go in by remote write, because that alone keeps the bits of NaN and of stale
# marks; the blocks of the message and its Snappy frame are simple enough to be written here.

import http.client
import json
import re
import struct
import subprocess
import threading
import urllib.parse

from expr_samples import BASE_MS, bits_of


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def encode_series(name, labels, samples):
    """TimeSeries { Label labels = 1; Sample samples = 2 }"""
    out = bytearray()
    for key, value in sorted(dict(labels, __name__=name).items()):
        out += field(1, field(1, key.encode()) + field(2, value.encode()))
    for at, value in samples:
        out += field(2, b"\x09" + struct.pack("<Q", bits_of(value)) + b"\x10" +
                     varint(BASE_MS + at))
    return bytes(out)


def snappy_literal(data):
    """Snappy's block format without any compression."""
    out = bytearray(varint(len(data)))
    for i in range(0, len(data), 65536):
        part = data[i:i + 65536]
        out += b"\xf4" + struct.pack("<H", len(part) - 1) + part
    return bytes(out)


class Prometheus:
    def __init__(self, work):
        config = work + "/prometheus.yml"
        with open(config, "w", encoding="utf-8") as f:
            f.write("global: {}\n")
        self.child = subprocess.Popen(
            ["prometheus", "--config.file=" + config, "--storage.tsdb.path=" + work + "/data",
             "--web.listen-address=127.0.0.1:0", "--web.enable-remote-write-receiver",
             "--query.max-samples=5000000"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.port = self.wait_ready()

    def wait_ready(self):
        port, ready, said = None, False, []
        for line in self.child.stderr:
            said.append(line)
            found = re.search(r'msg="Listening on" address=127.0.0.1:(\d+)', line)
            port = int(found.group(1)) if found else port
            ready = ready or "Server is ready to receive web requests" in line
            if port and ready:  # in either order
                break
        else:
            raise RuntimeError("prometheus ended: " + "".join(said[-5:]))
        threading.Thread(target=self.child.stderr.read, daemon=True).start()
        return port

    def stop(self):
        self.child.terminate()
        self.child.wait()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def write(self, series):
        """All series slice by slice, so that time never goes back by more than a slice."""
        http_client, slice_ms = self.connect(), 600000
        end = max(s[2][-1][0] for s in series)
        for start in range(0, end + 1, slice_ms):
            body = b""
            for name, labels, values in series:
                part = [v for v in values if start <= v[0] < start + slice_ms]
                if part:
                    body += field(1, encode_series(name, labels, part))
            http_client.request("POST", "/api/v1/write", snappy_literal(body), {
                "Content-Encoding": "snappy", "Content-Type": "application/x-protobuf",
                "X-Prometheus-Remote-Write-Version": "0.1.0"})
            answer = http_client.getresponse()
            text = answer.read()
            if answer.status != 204:
                raise RuntimeError("remote write: %d %s" % (answer.status, text))

    def ask_one(self, http_client, expression, at):
        ms = BASE_MS + at
        query = urllib.parse.urlencode(
            {"query": expression, "time": "%d.%03d" % (ms // 1000, ms % 1000)})
        http_client.request("POST", "/api/v1/query", query,
                            {"Content-Type": "application/x-www-form-urlencoded"})
        answer = json.loads(http_client.getresponse().read())
        if answer["status"] != "success":
            return (answer["errorType"], answer["error"])
        data = answer["data"]
        if data["resultType"] == "scalar":
            return ("values", {(): float(data["result"][1])})
        if data["resultType"] != "vector":
            return ("bad_data", "a " + data["resultType"])
        values = {}
        for element in data["result"]:
            labels = element["metric"]
            labels.pop("__name__", None)
            values[tuple(sorted(labels.items()))] = float(element["value"][1])
        return ("values", values)

    def ask(self, cases, threads=4):
        """[(expression, ms)] → answers in order: (kind, {labels: value} or text)"""
        answers, failures = [None] * len(cases), []

        def work(first):
            try:
                http_client = self.connect()
                for i in range(first, len(cases), threads):
                    answers[i] = self.ask_one(http_client, *cases[i])
            except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
                failures.append(error)

        workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        if failures:
            raise RuntimeError("asking prometheus: %r" % failures[0])
        return answers
