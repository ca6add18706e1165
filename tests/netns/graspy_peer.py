#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""An ASA on graspy, the reference implementation of GRASP, that does what it is told.

usage: GRASPY_DIR=… graspy_peer.py DIRECTORY

Reads lines of JSON from the named pipe DIRECTORY/ask, does what each one says and appends the answer,
which has the same "id", to DIRECTORY/answers. "do" is the name of a method of Asa below; what comes
from others without being asked for is appended with "event". In values, {"$hex": "…"} is a byte string
and {"$map": [[key, value]…]} a map. Nothing of graspy is copied here: it is imported as it is.
"""
import getpass
import ipaddress
import json
import os
import pathlib
import sys
import threading
import traceback
import types

if "tkinter" not in sys.modules:  # graspy waits 10 s when there is none, and draws only if asked
    sys.modules["tkinter"] = types.ModuleType("tkinter")
    sys.modules["tkinter"].font = None
getpass.getpass = lambda *_, **__: os.environ.get("QUADS_PASSWORD", "")  # none: QUADS is off
sys.path.insert(0, os.environ["GRASPY_DIR"])
import grasp  # noqa: E402  pylint: disable=wrong-import-position


def from_json(v):
    if isinstance(v, list):
        return [from_json(x) for x in v]
    if isinstance(v, dict) and "$hex" in v:
        return bytes.fromhex(v["$hex"])
    if isinstance(v, dict) and "$map" in v:
        return {from_json(k): from_json(x) for k, x in v["$map"]}
    return v


def to_json(v):
    if isinstance(v, (list, tuple)):
        return [to_json(x) for x in v]
    if isinstance(v, bytes):
        return {"$hex": v.hex()}
    if isinstance(v, dict):
        return {"$map": [[to_json(k), to_json(x)] for k, x in v.items()]}
    return v


def objective(q):
    obj = grasp.objective(q["name"])
    obj.synch = q.get("synch", False)
    obj.neg = q.get("neg", not obj.synch)
    obj.dry = q.get("dry", False)
    obj.loop_count = q.get("loop", 6)
    obj.value = from_json(q.get("value"))
    return obj


def place(q):
    """An asa_locator from "at": [address, port]; None: graspy looks by itself."""
    if "at" not in q:
        return None
    address, port = q["at"]
    at = grasp.asa_locator(ipaddress.IPv6Address(address), 0, False)
    at.is_ipaddress = True
    at.port = port
    return at


def locator(at):
    return {"at": [str(at.locator), at.port], "diverted": at.diverted, "protocol": at.protocol}


class Asa:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.lock = threading.Lock()
        grasp.skip_dialogue(testing=False, selfing=False, diagnosing=True, figging=False)
        error, self.handle = grasp.register_asa("interop")
        if error:
            raise RuntimeError(grasp.etext[error])

    def say(self, **line):
        with self.lock, open(self.directory / "answers", "a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")

    def answer(self, error, **more):
        return {"error": grasp.etext[error] if error else "", **more}

    # --- what it can be told ----------------------------------------------------------------

    def register(self, q):
        return self.answer(grasp.register_obj(
            self.handle, objective(q), ttl=q.get("ttl", 60000), discoverable=q.get("discoverable", False)))

    def discover(self, q):
        error, found = grasp.discover(self.handle, objective(q), q.get("timeout", 1000), flush=True)
        return self.answer(error, locators=[locator(x) for x in found])

    def negotiate(self, q):
        """Accepts the first offer, or steps first with those in "steps"."""
        error, session, got = grasp.req_negotiate(self.handle, objective(q), place(q), 10000)
        offers, steps = [], list(q.get("steps", ()))
        while not error and session:
            offers.append(to_json(got.value))
            if not steps:
                grasp.end_negotiate(self.handle, session, True)
                return self.answer(0, offers=offers, ended="us")
            got.value = from_json(steps.pop(0))
            error, session, got = grasp.negotiate_step(self.handle, session, got, 10000)
        return self.answer(error, offers=offers, ended="peer", reason=got if error else None)

    def synchronize(self, q):
        error, got = grasp.synchronize(self.handle, objective(dict(q, synch=True)), place(q), 5000)
        return self.answer(error, value=None if error else to_json(got.value))

    def get_flood(self, q):
        error, found = grasp.get_flood(self.handle, objective(dict(q, synch=True)))
        return self.answer(error, floods=[
            {"value": to_json(x.objective.value), "loop": x.objective.loop_count,
             **(locator(x.source) if x.source.locator else {})} for x in found])

    def flood(self, q):
        obj, at = objective(dict(q, synch=True)), place(q)
        return self.answer(grasp.flood(self.handle, q.get("ttl", 30000), grasp.tagged_objective(obj, at)))

    def port(self, q):
        """Where an objective of ours listens."""
        ports = [x.port for x in grasp._obj_registry if x.objective.name == q["name"]]
        return {"error": "" if ports else "not registered", "port": ports[0] if ports else 0}

    def listen_synchronize(self, q):
        return self.answer(grasp.listen_synchronize(self.handle, objective(dict(q, synch=True))))

    def listen_negotiate(self, q):
        """Serves "count" requests one after the other: "accept", "decline", "invalid", "wait", or
        "offer" the value once and see what they say."""
        threading.Thread(target=self.serve, args=(q,), daemon=True).start()
        return {"error": ""}

    # --- requests from others ---------------------------------------------------------------

    def serve(self, q):
        for _ in range(q.get("count", 1)):
            error, session, asked = grasp.listen_negotiate(self.handle, objective(q))
            if error:
                self.say(event="failed", why=grasp.etext[error])
                return
            self.say(event="asked", name=q["name"], value=to_json(asked.value), loop=asked.loop_count)
            self.react(q, session, asked)

    def react(self, q, session, asked):
        how = q.get("how", "accept")
        if how == "invalid":
            grasp.send_invalid(self.handle, session, "not understood")
        elif how == "decline":
            grasp.end_negotiate(self.handle, session, False, reason="no room")
        elif how == "offer":
            asked.value = from_json(q["value"])
            error, session, got = grasp.negotiate_step(self.handle, session, asked, 10000)
            self.say(event="agreed" if not error and not session else "not agreed", name=q["name"],
                     value=to_json(got.value) if not error else got)
            if session:
                grasp.end_negotiate(self.handle, session, True)
        else:
            if how == "wait":
                grasp.negotiate_wait(self.handle, session, 5000)
                threading.Event().wait(0.3)  # the work that was announced
            grasp.end_negotiate(self.handle, session, True)

    def run(self):
        pipe = os.fdopen(os.open(self.directory / "ask", os.O_RDWR), encoding="utf-8")
        self.say(event="ready")
        for line in pipe:
            q = json.loads(line)
            try:
                self.say(id=q["id"], **getattr(self, q["do"])(q))
            except Exception:  # graspy raises what it likes; the test has to see it
                self.say(id=q["id"], error=traceback.format_exc())


if __name__ == "__main__":
    Asa(sys.argv[1]).run()
