#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fogctl against both daemons: each command as text, JSON and CBOR, the keys that fogctl(1)
# promises, exit codes, and what happens to wrong input.
. "${top_srcdir:-.}/tests/netns/lib.sh" || exit 99
. "$top/tests/netns/fog.sh" || exit 99
begin fc 63 jq cksum
python=${PYTHON3:-/usr/bin/python3}
"$python" -c 'import cbor2' 2>/dev/null || skip_all "$python has no module cbor2"

fog_net hub a b
controller_configure <<Y
control: {viewer-group: users}
hooks:
  watch: {type: log, file: $tmp/moved}
Y
controller_start hub
agent_start a A
agent_start b B
wait_until 15 eval 'alive A && alive B' || error "the nodes do not register"

agent() { # words…: asks A's agent
	"$build/fogctl" --socket "$tmp/A/control" "$@"
}

cat > "$tmp/shop.yaml" <<'Y'
service: shop
hook: watch
functions:
  - name: F1
    host: A
    candidates: [B]
    requirements:
      - expr: node_memory_available_ratio
        above: 0.000001
        period: 200ms
        candidate-period: 200ms
Y

# --- every command, in three forms -------------------------------------------------------------
# A CBOR sequence is as many items as JSON has, and the same ones but for what changes meanwhile.
cbor_like_json() { # JSON CBOR
	"$python" - "$1" "$2" <<-'P'
	import io, json, sys
	import cbor2
	wanted = json.load(open(sys.argv[1]))
	wanted = wanted if isinstance(wanted, list) else [wanted]
	data = open(sys.argv[2], "rb").read()
	stream, got = io.BytesIO(data), []
	while stream.tell() < len(data):
	    got.append(cbor2.load(stream))
	def shape(x):
	    return sorted(x) if isinstance(x, dict) else type(x).__name__
	assert [shape(x) for x in got] == [shape(x) for x in wanted], (got, wanted)
	P
}

# Asks it in the three forms; the text has to have the words, the JSON to satisfy the condition.
forms() { # asker words jq-condition command…
	local asker=$1 words=$2 condition=$3
	shift 3
	$asker "$@" > "$tmp/text" && grep -qE -- "$words" "$tmp/text" || {
		cat "$tmp/text"
		return 1
	}
	$asker --json "$@" > "$tmp/json" && jq -e "$condition" "$tmp/json" > /dev/null || {
		cat "$tmp/json"
		return 1
	}
	$asker "$@" --cbor > "$tmp/cbor" && cbor_like_json "$tmp/json" "$tmp/cbor"
}

# Do all items have these keys, and no others?
keys() { # key…
	printf '((if type == "array" then . else [.] end) | length > 0 and
		all(.[]; (keys - [%s]) == [] and ([%s] - keys) == []))' "$(quote "$@")" "$(quote "$@")"
}
quote() {
	printf '"%s",' "$@" | sed 's/,$//'
}

node_keys='name id state type address energy battery cpus memory_bytes virtualization functions heard
	lease_s plan_version'
caps_keys='vendor os kernel arch version storage_bytes tags devices position interfaces'
query_keys='node expression unit time age_s value samples window_s labels series'

check "apply" forms fogctl 'shop +applied' "$(keys service result)" apply "$tmp/shop.yaml"
check "apply from standard input" eval \
	'fogctl apply - < "$tmp/shop.yaml" --json | jq -e ".[0].result == \"applied\""'
