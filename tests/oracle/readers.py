# SPDX-License-Identifier: Apache-2.0
#
# What our sources tell, beside node_exporter, free(1) and df(1): of this machine at the same moment,
# and of trees of files that nobody has chosen by hand. What differs on purpose is in NOT_HERE.

import os
import random
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

CLI, SRCDIR = sys.argv[1], sys.argv[2]
SEED = int(sys.argv[3]) if len(sys.argv) > 3 else 1
TREES = int(sys.argv[4]) if len(sys.argv) > 4 else 12
PATIENCE = 60  # seconds
ROUNDS = 60    # until a value that moves was met within two that were read around it
LEAST = {'machine': 60, 'tree': 60}

# What node_exporter tells of the same things and we do not, and why. The label device of file systems
# is left out here as well, and a speed of -1, the kernel's "not known", is none.
NOT_HERE = [
    (r'node_(scrape|exporter|load)', 'its own'),
    (r'node_cpu_guest_seconds_total', 'is in user and nice already'),
    (r'node_(cpu|disk|network|filesystem)_(info|device_error)$', 'names, not numbers'),
    (r'node_network_(address_assign_type|device_id|dormant|flags|iface_|name_assign|net_dev_group|'
     r'protocol_type|transmit_queue_length)', 'how the interface was set up'),
    (r'node_timex_(pps|loop_time|tick)', 'of who disciplines the clock'),
    (r'node_memory_(HugePages|Hugepagesize|Hugetlb|DirectMap|Vmalloc|Percpu|AnonHuge|File|ShmemHuge|'
     r'ShmemPmd|Bounce|NFS|WritebackTmp|SecPageTables|Unaccepted|Zswap|Quicklists|CmaTotal|CmaFree)',
     'hardly moves, or is a part of what is told'),
    (r'node_cpu_(core|package)_throttles', 'of x86 only'),
    (r'node_softirqs', 'too many'),
]

COLLECTORS = ['cpu', 'cpufreq', 'diskstats', 'filesystem', 'loadavg', 'meminfo', 'netclass', 'netdev',
              'pressure', 'stat', 'timex']


class Failed(Exception):
    pass


def parse(text):
    """{name: {frozenset(labels): value}}"""
    found = {}
    for line in text.splitlines():
        m = re.match(r'([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$', line)
        if not m or line.startswith('#'):
            continue
        labels = re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m.group(2) or '')
        found.setdefault(m.group(1), {})[frozenset(labels)] = float(m.group(3))
    return found


def match(ours, theirs):
    """Ours that they have as well: (name, labels) to both values. Theirs may have more labels."""
    both = {}
    for name, series in ours.items():
        for labels, value in series.items():
            others = [v for k, v in theirs.get(name, {}).items() if labels <= k]
            if len(others) == 1:
                both[(name, labels)] = (value, others[0])
    return both


