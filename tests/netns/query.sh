#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Queries over a held TLS session: ranges and lists as fogctl shows them, what one costs on the wire, watch
# on a terminal, and clients that do not read.
. "${top_srcdir:-.}/tests/netns/lib.sh" || exit 99
. "$top/tests/netns/fog.sh" || exit 99
begin qy 17 jq tcpdump
python=${PYTHON3:-/usr/bin/python3}

fog_net hub a
controller_start hub
agent_start a A
wait_until 15 alive A || error "the node does not register"
agent() { # words…: asks A's agent
	"$build/fogctl" --socket "$tmp/A/control" "$@"
}
mean='avg_over_time(node_load1[5m])'

# --- ranges --------------------------------------------------------------------------------------
points() { # least count: of the first series of a range that is asked of the node
	fogctl query node_load1 -n A --range 10s --step 1s --json |
		jq -e "(.data.result[0].values | length) >= $1"
}
check "RPT-01 a range is asked of the node, and grows while it is asked for" wait_until 20 points 4
is_matrix() { # asker…
	"$@" query node_load1 --range 10s --step 1s --json > "$tmp/range.json" &&
		jq -e '.status == "success" and .data.resultType == "matrix" and
			(.data.result[0] | .metric == {"__name__": "node_load1", "node": "A"} and
			(.values | all(.[]; length == 2 and (.[0] | type) == "number" and
				(.[1] | tonumber) >= 0)))' "$tmp/range.json" &&
		jq -e '[.data.result[0].values[][0]] | . == sort and (.[-1] - now | fabs) < 30' "$tmp/range.json"
}
asks_for_a() { fogctl "$@" -n A; }
check "RPT-01 by the controller it is what Prometheus' API answers" is_matrix asks_for_a
check "RPT-01 and by the agent" is_matrix agent
table() {
	fogctl query node_load1 -n A --range 10s --step 1s > "$tmp/range.txt" && cat "$tmp/range.txt"
	grep -q '^NODE .*MIN .*COURSE' "$tmp/range.txt" && grep -q '^A .*[▁▂▃▄▅▆▇█]' "$tmp/range.txt"
}
check "people get a table with the course of each series" table
rows() {
	agent query node_load1 --range 10s --step 1s --csv | tr -d '\r' > "$tmp/range.csv" && cat "$tmp/range.csv"
	[ "$(head -1 "$tmp/range.csv")" = time,node,labels,unit,value ] &&
		grep -qE '^20[0-9-]+T[0-9:.]+Z,A,\{\},,[0-9.]+$' "$tmp/range.csv"
}
check "programs get comma-separated values" rows
lists() { # asker…
	"$@" query '{__name__=~"node_load1|node_load5"}' --json |
		jq -e '[.. | objects | .expression? // empty, (.__name__? // empty)] |
			any(. == "node_load1") and any(. == "node_load5")' &&
		"$@" query 'node_load*' | grep -q .
}
check "RPT-01 a list of metrics is asked of the agent" lists agent
check "RPT-01 and by the controller" lists asks_for_a
refusals() {
	local words status
	while IFS='|' read -r status words; do
		eval "agent query $words" > "$tmp/out" 2> "$tmp/err"
		[ $? = "$status" ] && [ -s "$tmp/err" ] && [ ! -s "$tmp/out" ] || {
			echo "query $words: not $status, or in silence"
			cat "$tmp/out" "$tmp/err"
			return 1
		}
	done <<-'E'
		2|node_load1 --range 0
		2|node_load1 --range 1h --step 1ms
		2|node_load1 --step 5s
		2|node_load1 --start 12:00 --end 11:00
		2|node_load1 --start tomorrow
		2|node_load1 --from nowhere
		1|node_load1 --from history
		1|'node_load*' --range 1h
		1|'nothing_*'
		1|'avg_over_time(node_load1)'
		2|
	E
}
check "what cannot be asked is refused with what to do, and nothing on standard output" refusals

# --- what the controller has kept -------------------------------------------------------------------
share=node_memory_available_ratio # is in the default plan
kept() {
	fogctl query $share --all --from history --json |
		jq -e '.[0].series[0] | .labels.node == "A" and .value > 0 and .value <= 1'
}
check "OUT-04 from its history the controller answers for all nodes, by the label node" wait_until 30 kept
kept_range() {
	fogctl query $share --all --from history --range 30s --step 1s --json |
		jq -e '.data.result[0] | .metric == {"__name__": "'$share'", "node": "A"} and (.values | length > 0)'
}
check "OUT-04 at each step of a range as well" wait_until 20 kept_range

# --- on the wire ----------------------------------------------------------------------------------
count=15
cat > "$tmp/bursts.py" <<'P'
# Bytes of frames, in bursts that begin with what the controller sends and in which the node answers.
import re, statistics, sys
hub, cost, last, burst = sys.argv[1], [], 0.0, []
def count(burst):
    data = [(who, n) for _, who, n, payload in burst if payload]
    if data and data[0][0] == hub and any(who != hub for who, _ in data):
        cost.append(sum(n for _, _, n, _ in burst))
