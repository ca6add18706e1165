#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fogwatch-plugin-modbus against servers of pymodbus, over TCP and over a serial line, and against some that
# are none. TAP.
. "$top_srcdir/tests/unit/plugins_lib.sh"
plugin=$top_builddir/fogwatch-plugin-modbus
[ -x "$plugin" ] || skip_all "built without libmodbus"
"$python" -c 'import pymodbus' 2> /dev/null ||
	skip_all "$python has no module pymodbus (Debian: python3-pymodbus)"

values() {
	cat <<-E
	timeout: 2s
	labels: {site: the lab}
	values:
	  - {name: abcd, address: 0, type: float32}
	  - {name: cdab, address: 2, type: float32, order: CDAB}
	  - {name: badc, address: 4, type: float32, order: BADC}
	  - {name: dcba, address: 6, type: float32, order: DCBA}
	  - {name: int16, address: 8, type: int16}
	  - {name: uint16, address: 8}
	  - {name: int32, address: 9, type: int32}
	  - {name: uint64, address: 11, type: uint64}
	  - {name: float64, address: 15, type: float64}
	  - {name: int64, address: 19, type: int64, order: CDAB}
	  - {name: scaled, register: input, address: 0, scale: 0.5, offset: -40}
	  - {name: coil, register: coil, address: 3}
	  - {name: discrete, register: discrete, address: 2}
	  - {name: other, unit: 2, register: input, address: 0, labels: {part: "a,b"}}
	E
}
expected='modbus,site=the\ lab abcd=230.10000610351562
modbus,site=the\ lab badc=230.10000610351562
modbus,site=the\ lab cdab=230.10000610351562
modbus,site=the\ lab coil=1
modbus,site=the\ lab dcba=230.10000610351562
modbus,site=the\ lab discrete=1
modbus,site=the\ lab float64=3.1415926535897931
modbus,site=the\ lab int16=-2
modbus,site=the\ lab int32=-100000
modbus,site=the\ lab int64=-5
modbus,site=the\ lab,part=a\,b other=7
modbus,site=the\ lab scaled=577
modbus,site=the\ lab uint16=65534
modbus,site=the\ lab uint64=1099511627776
modbus,site=the\ lab up=1i'
expected=$(sort <<< "$expected")

serve "$python" "$top_srcdir/tests/unit/modbus_server.py" tcp 0
port=${said#port } first=$server
{ echo "tcp: 127.0.0.1:$port"; values; } > "$tmp/tcp.yaml"
result "values of all types and orders come over TCP" answers "$expected" "$plugin" "$tmp/tcp.yaml"

cat > "$tmp/partly.yaml" << E
tcp: 127.0.0.1:$port
measurement: meter
values:
  - {name: there, register: input, address: 0}
  - {name: beyond, register: input, address: 99, type: uint32}
  - {name: far, register: input, address: 5000}
E
result "what a device refuses takes nothing else along" answers \
	$'meter there=1234\nmeter up=1i' "$plugin" "$tmp/partly.yaml"
result "and is told" complains 'address 5000 (far): Illegal data address'
{ echo "tcp: 127.0.0.1:$port"; values | sed 's/address: 11, /address: 90, /; s/address: 15, /address: 98, /'; } \
	> "$tmp/cut.yaml"
result "of values that are read at once, what is there is told" answers \
	"$(grep -v float64 <<< "$expected" | sed 's/uint64=.*/uint64=0/')" "$plugin" "$tmp/cut.yaml"

# One that stays, through the end and the return of its server.
coproc PLUGIN { exec "$plugin" "$tmp/partly.yaml" 2> "$tmp/err"; }
pids+=("$PLUGIN_PID")
is_up() { # 0 or 1
	local line
	echo >&"${PLUGIN[1]}"
	while read -r -t 10 line <&"${PLUGIN[0]}"; do
		echo "$line"
		[[ $line == *up=* ]] && break
	done
	[ "$line" = "meter up=$1i" ]
}
result "one that is asked again answers again" is_up 1
quiet_end "$first"
result "a server that has gone is told as such" is_up 0
serve "$python" "$top_srcdir/tests/unit/modbus_server.py" tcp "$port"
result "and found again when it is back" is_up 1
quiet_end "$server"

if "$python" -c 'import serial, serial_asyncio' 2> /dev/null; then
	serve "$python" "$top_srcdir/tests/unit/modbus_server.py" rtu
	{ echo "rtu: ${said#line }"; echo "baud: 19200"; values; } > "$tmp/rtu.yaml"
	result "and they come over a serial line" answers "$expected" "$plugin" "$tmp/rtu.yaml"
	quiet_end "$server"
else
	n=$((n + 1))
	echo "ok $n - # SKIP no module serial_asyncio (Debian: python3-serial-asyncio)"
fi

fake() { # what it sends to each who comes
	serve "$python" -c '
import socket, sys
s = socket.create_server(("127.0.0.1", 0))
print("port", s.getsockname()[1], flush=True)
kept = []
while True:
    c = s.accept()[0]
    kept.append(c)
    c.sendall(eval(sys.argv[1]))' "$1"
	printf 'tcp: 127.0.0.1:%s\ntimeout: 200ms\nvalues: [{name: a, address: 0}]\n' "${said#port }" \
		> "$tmp/fake.yaml"
}
fake 'b""'
result "a server that says nothing is down" answers 'modbus up=0i' "$plugin" "$tmp/fake.yaml"
fake 'bytes(range(256)) * 16'
result "one that says anything is, too" answers 'modbus up=0i' "$plugin" "$tmp/fake.yaml"

map() { # text
	printf '%s\n' "$1" > "$tmp/bad.yaml"
}
map $'tcp: h:1\nvalues:\n  - {name: a, address: 0, type: float}'
result "a wrong type is told with its place" refuses "bad.yaml:3:" "$plugin" "$tmp/bad.yaml"
map $'tcp: h:1\nvalues:\n  - {name: a}'
result "an address is needed" refuses 'bad.yaml:3:5: needs an address' "$plugin" "$tmp/bad.yaml"
map $'tcp: h:1\nvalues:\n  - {name: "a b", address: 1}'
result "a name has to be one" refuses 'bad.yaml:3:5: needs a name of letters' "$plugin" "$tmp/bad.yaml"
map $'tcp: h:1\nvalues:\n  - {name: a, address: 65535, type: uint32}'
result "registers end at 65535" refuses 'there is no such register' "$plugin" "$tmp/bad.yaml"
map $'values:\n  - {name: a, address: 1}'
result "where the devices are has to be said" refuses 'needs either tcp or rtu' "$plugin" "$tmp/bad.yaml"
map $'tcp: h:1\nvalues:\n  - {name: a, register: coil, address: 1, type: int16}'
result "a bit has no type" refuses 'is one bit and has no type' "$plugin" "$tmp/bad.yaml"
map $'tcp: h:1\nvalue: []'
result "an unknown word is told" refuses 'bad.yaml:2:' "$plugin" "$tmp/bad.yaml"
result "so is a file that is not there" refuses 'No such file' "$plugin" "$tmp/none.yaml"
result "the example is good" "$plugin" -n "$top_srcdir/examples/plugins/modbus.yaml"
finish
