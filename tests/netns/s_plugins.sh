#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Plug-ins of a real agent: what one in shell says arrives at the controller, and twelve evil ones achieve
# nothing (S-21), whether they have a user of their own or, where the agent is not root, the agent's.
. "${top_srcdir:-.}/tests/netns/lib.sh"
. "$top/tests/netns/fog.sh"
begin pl 36 jq setpriv python3 pgrep

fog_net hub a b
controller_start hub
chmod 711 "$tmp"
mkdir -m 755 "$tmp/bin" && cp "$build/tests/netns/evil_plugin" "$tmp/bin/" || error "no plug-in"
cat > "$tmp/bin/weather" << 'E'
#!/bin/sh
while read -r _; do
	echo 'weather,room=lab temperature=21.5,humidity=40i,door="open\" wide"'
done
E
chmod 755 "$tmp/bin/weather"

# Somewhere to connect to; each connection is a line.
start sink hub python3 -c '
import socket
s = socket.create_server(("::", 7070), family=socket.AF_INET6)
print("ready", flush=True)
while True:
    s.accept()
    print("connected", flush=True)'
wait_until 10 grep -q ready "$tmp/sink.log" || error "no sink"

attempts='write_state read_key connect_out trace_agent fill_disk kill_agent'
faults='fork_bomb flood garbage endless_line ignore_term sleep'
plugins() { # agent
	local attack i
	echo 'history: {bytes: 8MiB}'
	echo 'plugins:'
	echo "- {name: weather, command: [$tmp/bin/weather]}"
	for attack in $attempts $faults; do
		echo "- {name: evil_$attack, timeout: 1s, command: [$tmp/bin/evil_plugin, $attack," \
			"$tmp/$1/state, '$(fog_address hub)', '7070']}"
	done
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		echo "- {name: fine_$i, command: [$tmp/bin/evil_plugin, good, /, '::1', '1']," \
			"prefix: f${i}_}"
	done
}
ask() { # agent words…
	"$build/fogctl" --socket "$tmp/$1/control" "${@:2}"
}
# That it is wanted each second for a minute.
want() { # agent metric…
	local metric
	for metric in "${@:2}"; do
		ask "$1" query "count_over_time($metric[30s])" --json > "$tmp/want"
	done
}
value() { # agent metric value
	ask "$1" query "$2" --json | jq -e --argjson v "$3" 'any(.. | objects; .value? == $v)'
}
plugin() { # agent plug-in condition of jq
	ask "$1" plugins --json > "$tmp/plugins.json" &&
		jq -e --arg n "$2" "any(.[]; .name == \$n and ($3))" "$tmp/plugins.json"
}
told() { # plug-in key: as it was when it was looked at
	jq -r --arg n "$1" ".[] | select(.name == \$n) | .$2" "$tmp/plugins.json"
}
cpu_us() { # pid
	cat /proc/"$1"/task/*/schedstat | awk '{ sum += $1 } END { printf "%d\n", sum / 1000 }'
}

# --- a plug-in and the controller -----------------------------------------------------------------
plugins A | agent_configure A
agent_start a A
wait_until 20 alive A || error "no fog"
arrives() {
	fogctl query 'weather_temperature{room="lab"}' --node A --json > "$tmp/arrived"
	jq -e 'any(.. | objects; .value? == 21.5)' "$tmp/arrived"
}
check "what a plug-in in shell says is had from the controller" wait_until 20 arrives
check "and how it is can be seen" wait_until 10 plugin A weather \
	'.state == "running" and .metrics == 2 and .restarts == 0'

# The agent that is not root has all of its plug-ins as itself.
mkdir "$tmp/B" && cp "$tmp/token" "$tmp/B/token" || error "no token"
(plugins B && echo "join: {token-file: $tmp/B/token}") | agent_configure B
chmod 755 "$tmp" && chown -R nobody "$tmp/B"
start agent_B b setpriv --reuid=nobody --regid=65534 --clear-groups \
	"$build/fogwatch-agent" -c "$tmp/B/agent.yaml"
wait_until 20 alive B || error "no agent that is not root"

agents=(A B)
declare -A pid=([A]=$pid_agent_A [B]=$pid_agent_B)
declare -A whose=([A]='as another user' [B]='as the user of the agent')
if ! grep -q 'Landlock ABI' "$tmp/agent_B.log"; then
	agents=(A)
	for i in {1..17}; do
		skip "S-21 ${whose[B]}" "this kernel has no Landlock"
	done
fi

# --- what twelve cost -----------------------------------------------------------------------------
# In a while in which nobody asks the agents anything: $quiet_A and so on, in us a second.
measure() { # seconds what
	local agent start=()
	for agent in "${agents[@]}"; do
		start+=("$(cpu_us "${pid[$agent]}")")
	done
	sleep "$1"
	for agent in "${agents[@]}"; do
		eval "$2_$agent=$((($(cpu_us "${pid[$agent]}") - start[0]) / $1))"
		start=("${start[@]:1}")
	done
}
for agent in "${agents[@]}"; do
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
		want "$agent" "f${i}_good_done"
	done
	wait_until 20 plugin "$agent" fine_12 '.lines > 0' || error "no good plug-in"
done
measure 3 quiet
for agent in "${agents[@]}"; do
	for attack in $attempts $faults; do
		want "$agent" "evil_${attack}_done"
	done
done
measure 6 evil
# Its budget is a hundredth of a core (PERF-01); instruments cost several times as much.
budget_us=10000
grep -q __asan_init "$build/fogwatch-agent" && budget_us=60000
# shellcheck disable=SC2154 # set by measure
for agent in "${agents[@]}"; do
	eval "good_us=\$quiet_$agent evil_us=\$evil_$agent"
	echo "# with 12 good ones the agent takes $good_us us a second, with 12 evil ones too $evil_us us"
	check "S-21 with evil ones the agent stays below twice its budget, ${whose[$agent]}" \
		[ "$evil_us" -lt $((2 * budget_us)) ]
done

# --- what they achieve ----------------------------------------------------------------------------
no_connection() {
	! grep connected "$tmp/sink.log"
}
no_traces() { # agent
	! ls -d /tmp/fogwatch-evil /var/tmp/fogwatch-evil /dev/shm/fogwatch-evil /run/fogwatch-evil \
		"$tmp/$1/evil" "$tmp/$1/state/evil" 2> "$tmp/none" && ! grep -rl evil "$tmp/$1/state"
}
nothing_runs() { # agent
	! pgrep -f "^$tmp/bin/evil_plugin [a-z_]* $tmp/$1/state"
}
look() { # agent what they are
	local agent=$1 attack
	for attack in $attempts; do
		check "S-21 $attack achieves nothing, $2" \
			wait_until 10 value "$agent" "evil_${attack}_done" 0
	done
	for attack in $faults; do
		check "S-21 $attack is ended, $2" \
			wait_until 30 plugin "$agent" "evil_$attack" '.restarts >= 1 and .error != null'
		echo "# $attack $(told "evil_$attack" error)"
	done
	check "S-21 nobody was connected to, $2" no_connection
	check "S-21 nothing was written, $2" no_traces "$agent"
	check "S-21 the agent is there, and has lost nobody else, $2" \
		plugin "$agent" fine_12 '.state == "running" and .restarts == 0'
	stop "agent_$agent"
	check "S-21 nothing is left of them, $2" wait_until 10 nothing_runs "$agent"
}
for agent in "${agents[@]}"; do
	look "$agent" "${whose[$agent]}"
done