# shellcheck disable=SC2086 # the lists are words
{
check "nodes" forms fogctl '^A +alive' "$(keys $node_keys)" nodes
check "nodes --no-header" eval '! fogctl nodes --no-header | grep -q NAME'
check "node show" forms fogctl '^name: +A$' \
	"$(keys $node_keys $caps_keys domain token_tags connected quarantined joined bytes_received points_received)" \
	node show A
check "a node is found by the beginning of its id" eval \
	'fogctl node show "$(fogctl nodes --json | jq -r ".[0].id[:8]")" --json | jq -e .name'
check "its interfaces" eval 'fogctl node show A --json | jq -e ".interfaces | $(keys name kind radio up l2 addresses)"'
check "services" forms fogctl '^shop +F1 +A +assigned' \
	"$(keys service function node state generation requirements hook lead_s)" services
check "plan show" wait_until 5 forms fogctl '^A .*shop/F1' \
	"$(keys node item expression period_s mode reasons)" plan show
check "plan show of a node" eval 'fogctl plan show B --json | jq -e "all(.[]; .node == \"B\")"'
check "query" wait_until 5 forms fogctl '^A +[0-9]' \
	"$(keys $query_keys) and (.value | type) == \"number\"" query node_load1 --node A
check "query of several nodes" forms fogctl '^B ' 'length == 2 and map(.node) == ["A", "B"]' \
	query node_load1 --node A --node B
check "query of all nodes" forms fogctl '^B ' 'map(.node) | sort == ["A", "B"]' \
	query node_load1 --node all
check "query with several series" forms fogctl 'mode=idle' \
	'.value == null and (.series | length) > 3 and (.unknown | not)' \
	query node_cpu_seconds_total --node A
check "query without a value says why" forms fogctl 'unknown: no ' \
	"$(keys $query_keys unknown) and .value == null and .series == []" \
	query 'node_network_up{device="none"}' --node A
check "predictions" wait_until 10 forms fogctl '^shop +F1 +A +host' \
	"$(keys node service function requirement role value threshold unit state probability lead_s \
		margin_s time_to_s low_s high_s samples predictor class first reason)" predictions shop
check "predictions --past of none" eval '[ "$(fogctl predictions --past --json)" = "[]" ]'
check "candidates" wait_until 10 forms fogctl '^ +1  B +yes' \
	"$(keys service function rank node score accepted availability horizon_s reasons)" candidates shop/F1
check "candidates in two words, with reasons" forms fogctl 'it is the node that has' \
	'map(select(.accepted | not)) | map(.node) == ["A"]' candidates shop F1 --explain
check "history" wait_until 10 forms fogctl 'node_memory_available_ratio' \
	"$(keys node expression labels time value)" history node_memory_available_ratio --node A \
	--since 60 --last 3
check "place" forms fogctl '^shop +F1 +B +placed' "$(keys service function node result)" \
	place shop/F1 B
check "what was placed is there" forms fogctl '^shop +F1 +B ' '.[0].node == "B"' services
# Twice the same when nothing happens in between.
check "events" wait_until 10 forms fogctl 'node.joined' "$(keys seq time kind node service function text)" events
check "events --last" eval '[ "$(fogctl events --last 2 --json | jq length)" = 2 ]'
check "status of the controller" forms fogctl '^role: +controller' \
	'.domain == "lab" and .nodes_alive == 2 and .uptime_s > 0' status
check "counters of the controller" forms fogctl '^registrations: +2' '.registrations == 2' counters
check "limits" forms fogctl '^nodes +2 ' "$(keys limit used max)" limits
check "show config" forms fogctl '^domain: lab' 'any(.[]; . == "domain: lab")' show config
fogctl show config > "$tmp/canonical.yaml"
check "what show config says is a configuration" \
	"$build/fogwatch-controller" -n -c "$tmp/canonical.yaml"

check "status of the agent" forms agent '^state: +registered' \
	'.role == "agent" and .name == "A" and .trouble == null' status
check "counters of the agent" forms agent '^registrations: +1' '.registrations == 1' counters
check "capabilities" forms agent '^name: +A' \
	"$(keys name type energy battery cpus memory_bytes virtualization $caps_keys)" capabilities
check "controllers" forms agent 'yes' \
	"$(keys domain address controller epoch heard_s configured proven failures retry_s)" controllers
check "metrics" forms agent '^node_load1 +gauge' "$(keys metric type unit labels source help)" metrics
check "query of the agent" forms agent '^A +[0-9]' "$(keys $query_keys) and .node == \"A\"" \
	query node_load1
check "plan show of the agent" forms agent '^A ' 'all(.[]; .node == "A" and .period_s > 0)' plan show
check "show config of the agent" forms agent '^domain: lab' 'any(.[]; . == "domain: lab")' \
	show config
}

# --- a function that is moved, and who sees it ----------------------------------------------------
"$build/fogctl" --socket "$tmp/controller/control" events --follow --last 1 --json \
	> "$tmp/follow" 2> "$tmp/follow.err" &
lib_pids+=($!)
wait_until 5 test -s "$tmp/follow" || error "events --follow shows nothing"
follows() { # kind
	jq -se --arg k "$1" 'any(.[]; .kind == $k)' "$tmp/follow"
}
# An interface that only A has, and that is down: A does not do any more, B does.
in_ns a ip link add x0 type veth peer name x1 || error "no interface x0"
cat > "$tmp/move.yaml" <<'Y'
service: move
hook: watch
functions:
  - name: F2
    host: A
    candidates: [B]
    requirements:
      - expr: node_network_up{device="x0"}
        above: 0.5
        when-missing: ok
        period: 200ms
        candidate-period: 200ms
        hold: 500ms
    migration: {lead: 1s, sustain: 200ms}
