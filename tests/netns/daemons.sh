#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Agents and a controller that were told nothing of each other.
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
begin fd 14 jq cksum

fog_net hub a b
controller_start hub
agent_start a A
agent_start b B
check "REG-01 nodes find the controller by multicast and register" \
	wait_until 10 eval 'alive A && alive B'

at_once() {
	local begin end
	fog_plug d
	wait_until 10 fog_ready d || return 1
	begin=$(date +%s%N)
	agent_start d D
	wait_until 10 alive D || return 1
	end=$(date +%s%N)
	echo "registered after $(((end - begin) / 1000000)) ms"
	[ $((end - begin)) -lt 2000000000 ]
}
at_once > "$tmp/at_once" # not inside check, which would forget the process it has started
late=$?
check "REG-10 a node that starts later registers in less than 2 s" \
	eval 'cat "$tmp/at_once"; [ $late = 0 ]'

no_address_known() {
	! grep -rE "$(fog_address hub)" "$tmp"/*/agent.yaml
}
check "DISC-03 no address of the controller stands in a configuration" no_address_known

capable() {
	fogctl node show A --json | jq -e '.cpus > 0 and .memory_bytes > 0 and .kernel != "" and
		any(.interfaces[]; .name == "e0" and .up and (.addresses | length > 0))'
}
check "REG-02 a node tells its capabilities and interfaces" capable

# --- queries ----------------------------------------------------------------------------------
value() { # expression jq-condition
	fogctl query "$1" --node A --json | tee "$tmp/value.json" | jq -e "$2"
}
known='(.value | type) == "number" and .unit == "ratio" and .samples >= 1 and
	(.time | test("^20[0-9-]+T[0-9:.]+Z$")) and .node == "A"'
check "CMP-01 an average is computed on the node, with unit, time and samples" \
	wait_until 30 value 'avg_over_time(node_cpu_utilisation_ratio[5m])' "$known"
check "CMP-08 without data the answer is unknown and says why, never 0" \
	value 'avg_over_time(node_power_supply_voltage_volts{power_supply="none"}[5m])' \
	'.value == null and (.unknown | length > 10)'
refused() { # exit-status words command…
	local status=0 want=$1 words=$2
	shift 2
	"$@" > "$tmp/refused" 2>&1 || status=$?
	cat "$tmp/refused"
	[ "$status" = "$want" ] && grep -q -- "$words" "$tmp/refused"
}
check "RPT-01 a wrong expression is refused with its column" \
	refused 1 column fogctl query 'avg_over_time(node_load1' --node A
check "RPT-01 a query to a node that is not there is refused by name" \
	refused 1 NOBODY fogctl query node_load1 --node NOBODY

# --- services ---------------------------------------------------------------------------------
cat > "$tmp/wrong.yaml" <<'Y'
service: shop
functions:
  - name: F1
    host: A
    requirments: []
    requirements:
      - expr: avg_over_time(node_load1
        below: many
        period: 0s
Y
wrong_is_refused() {
	refused 1 'wrong.yaml:5:5: .*requirments' fogctl apply "$tmp/wrong.yaml" &&
		grep -q 'wrong.yaml:8:[0-9]*: ' "$tmp/refused" &&
		grep -q 'wrong.yaml:9:[0-9]*: ' "$tmp/refused" &&
		[ "$(fogctl services --json | jq length)" = 0 ]
}
check "PLN-10 a wrong service is refused with every place and key, nothing is applied" \
	wrong_is_refused
cat > "$tmp/shop.yaml" <<'Y'
service: shop
functions:
  - name: F1
    host: A
    candidates: [B]
    requirements:
      - expr: avg_over_time(node_memory_available_ratio[10s])
        above: 0.000001
        period: 1s
        candidate-period: 5s
Y
planned() { # node period
	fogctl plan show "$1" --json | jq -e --argjson p "$2" \
		'any(.[]; (.expression | test("node_memory_available_ratio")) and .period_s == $p)'
}
fogctl apply "$tmp/shop.yaml" > "$tmp/apply" 2>&1 || cat "$tmp/apply"
check "PLN-03 a service gives the host a plan and the candidate a lighter one" \
	wait_until 5 eval 'planned A 1 && planned B 5'

# --- the controller dies ------------------------------------------------------------------------
before=$(fogctl events --last 1000 --json | jq -c 'map(.seq)')
destroy controller
controller_start hub
nothing_lost() {
	[ "$(fogctl services --json | jq 'map(.service) | unique == ["shop"]')" = true ] &&
		[ "$(fogctl nodes --json | jq -c 'map(.name) | sort')" = '["A","B","D"]' ] &&
		[ "$(fogctl events --last 1000 --json | jq -c --argjson b "$before" '$b - map(.seq)')" = '[]' ]
}
check "R-01 kill -9 of the controller loses no node, service or event" nothing_lost
check "REG-13 all nodes register again by themselves" \
	wait_until 15 eval 'alive A && alive B && alive D'

# --- configuration --------------------------------------------------------------------------------
cat > "$tmp/bad.yaml" <<'Y'
domian: x
registration:
  lease: soon
insecure: {plain_grasp: yes, i_trust_this_network: yes}
Y
bad_configuration() {
	refused 1 'bad.yaml:1:1: domian' "$build/fogwatch-controller" -n -c "$tmp/bad.yaml" &&
		grep -q 'bad.yaml:3:3: lease' "$tmp/refused"
}
check "OPS-06 all errors of a configuration are told with their places" bad_configuration
running_stays() {
	cat "$tmp/bad.yaml" > "$tmp/controller/controller.yaml"
	kill -HUP "$pid_controller"
	wait_until 5 grep -q 'bad\|lease' "$tmp/controller.log" && fogctl status && alive A
}
check "OPS-06 a reload with a wrong file keeps the running configuration" running_stays
