#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A battery, a radio and a processor fail as recorded ones did, and three that are like them do not: each
# function is away before its node fails, and the others stay (PRD-03, MIG-06). tests/bench/foresight does it
# with hundreds, and measures.
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
[ "${FOGWATCH_TESTS-}" != quick ] || skip_all "FOGWATCH_TESTS=quick"
begin ff 7 jq

kinds="battery signal cpu"
roots_of() { # kind, directory
	case $1 in
	battery) echo "roots: {power-supply: $2/power_supply}" ;;
	*) echo "roots: {proc: $2/proc}" ;;
	esac
}
requirement_of() { # kind
	case $1 in
	battery) echo 'expr: "avg_over_time(node_power_supply_voltage_volts{power_supply=\"BAT0\"}[5s])", above: 3.3' ;;
	signal) echo 'expr: "avg_over_time(node_wireless_signal_dbm{device=\"wlan0\"}[7500ms])", above: -95' ;;
	cpu) echo 'expr: "avg_over_time(node_cpu_utilisation_ratio[10s])", below: 0.3' ;;
	esac
}
service_of() { # kind, fails or stays
	cat <<-Y
	service: $1-$2
	hook: mover
	functions:
	  - name: F
	    host: $1-$2
	    candidates: [$1-spare]
	    requirements:
	      - {$(requirement_of "$1"), period: 250ms, candidate-period: 1s, hold: 1s, predictor: hazard}
	    migration: {lead: 6s, raise: 0, sustain: 0s, cooldown: 5s}
	Y
}

nodes=()
for kind in $kinds; do
	nodes+=("$kind-fails" "$kind-stays" "$kind-spare")
	printf '0 %s nan\n' "$kind-fails" "$kind-stays" "$kind-spare" |
		"$build/tests/bench/replay" "$kind" "$tmp" || error "no trees"
done
fog_net hub "${nodes[@]}"
echo 'hooks: {mover: {type: log}}' | controller_configure
controller_start hub
for node in "${nodes[@]}"; do
	roots_of "${node%-*}" "$tmp/$node" | agent_configure "$node"
	start "agent_${node/-/_}" "$node" "$build/fogwatch-agent" -c "$tmp/$node/agent.yaml"
done
for node in "${nodes[@]}"; do
	wait_until 30 alive "$node" || error "$node does not come"
done
for kind in $kinds; do
	for how in fails stays; do
		service_of $kind $how > "$tmp/service.yaml"
		fogctl apply "$tmp/service.yaml" > "$tmp/apply" 2>&1 || error "$(cat "$tmp/apply")"
	done
	"$build/tests/bench/replay" $kind "$tmp" > "$tmp/marks.$kind" \
		< "$top/tests/data/foresight/short-$kind" &
	lib_pids+=($!)
done
ended() { # kind
	[ "$(wc -l < "$tmp/marks.$1")" = 2 ]
}
for kind in $kinds; do
	wait_until 60 ended $kind || error "the recording does not end: $(cat "$tmp/marks.$kind")"
done
check "the controller tells of its migrations" fogctl migrations --json
fogctl migrations --json > "$tmp/migrations.json"
jq -r '.[] | "# \(.service) \(.state), opened \(.opened), ended \(.ended): \(.reason)"' "$tmp/migrations.json"
sed 's/^/# /' "$tmp"/marks.*

moved_before_failure() { # kind
	local at
	at=$(awk '$2 == "failure" { print $3 }' "$tmp/marks.$1")
	jq -e --arg s "$1-fails" --argjson at "$at" '
		def ms: (.[:19] + "Z" | fromdateiso8601) * 1000 + (.[20:23] | tonumber);
		any(.[]; .service == $s and .state == "done" and (.ended | ms) < $at)' "$tmp/migrations.json"
}
not_moved() { # kind
	jq -e --arg s "$1-stays" 'all(.[]; .service != $s)' "$tmp/migrations.json"
}
for kind in $kinds; do
	check "PRD-03 the function is away before its node fails: $kind" moved_before_failure $kind
	check "PRD-03 where nothing fails it stays: $kind" not_moved $kind
done