Y
fogctl apply "$tmp/move.yaml" > "$tmp/out" 2>&1 || cat "$tmp/out"
check "migrations" wait_until 20 forms fogctl 'move +F2 +A +B +done' \
	"$(keys id service function from to hook state phase reason detail generation opened due lead_s \
		duration_s ended)" migrations
check "the function is where it was moved to" eval \
	'fogctl services --json | jq -e "any(.[]; .function == \"F2\" and .node == \"B\")"'
check "the hook was told all of it" jq -e '.function == "F2" and .source == "A" and .target == "B"' \
	"$tmp/moved"
check "events --follow shows it, an object a line" wait_until 5 follows migration.done
check "the text of the followed events is a row each" eval '
	"$build/fogctl" --socket "$tmp/controller/control" events --last 3 > "$tmp/rows"
	[ "$(grep -c . "$tmp/rows")" = 4 ]'
check "remove" eval 'fogctl remove move | grep -qE "^move +removed"'
check "what was removed is gone" eval 'fogctl services --json | jq -e "all(.[]; .service != \"move\")"'

# --- what is wrong ------------------------------------------------------------------------------------
refused() { # exit-status words command…
	local status=0 want=$1 words=$2
	shift 2
	"$@" > "$tmp/out" 2> "$tmp/refused" || status=$?
	cat "$tmp/refused"
	[ "$status" = "$want" ] && grep -q -- "$words" "$tmp/refused"
}
check "a command that is not there: 2, and the nearest one" refused 2 'did you mean "nodes"' \
	fogctl nodez
check "an option that is not there: 2" refused 2 'nodes has no option --lost' fogctl nodes --lost
check "no command: 2" refused 2 'fogctl nodes' fogctl
check "an argument too few: 2" refused 2 'query needs EXPR' fogctl query
check "history of nobody: 2" refused 2 '--node NODE' fogctl history
check "a node that is not there: 1" refused 1 'no node NOBODY' fogctl node show NOBODY
check "what is refused leaves nothing on standard output" eval \
	'fogctl history --node NOBODY --json > "$tmp/out" 2> "$tmp/refused"; [ ! -s "$tmp/out" ]'
check "a service that is not there: 1" refused 1 'no service nothing' fogctl remove nothing
check "a function that is not there: 1" refused 1 'no function shop/F9' fogctl place shop/F9 A
check "a file that is not there: 1" refused 1 'nowhere.yaml: No such file' \
	fogctl apply "$tmp/nowhere.yaml"
check "a wrong expression: 1, and where" refused 1 'column 1' fogctl query 'rate(node_load1)' --node A
check "a command of the agent, to the controller: 2, and whom to ask" \
	refused 2 'capabilities is asked of the agent' fogctl capabilities
check "a command of the controller, to the agent: 2, and whom to ask" \
	refused 2 'services is asked of the controller' agent services
check "no daemon: 1, and what to do" refused 1 'Is fogwatch-controller running' \
	"$build/fogctl" --socket "$tmp/nothing" nodes
check "the environment names the socket" \
	env FOGWATCH_SOCKET="$tmp/controller/control" "$build/fogctl" nodes
printf 'service: x\nfunctions: \x1b[31m\n' > "$tmp/evil.yaml"
harmless() {
	refused 1 'evil.yaml:' fogctl apply "$tmp/evil.yaml" && ! grep -q "$(printf '\033')" "$tmp/refused"
}
check "S-31 a file's bytes do not reach the terminal" harmless

# Who is in the group of those that may look.
chmod 755 "$tmp" "$tmp/controller"
viewer() { # words…
	setpriv --reuid=65534 --regid=65534 --groups="$(getent group users | cut -d: -f3)" "$build/fogctl" \
		--socket "$tmp/controller/control" "$@"
}
check "a viewer may look" viewer nodes
check "S-28 a viewer may not remove a service" refused 1 'needs the role deployer' viewer remove shop
stranger() { # words…
	setpriv --reuid=65534 --regid=65534 --clear-groups "$build/fogctl" \
		--socket "$tmp/controller/control" "$@"
}
check "a stranger may not look: 1, and what to do" refused 1 'as root' stranger nodes
