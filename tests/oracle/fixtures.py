# SPDX-License-Identifier: Apache-2.0
#
# Compares tests/oracle/sources_cli with prometheus-node-exporter over tests/fixtures, in TAP.
# Each value of node_exporter that we have a metric for must be there and equal; what differs on purpose
# is in the tables below, with the reason.
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

CLI, FIXTURES = sys.argv[1:3]
EXPORTER = shutil.which('prometheus-node-exporter') or shutil.which('node_exporter')

# node_exporter's name: our name, factor, and a bound on what we tell of it.
SAME = {
    'node_power_supply_capacity': ('node_power_supply_capacity_ratio', 0.01),
    'node_power_supply_cyclecount': ('node_power_supply_cyclecount', 1),
    'node_power_supply_online': ('node_power_supply_online', 1),
    'node_power_supply_current_ampere': ('node_power_supply_current_amperes', 1),
    'node_power_supply_voltage_volt': ('node_power_supply_voltage_volts', 1),
    'node_power_supply_power_watt': ('node_power_supply_power_watts', 1),
    'node_power_supply_energy_watthour': ('node_power_supply_energy_joules', 3600),
    'node_power_supply_energy_full': ('node_power_supply_energy_full_joules', 3600),
    'node_power_supply_energy_full_design':
        ('node_power_supply_energy_full_design_joules', 3600),
    'node_power_supply_charge_ampere': ('node_power_supply_charge_coulombs', 3600),
    'node_power_supply_charge_full': ('node_power_supply_charge_full_coulombs', 3600),
    'node_power_supply_charge_full_design':
        ('node_power_supply_charge_full_design_coulombs', 3600),
    'node_power_supply_temp_celsius': ('node_power_supply_temperature_celsius', 1),
    'node_power_supply_time_to_empty_seconds':
        ('node_power_supply_time_to_empty_seconds', 1),
    'node_thermal_zone_temp': ('node_thermal_zone_celsius', 1),
    'node_hwmon_temp_celsius': ('node_hwmon_temp_celsius', 1),
    'node_hwmon_temp_max_celsius': ('node_hwmon_temp_max_celsius', 1),
    'node_hwmon_temp_crit_celsius': ('node_hwmon_temp_crit_celsius', 1),
    'node_hwmon_fan_rpm': ('node_hwmon_fan_rpm', 1),
    'node_hwmon_in_volts': ('node_hwmon_in_volts', 1),
    'node_hwmon_curr_amps': ('node_hwmon_curr_amps', 1),
    'node_hwmon_power_watt': ('node_hwmon_power_watt', 1),
    'node_hwmon_power_average_watt': ('node_hwmon_power_average_watt', 1),
    'node_hwmon_energy_joule_total': ('node_hwmon_energy_joule_total', 1),
    # It divides thousandths of a percent by a million: ten times too little.
    'node_hwmon_humidity': ('node_hwmon_humidity_ratio', 10),
}
# What it tells and we do not: (name, part of its labels, why).
OURS = [
    ('node_power_supply_temp_celsius', 'axp20x-battery', 'colder than anything can be'),
    ('node_power_supply_online', 'axp813-ac', 'a supply that is not present'),
    ('node_thermal_zone_temp', 'ibat-lvl0', 'two million degrees'),
    # "temp", a file of the zone behind the chip, as one more sensor
    ('node_hwmon_temp_celsius', 'sensor="temp0"', 'the same file twice'),
]


def parse(text):
    values = {}
    for line in text.splitlines():
        m = re.match(r'(\w+)(?:\{(.*)\})? (\S+)$', line)
        if m:
            labels = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m[2] or ''))
            values[m[1], tuple(sorted(labels.items()))] = float(m[3])
    return values


def key_of(name, labels):
    """Labels by which both are compared."""
    labels = dict(labels)
    if name.startswith('node_thermal_zone'):
        labels['zone'] = labels['zone'].replace('thermal_zone', '')
    for extra in ('chip_name', 'label'):
        labels.pop(extra, None)
    return tuple(sorted(labels.items()))


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def scrape(sys_root, log):
    port = free_port()
    with subprocess.Popen(
            [EXPORTER, '--path.sysfs=' + sys_root, '--collector.disable-defaults',
             '--collector.powersupplyclass', '--collector.hwmon', '--collector.thermal_zone',
             '--web.listen-address=127.0.0.1:%d' % port], stdout=log, stderr=log) as p:
        try:
            deadline = time.monotonic() + 30
            while True:
                try:
                    with urllib.request.urlopen(
                            'http://127.0.0.1:%d/metrics' % port, timeout=30) as answer:
                        return parse(answer.read().decode())
                except OSError:
                    if time.monotonic() > deadline or p.poll() is not None:
                        raise
                    time.sleep(0.05)
        finally:
            p.terminate()


def excused(name, labels):
    text = ','.join('%s="%s"' % pair for pair in labels)
    return any(n == name and part in text for n, part, _ in OURS)


def compare(fixture, directory, log):
    """The differences, and how many values were compared."""
    subprocess.run([CLI, '--grow', fixture, directory], check=True)
    sys_root = os.path.join(directory, 'sys')
    theirs = scrape(sys_root, log)
    out = subprocess.run([CLI, '--sys', sys_root, '--count', '1', 'power_supply', 'thermal',
                          'hwmon'], check=True, capture_output=True, text=True).stdout
    ours = {(n, key_of(n, labels)): v for (n, labels), v in parse(out).items()}
    wrong, compared = [], 0
    for (name, labels), value in theirs.items():
        if name not in SAME or excused(name, labels):
            continue
        our_name, factor = SAME[name]
        got = ours.get((our_name, key_of(our_name, labels)))
        compared += 1
        if got is None or abs(got - value * factor) > 1e-9 * max(1, abs(got)):
            wrong.append('%s%s is %r, ours %r' % (name, dict(labels), value * factor, got))
    return wrong, compared


def main():
    if not EXPORTER:
        print('1..0 # SKIP no node_exporter')
        return 0
    fixtures = sorted(glob.glob(os.path.join(FIXTURES, '*.tree')))
    print('1..%d' % (len(fixtures) + 1))
    failed, total = 0, 0
    for i, fixture in enumerate(fixtures, 1):
        with tempfile.TemporaryDirectory() as directory, \
                open(os.path.join(directory, 'log'), 'wb') as log:
            wrong, compared = compare(fixture, directory, log)
        total += compared
        failed += bool(wrong)
        name = os.path.basename(fixture)[:-5]
        print('%sok %d - %s: %d values as node_exporter has them' %
              ('not ' if wrong else '', i, name, compared))
        for line in wrong:
            print('# ' + line)
    print('%sok %d - %d values were compared' %
          ('' if total >= 60 else 'not ', len(fixtures) + 1, total))
    return 1 if failed or total < 60 else 0


sys.exit(main())
