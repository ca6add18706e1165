#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Composites over nodes (CMP-09): a robot and a gateway, the worst link between them and means of groups,
# computed by the controller of what both report.
. "${top_srcdir:-.}/tests/netns/lib.sh" || exit 99
. "$top/tests/netns/fog.sh" || exit 99
begin co 10 jq

fog_net hub a b
controller_configure <<-E
	history: {flush: 500ms}
	default-plan:
	- {expr: node_load1, period: 1s}
	- {expr: node_path_round_trip_seconds, period: 1s}
	composites:
	- {name: "site:link:worst", expr: max(node_path_round_trip_seconds), interval: 1s}
	- {name: "site:load:mean", expr: avg by (type) (node_load1), interval: 1s, unit: tasks}
	- {name: "site:load:lab", expr: 'count(node_load1{room="lab"})', interval: 1s}
	- {name: "site:nothing", expr: max(node_power_supply_capacity_ratio), interval: 1s}
E
agent_configure A <<-E
	paths: {b: "$(fog_address b)"}
E
sed -i 's/^node: {/&type: robot, tags: {room: lab}, /' "$tmp/A/agent.yaml"
agent_configure B <<-E
	paths: {a: "$(fog_address a)"}
E
sed -i 's/^node: {/&type: gateway, /' "$tmp/B/agent.yaml"
controller_start hub
agent_start a A
agent_start b B
wait_until 15 alive A && wait_until 15 alive B || error "the nodes do not register"

ask() { # expression, condition of jq on the result, option…
	local text=$1 condition=$2
	shift 2
	fogctl query "$text" --from history --json "$@" > "$tmp/answer" && jq -e "$condition" "$tmp/answer" ||
		{ cat "$tmp/answer"; return 1; }
}
check "OUT-04 without a node there is one value of all nodes" wait_until 30 \
	ask 'count(node_load1)' '.value == 2 and (.series | length) == 1 and .node == "all"'
check "CMP-09 the worst link of all nodes is a metric" wait_until 30 \
	ask site:link:worst '.value > 0 and .value < 5 and (.series | length) == 1 and .unit == "seconds"'
check "CMP-09 and can be used in an expression" wait_until 10 \
	ask 'max_over_time(site:link:worst[1m]) >= site:link:worst' '.value > 0'
check "CMP-09 the mean of a group, by what the nodes are" wait_until 10 \
	ask site:load:mean '[.series[].labels.type] | sort == ["gateway", "robot"]'
check "CMP-09 a tag of a node is a label" wait_until 10 ask site:load:lab '.value == 1'
check "CMP-08 what nobody reports is unknown, and says why" \
	ask site:nothing '.value == null and (.unknown | length) > 0'
course() {
	ask site:link:worst '.data.result | length == 1 and (.[0].values | length) > 0 and
		.[0].metric.__name__ == "site:link:worst"' --range 30s --step 1s
}
check "CMP-09 it has a course" wait_until 10 course
shown() {
	fogctl composites --json > "$tmp/composites" && cat "$tmp/composites" &&
		jq -e 'length == 4 and
			any(.[]; .name == "site:link:worst" and .value > 0 and .interval_s == 1) and
			any(.[]; .name == "site:load:mean" and .series == 2 and .unit == "tasks") and
			any(.[]; .name == "site:nothing" and .series == 0 and (.unknown | length) > 0)' \
			"$tmp/composites" && fogctl composites | grep -q '^site:link:worst '
}
check "fogctl composites shows what they are" shown
listed() { # source name series
	fogctl metrics "$2" --json | jq -e --arg source "$1" --arg name "$2" --argjson n "$3" \
		'any(.[]; .metric == $name and .source == $source and .series == $n)'
}
lists() {
	listed node node_load1 2 && listed composite site:load:mean 2 && listed composite site:link:worst 1
}
check "fogctl metrics at the controller lists what was reported, and composites" lists
refused() {
	sed 's/interval: 1s}/interval: 1s, every: 2s}/' "$tmp/controller/controller.yaml" > "$tmp/wrong.yaml"
	! "$build/fogwatch-controller" -n -c "$tmp/wrong.yaml" 2> "$tmp/err" &&
		grep -q 'wrong.yaml:[0-9]*:.*every' "$tmp/err" || { cat "$tmp/err"; return 1; }
}
check "OPS-06 what is wrong with one is told with its line" refused
