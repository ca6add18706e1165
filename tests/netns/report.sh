#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A node without its controller: its link is cut, its agent killed meanwhile, and the link healed. What it
# has made is in the history of the controller once. OUTAGE=600 makes the cut ten minutes ("make
# check-outage").
. "${top_srcdir:-.}/tests/netns/lib.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
. "$top/tests/netns/fog.sh"
begin fp 5 jq nft
outage=${OUTAGE:-8}

fog_net hub a
controller_start hub
agent_configure A < /dev/null
agent_start a A
wait_until 15 alive A || error "A does not come"
cat > "$tmp/load.yaml" <<'Y'
service: load
functions:
  - name: F
    host: A
    requirements:
      - {expr: node_load1, below: 1000000, period: 250ms, report: periodic}
      - {expr: node_cpu_mode_seconds_total, below: 1000000000000, period: 250ms, report: periodic}
      - {expr: node_memory_MemAvailable_bytes, below: 1000000000000000, period: 250ms, report: periodic}
Y
fogctl apply "$tmp/load.yaml" > "$tmp/apply" 2>&1 || error "$(cat "$tmp/apply")"

agentctl() {
	"$build/fogctl" --socket "$tmp/A/control" "$@"
}
of_agent() { # counter
	agentctl counters --json | jq ".$1"
}
of_controller() { # counter
	fogctl counters --json | jq ".$1"
}
has_points() { # more than
	[ "$(of_controller points)" -gt "$1" ]
}
check "reports come" wait_until 15 has_points 50

in_ns a nft -f - <<'N'
table inet cut {
	chain in { type filter hook input priority 0; }
	chain out { type filter hook output priority 0; }
}
N
cut_link() {
	in_ns a nft add rule inet cut in iifname e0 drop &&
		in_ns a nft add rule inet cut out oifname e0 drop
}
heal_link() {
	in_ns a nft flush table inet cut
}
waits() { # more than
	[ "$(of_agent points_waiting)" -gt "$1" ]
}
made() { # more than
	[ "$(of_agent points)" -gt "$1" ]
}
cut_link || error "cannot cut"
per_second=40
check "RPT-05 what is made meanwhile waits in the journal" \
	wait_until $((outage + 20)) waits $((outage / 2 * per_second))
first=$(of_agent points)
destroy agent_A
agent_start a A
check "PLN-07 the plan goes on without a controller" \
	wait_until $((outage + 20)) made $((outage / 2 * per_second))
heal_link || error "cannot heal"
check "REG-13 it registers again" wait_until 90 registered A
caught_up() {
	[ "$(of_agent points_waiting)" -lt $((15 * per_second)) ]
}
complete() {
	local all got
	caught_up || return 1
	all=$((first + $(of_agent points)))
	got=$(of_controller points)
	echo "made $all, taken in $got, again $(of_controller duplicate_points)"
	# the last second of the process that was killed; what is on its way; what was made since it was counted
	[ "$got" -ge $((all - 4 * per_second)) ] && [ "$got" -le $((all + 2 * per_second)) ]
}
check "R-06 what was made is taken in once" wait_until 60 complete
