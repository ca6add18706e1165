# SPDX-License-Identifier: Apache-2.0
#
# Feeds gpsd(8) sentences of a receiver of our own through a pseudo-terminal, and compares what
# tests/oracle/sources_cli tells with what was fed, in TAP.
import functools
import math
import os
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tty

CLI = sys.argv[1]
GPSD = shutil.which('gpsd', path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
KNOT = 1852 / 3600


def sentence(text):
    check = functools.reduce(lambda sum_, c: sum_ ^ ord(c), text, 0)
    return ('$%s*%02X\r\n' % (text, check)).encode()


def degrees(value, width):
    whole = int(abs(value))
    return '%0*d%07.4f' % (width, whole, (abs(value) - whole) * 60)


class Receiver:
    """One fix a second, at a pace of its own: the clock of the sentences is not ours."""

    def __init__(self):
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.name, self.slave, self.second = os.ttyname(slave), slave, 0

    def fix(self, latitude, longitude, knots, heading, height, valid=True):
        self.second += 1
        clock = '12%02d%02d.00' % (self.second // 60, self.second % 60)
        place = '%s,%s,%s,%s' % (degrees(latitude, 2), 'NS'[latitude < 0],
                                 degrees(longitude, 3), 'EW'[longitude < 0])
        os.write(self.master, sentence(
            'GPRMC,%s,%s,%s,%.1f,%.1f,211126,,,%s' % (
                clock, 'VA'[valid], place if valid else ',,,', knots, heading, 'NA'[valid]))
                 + sentence('GPGGA,%s,%s,%d,%02d,0.9,%.1f,M,46.9,M,,' % (
                     clock, place if valid else ',,,', valid, 8 if valid else 0, height)))


class Source:
    """sources_cli: a sample for each line."""

    def __init__(self, address):
        self.process = subprocess.Popen([CLI, '--gpsd', address, 'gps'], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def sample(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        values = {}
        for line in iter(self.process.stdout.readline, '\n'):
            if not line:
                raise RuntimeError('the source has ended')
            name, value = line.split()
            values[name.replace('node_gps_', '')] = float(value)
        return values

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def wait_for_port(port, process):
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(('127.0.0.1', port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError('gpsd does not listen')


def near(a, b, tolerance):
    return a is not None and math.isclose(a, b, abs_tol=tolerance, rel_tol=0)


def until(receiver, source, fed, condition):
    """Feeds until what is told meets the condition; the last sample."""
    deadline = time.monotonic() + 30
    values = {}
    while time.monotonic() < deadline:
        receiver.fix(*fed)
        values = source.sample()
        if condition(values):
            break
        time.sleep(0.1)  # a receiver's pace
    return values


def run(receiver, source, report):
    fed = (40.33, -3.76, 10.0, 84.4, 545.4)
    got = until(receiver, source, fed,
                lambda v: near(v.get('latitude_degrees'), 40.33, 1e-6) and v['mode'] == 3)
    report('a position is told', near(got.get('latitude_degrees'), 40.33, 1e-6) and
           near(got.get('longitude_degrees'), -3.76, 1e-6), got)
    report('speed and heading are told',
           near(got.get('speed_meters_per_second'), 10 * KNOT, 1e-2) and
           near(got.get('heading_degrees'), 84.4, 1e-6), got)
    report('the height is told', near(got.get('altitude_meters'), 545.4, 1e-3), got)
    fed = (-33.8568, 151.2153, 0.5, 270.1, 5.0)
    got = until(receiver, source, fed,
                lambda v: near(v.get('latitude_degrees'), -33.8568, 1e-5))
    report('a node that moved is elsewhere', near(got.get('latitude_degrees'), -33.8568, 1e-5) and
           near(got.get('longitude_degrees'), 151.2153, 1e-5), got)
    got = until(receiver, source, (0, 0, 0, 0, 0, False),
                lambda v: 'latitude_degrees' not in v and v.get('mode') == 1)
    report('a fix that is lost is none (MET-09)',
           'latitude_degrees' not in got and got.get('mode') == 1, got)
    got = until(receiver, source, fed, lambda v: 'latitude_degrees' in v)
    report('and comes again', near(got.get('latitude_degrees'), -33.8568, 1e-5), got)


def main():
    if not GPSD:
        print('1..0 # SKIP no gpsd')
        return 0
    failed, count = 0, 0

    def report(what, ok, seen):
        nonlocal failed, count
        count += 1
        failed += not ok
        print('%sok %d - %s' % ('' if ok else 'not ', count, what))
        if not ok:
            print('# %r' % seen)

    receiver, port = Receiver(), free_port()
    with tempfile.TemporaryDirectory() as directory:
        gpsd = subprocess.Popen([GPSD, '-N', '-n', '-S', str(port), '-F',
                                 os.path.join(directory, 'control'), receiver.name],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for_port(port, gpsd)
            source = Source('127.0.0.1:%d' % port)
            run(receiver, source, report)
            gpsd.terminate()
            gpsd.wait(20)
            report('without gpsd there is nothing', source.sample() == {}, None)
            source.close()
        finally:
            gpsd.kill()
            gpsd.wait()
    print('1..%d' % count)
    return 1 if failed else 0


sys.exit(main())