for line in sys.stdin:
    m = re.match(r"(\d+\.\d+) ([0-9a-f:]+) > .*?, length (\d+): .* length (\d+)$", line.strip())
    if not m:
        continue
    at, who, n, payload = float(m[1]), m[2], int(m[3]), int(m[4])
    if at - last > 0.1:
        count(burst)
        burst = []
    last = at
    burst.append((at, who, n, payload))
count(burst)
print(f"# {len(cost)} queries, bytes each: {sorted(cost)}", file=sys.stderr)
print(int(statistics.median(cost)))
P
wire() {
	fogctl query "$mean" -n A --json | jq -e '.value >= 0' || return 1
	start tcpdump hub tcpdump -U -l -n -tt -e -i e0 tcp port 7017
	wait_until 10 grep -q listening "$tmp/tcpdump.log" || return 1
	fogctl watch "$mean" -n A --interval 400ms --count $count --json > "$tmp/watch.json" || return 1
	stop tcpdump
	[ "$(jq -s 'length' "$tmp/watch.json")" = $count ] || return 1
	local hub bytes
	hub=$(in_ns hub cat /sys/class/net/e0/address)
	bytes=$("$python" "$tmp/bursts.py" "$hub" < "$tmp/tcpdump.log" 2> "$tmp/bursts") || return 1
	cat "$tmp/bursts" >&3
	echo "# an average over 5 minutes costs $bytes bytes: frames both ways, with TLS and ACKs" >&3
	[ "$bytes" -gt 100 ] && [ "$bytes" -le 500 ]
}
exec 3>&1
check "an average over 5 minutes costs at most 500 bytes on the wire" wire

# --- watch ----------------------------------------------------------------------------------------
cat > "$tmp/terminal.py" <<'P'
# Runs fogctl in a terminal of its own: waits for a page, changes the window, ends it by a key or signal.
import fcntl, os, pty, select, signal, struct, sys, termios, time
how, argv = sys.argv[1], sys.argv[2:]
main, terminal = pty.openpty()
size = lambda c: fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 20, c, 0, 0))
size(100)
before = termios.tcgetattr(terminal)
pid = os.fork()
if not pid:
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(terminal, fd)
    os.execvp(argv[0], argv)
seen = b""
def until(text, what):
    global seen
    deadline = time.monotonic() + 20
    while text not in seen:
        assert time.monotonic() < deadline, (what, seen[-2000:])
        if select.select([main], [], [], 0.2)[0]:
            seen += os.read(main, 65536)
until(b"\x1b[?1049h", "the page")
until("NOW".encode(), "the heading")
until(b"node_load1", "the expression")
seen = b""
size(60)
os.kill(pid, signal.SIGWINCH)
until(b"NOW", "another width")
lines = [l for l in seen.decode(errors="replace").split("\r\n") if "NOW" in l]
assert all(len(l.replace("\x1b[K", "")) <= 62 for l in lines[-1:]), lines
if how == "q":
    os.write(main, b"q")
elif how == "ctrl-c":
    os.write(main, b"\x03")
else:
    os.kill(pid, signal.SIGTERM)
until(b"\x1b[?1049l", "the terminal as it was")
status = os.waitpid(pid, 0)[1]
assert termios.tcgetattr(terminal) == before, "the terminal is not as it was"
assert status == (signal.SIGTERM if how == "term" else 0), status
P
on_terminal() { # how
	timeout 60 "$python" "$tmp/terminal.py" "$1" "$build/fogctl" --socket "$tmp/A/control" \
		watch node_load1 --interval 200ms
}
for how in q ctrl-c term; do
	check "watch fits the window, and gives the terminal back after $how" on_terminal $how
done
plain() {
	agent watch node_load1 node_load5 --count 2 --interval 100ms > "$tmp/lines" && cat "$tmp/lines"
	[ "$(wc -l < "$tmp/lines")" = 4 ] && ! grep -q $'\033' "$tmp/lines" &&
		[ "$(agent watch node_load1 --once | wc -l)" = 1 ]
}
check "watch is lines where there is no terminal" plain

# --- who does not read ----------------------------------------------------------------------------
reads() { # source reads of the agent
	agent counters --json | jq '.source_reads'
}
cat > "$tmp/deaf.py" <<'P'
# Asks for long ranges, {expression: "node_load1", range_ms: 10000000, step_ms: 1000}, and reads nothing.
import socket, sys, time
args = bytes.fromhex("a3") + b"\x6aexpression\x6anode_load1" + b"\x68range_ms\x1a" + (
    10000000).to_bytes(4, "big") + b"\x67step_ms\x19" + (1000).to_bytes(2, "big")
held = []
for _ in range(8):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(b"\xa2\x67command\x65query\x64args" + args)
    held.append(s)
print("asked", flush=True)
time.sleep(600)
P
start deaf a "$python" "$tmp/deaf.py" "$tmp/A/control"
stuck() {
	wait_until 10 grep -q asked "$tmp/deaf.log" || return 1
	local before
	before=$(reads)
	more() { [ "$(reads)" -ge $((before + 3)) ]; }
	agent query "$mean" > /dev/null && wait_until 20 more
}
check "RPT-11 clients that do not read leave sampling alone" stuck
still() {
	fogctl query node_load1 -n A --range 10s --step 1s --json | jq -e '.data.result | length == 1'
}
check "RPT-11 and others are answered" still