class Exporter:
    def __init__(self, proc, sysfs, netlink):
        for _ in range(5):
            with socket.socket() as s:
                s.bind(('127.0.0.1', 0))
                self.port = s.getsockname()[1]
            self.process = subprocess.Popen(
                [EXPORTER, '--web.listen-address=127.0.0.1:%d' % self.port, '--log.level=error',
                 '--collector.disable-defaults', '--path.procfs=' + proc, '--path.sysfs=' + sysfs,
                 '--collector.netdev.device-exclude=^$',
                 '--%scollector.netdev.netlink' % ('' if netlink else 'no-'),
                 '--collector.filesystem.fs-types-exclude=^(autofs|proc|sysfs|cgroup2?|nsfs)$',
                 '--collector.filesystem.mount-points-exclude=^/(dev|proc|sys|run)($|/)',
                 ] + ['--collector.' + c for c in COLLECTORS],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if self.wait():
                return
        raise Failed('node_exporter does not start')

    def wait(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            try:
                self.read()
                return True
            except OSError:
                time.sleep(0.02)
        return False

    def read(self):
        url = 'http://127.0.0.1:%d/metrics' % self.port
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return parse(answer.read().decode())

    def close(self):
        self.process.kill()
        self.process.wait()


class Sources:
    def __init__(self, proc, sysfs):
        self.process = subprocess.Popen([CLI, proc, sysfs], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def read(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            if not line:
                raise Failed('the sources have ended')
            if line == '\n':
                return parse(''.join(lines))
            lines.append(line)

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise Failed('the sources have failed')


# --- this machine ------------------------------------------------------------------------------------

def free_and_df():
    found = {}
    rows = [l.split() for l in subprocess.check_output(['free', '-b'], text=True).splitlines()]
    memory, swap = rows[1], rows[2]
    for name, value in (('MemTotal', memory[1]), ('MemFree', memory[3]),
                        ('MemAvailable', memory[6]), ('SwapTotal', swap[1]), ('SwapFree', swap[3])):
        found['node_memory_%s_bytes' % name] = {frozenset(): float(value)}
    columns = 'target,fstype,size,avail,itotal,iavail'
    text = subprocess.run(['df', '-B1', '--output=' + columns], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False).stdout
    for line in text.splitlines()[1:]:
        row = line.rsplit(None, 5)
        labels = frozenset({('mountpoint', row[0].strip()), ('fstype', row[1])})
        for name, value in zip(('size_bytes', 'avail_bytes', 'files', 'files_free'), row[2:]):
            if value.isdigit():
                found.setdefault('node_filesystem_' + name, {})[labels] = float(value)
    return found


def is_between(value, a, b):
    slack = 1e-9 * max(abs(a), abs(b))  # of printing
    return min(a, b) - slack <= value <= max(a, b) + slack


def compare_machine(read_theirs):
    """Each value must have stood between two of theirs at least once. A counter is never behind
    what was read before."""
    ours, pending, met = Sources('/proc', '/sys'), {}, set()
    try:
        for number in range(ROUNDS):
            before, own, after = read_theirs(), ours.read(), read_theirs()
            first, second = match(own, before), match(own, after)
            for key in first.keys() & second.keys():
                value, a = first[key]
                b = second[key][1]
                if is_between(value, a, b):
                    met.add(key)
                    pending.pop(key, None)
                elif key not in met:
                    pending[key] = (value, a, b)
                if key[0].endswith('_total') and value < a - 1e-9 * a:
                    raise Failed('%s: %r was %r before' % (key, value, a))
            if number >= 2 and not pending:
                break
    finally:
        ours.close()
    for key, (value, a, b) in pending.items():
        print('# %s %s: %r, not between %r and %r' % (key[0], sorted(key[1]), value, a, b))
    return met, pending


def tell_missing(theirs):
    """For those who read the log: what node_exporter has come to tell since NOT_HERE was written."""
    ours = Sources('/proc', '/sys')
    missing = sorted(n for n in theirs.keys() - ours.read().keys() if n.startswith('node_') and
                     not any(re.match(pattern, n) for pattern, _ in NOT_HERE))
    ours.close()
    if missing:
        print('# not told here: ' + ' '.join(missing))


# --- trees of files ----------------------------------------------------------------------------------

class Tree:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.root = tempfile.mkdtemp(prefix='fogwatch-readers.')

    def number(self):
        r = self.random
        return r.choice([0, 1, r.randrange(1000), r.randrange(10**6), r.randrange(2**32),
                         r.randrange(2**40), r.randrange(2**53)])

    def put(self, path, text):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'w') as f:
            f.write(text)

    def numbers(self, n):
        return ' '.join(str(self.number()) for _ in range(n))

    def fill(self):
        r, cores = self.random, self.random.randrange(1, 6)
        load = lambda: '%.2f' % (r.random() * 10 ** r.randrange(4))
        self.put('proc/loadavg', '%s %s %s 3/400 999\n' % (load(), load(), load()))
        self.put('proc/uptime', '%s %s\n' % (load(), load()))
        self.put('proc/stat', 'cpu  %s\n' % self.numbers(10) +
                 ''.join('cpu%d %s\n' % (i, self.numbers(10)) for i in range(cores)) +
                 'intr %s\nctxt %d\nbtime %d\nprocesses %d\nprocs_running %d\nprocs_blocked %d\n'
                 'softirq %s\n' % (self.numbers(40), self.number(), r.randrange(2**31), self.number(),
                                   r.randrange(99), r.randrange(99), self.numbers(11)))
        self.fill_memory()
        self.fill_disks()
        self.fill_network()
        self.fill_pressure()
        for i in range(cores):
            self.put('sys/devices/system/cpu/cpu%d/topology/core_id' % i, '0\n')
            for name in ('scaling_cur_freq', 'scaling_min_freq', 'scaling_max_freq',
                         'cpuinfo_min_freq', 'cpuinfo_max_freq'):
                self.put('sys/devices/system/cpu/cpu%d/cpufreq/%s' % (i, name),
                         '%d\n' % r.randrange(1, 5000000))

    def fill_memory(self):
        with open('/proc/meminfo') as f:
            names = [line.split(':')[0] for line in f]
        total = self.random.randrange(1, 2**31)
        lines = []
        for name in names:
            if self.random.random() < 0.9 or name == 'MemTotal':
                value = total if name == 'MemTotal' else self.random.randrange(total + 1)
                unit = '' if name.startswith('HugePages') else ' kB'
                lines.append('%-16s %8d%s\n' % (name + ':', value, unit))
        self.put('proc/meminfo', ''.join(lines))

    def fill_disks(self):
        columns = self.random.choice([11, 15, 17])  # of older and newer kernels
        names = ['sda', 'sdb', 'nvme0n1', 'mmcblk0', 'vda', 'dm-0'][:self.random.randrange(1, 7)]
        self.put('proc/diskstats', ''.join(
            '%4d %7d %s %d %s\n' % (8, i, n, 1 + self.number(), self.numbers(columns - 1))
            for i, n in enumerate(names)))

    def fill_network(self):
        head = ('Inter-|   Receive                                                |  Transmit\n'
                ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets'
                ' errs drop fifo colls carrier compressed\n')
        names = ['lo', 'eth0', 'wlan0', 'enp0s31f6', 'br-1234567890ab'][:self.random.randrange(1, 6)]
        self.put('proc/net/dev', head + ''.join('%6s: %s\n' % (n, self.numbers(16)) for n in names))
        for n in names:
            for name, value in (('operstate', self.random.choice(['up', 'down', 'unknown'])),
                                ('carrier', self.random.randrange(2)),
                                ('carrier_changes', self.random.randrange(2**31)),
                                ('carrier_up_count', self.random.randrange(2**31)),
                                ('carrier_down_count', self.random.randrange(2**31)),
                                ('mtu', self.random.randrange(68, 65536)),
                                ('speed', self.random.choice([-1, 10, 100, 1000, 25000]))):
                self.put('sys/class/net/%s/%s' % (n, name), '%s\n' % value)

    def fill_pressure(self):
        line = lambda kind: '%s avg10=%.2f avg60=%.2f avg300=%.2f total=%d\n' % (
            kind, *(self.random.random() * 100 for _ in range(3)), self.number())
        for name in ('cpu', 'memory', 'io'):
            self.put('proc/pressure/' + name, line('some') + line('full'))

    def remove(self):
        shutil.rmtree(self.root)


def compare_tree(seed):
    tree = Tree(seed)
    tree.fill()
    roots = tree.root + '/proc', tree.root + '/sys'
    exporter = Exporter(*roots, netlink=False)
    ours = Sources(*roots)
    try:
        own, theirs = ours.read(), exporter.read()
    finally:
        ours.close()
        exporter.close()
        tree.remove()
    both = {k: v for k, v in match(own, theirs).items() if not k[0].startswith('node_filesystem_')}
    wrong = {k: v for k, v in both.items() if abs(v[0] - v[1]) > 1e-12 * abs(v[1])}
    for (name, labels), (a, b) in wrong.items():
        print('# seed %d: %s %s is %r here, %r there' % (seed, name, sorted(labels), a, b))
    return {k[0] for k in both}, wrong


# --- TAP ---------------------------------------------------------------------------------------------

def check(number, what, good):
    print('%sok %d - %s' % ('' if good else 'not ', number, what), flush=True)


def main():
    global EXPORTER
    EXPORTER = shutil.which('prometheus-node-exporter') or shutil.which('node_exporter')
    if not EXPORTER:
        print('1..0 # SKIP prometheus-node-exporter is not installed')
        return
    print('1..3')
    exporter = Exporter('/proc', '/sys', netlink=False)
    try:
        met, pending = compare_machine(exporter.read)
        tell_missing(exporter.read())
    finally:
        exporter.close()
    names = {name for name, _ in met}
    print('# %d series of %d metrics beside node_exporter' % (len(met), len(names)))
    check(1, 'this machine is told as by node_exporter at the same moment',
          not pending and len(names) >= LEAST['machine'])
    met, pending = compare_machine(free_and_df)
    print('# %d values beside free(1) and df(1)' % len(met))
    check(2, 'memory and file systems are told as by free and df at the same moment',
          not pending and len(met) >= 6)
    names, wrong = set(), {}
    for seed in range(SEED, SEED + TREES):
        some, bad = compare_tree(seed)
        names |= some
        wrong.update(bad)
    print('# %d trees, %d metrics' % (TREES, len(names)))
    check(3, 'trees of files are told exactly as by node_exporter',
          not wrong and len(names) >= LEAST['tree'])


main()
