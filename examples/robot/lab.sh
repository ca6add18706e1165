# SPDX-License-Identifier: Apache-2.0
#
# The laboratory of the robot scenario: nodes are network namespaces on one bridge, functions are
# processes in them, and a function's address (/128) lives where the function is active. Sourced with
# $run (state of this run) and $demo (directory of the demonstration programs) set.

lab_prefix=${FOG_LAB_PREFIX:-fogdemo}
lab_nodes="A B C ctl robot"
port=9000

lab_ns() { # node
	echo "$lab_prefix-$1"
}

lab_exists() { # node
	[ -e "/run/netns/$(lab_ns "$1")" ]
}

in_node() { # node command…
	local ns
	ns=$(lab_ns "$1")
	shift
	ip netns exec "$ns" "$@"
}

# In the background; $! is the program itself, so that its number can be kept and signalled.
start_in() { # node log command…
	local ns log=$2
	ns=$(lab_ns "$1")
	shift 2
	ip netns exec "$ns" setsid "$@" < /dev/null >> "$log" 2>&1 &
}

node_address() { # node
	case $1 in
	ctl) echo fd57::1 ;;
	robot) echo fd57::2 ;;
	*) printf 'fd57::1:%x\n' "'$1" ;;
	esac
}

node_add() { # node
	local ns
	ns=$(lab_ns "$1")
	ip netns add "$ns" &&
		ip link add e0 netns "$ns" type veth peer name "p-$1" netns "$(lab_ns sw)" &&
		ip -n "$(lab_ns sw)" link set "p-$1" master br0 up &&
		ip -n "$ns" link set lo up &&
		ip -n "$ns" addr add "$(node_address "$1")/64" dev e0 nodad &&
		ip -n "$ns" link set e0 up
}

lab_up() {
	local node
	ip netns add "$(lab_ns sw)" &&
		ip -n "$(lab_ns sw)" link add br0 type bridge mcast_snooping 0 &&
		ip -n "$(lab_ns sw)" link set br0 up || return 1
	for node in $lab_nodes; do
		node_add "$node" || return 1
	done
}

# Ends what was started by this run (pid files only) and removes its namespaces.
lab_down() {
	local file ns
	for file in "$run"/pids/*; do
		[ -f "$file" ] && pid_end "$(basename "$file")"
	done
	for ns in $(ip netns list | awk -v p="$lab_prefix-" 'index($1, p) == 1 { print $1 }'); do
		ip netns del "$ns"
	done
	rm -rf "$run"
}

# A pid file holds pid and start time, so that a reused number is never killed.
pid_start_time() { # pid
	awk '{ sub(/.*\) /, ""); print $20 }' "/proc/$1/stat" 2>/dev/null
}

pid_write() { # name pid
	mkdir -p "$run/pids"
	echo "$2" > "$run/pids/$1"
	pid_start_time "$2" > "$run/pids/.$1.start"
}

pid_is_ours() { # file pid
	[ "$(pid_start_time "$2")" = "$(cat "$(dirname "$1")/.$(basename "$1").start" 2>/dev/null)" ]
}

pid_alive() { # pid; a zombie is not
	local state
	state=$(awk '{ sub(/.*\) /, ""); print $1 }' "/proc/$1/stat" 2>/dev/null)
	[ -n "$state" ] && [ "$state" != Z ]
}

pid_end() { # name [seconds]: TERM, and KILL when the time is over; only what this run started
	local file="$run/pids/$1" pid
	pid=$(cat "$file" 2>/dev/null) || return 0
	if pid_is_ours "$file" "$pid"; then
		kill "$pid" 2>/dev/null
		wait_until "${2:-3}" pid_ended "$pid" || kill -9 "$pid" 2>/dev/null
	fi
	rm -f "$file" "$run/pids/.$1.start"
}

pid_ended() {
	! pid_alive "$1"
}

poll_pause() {
	sleep 0.02
}

wait_until() { # seconds command…; true as soon as the command is
	local end=$(($(date +%s%N) + $1 * 1000000000))
	shift
	until "$@" > /dev/null 2>&1; do
		[ "$(date +%s%N)" -lt "$end" ] || return 1
		poll_pause
	done
}

function_address() { # function
	case $1 in
	F*) echo "fd57::f${1#F}" ;;
	esac
}

function_start() { # function node
	local next=()
	[ "$1" = F1 ] && next=("$(function_address F2)" $port)
	start_in "$2" "$run/$1@$2.log" "$demo/fogfn" "$1" "$2" $port "${next[@]}"
	pid_write "$1@$2" $!
}

function_wait() { # function node
	wait_until 5 in_node "$2" "$demo/fogfn" --check "$(node_address "$2")" $port
}

function_stop() { # function node; it finishes what it has begun
	pid_end "$1@$2" 2
}

address_add() { # function node
	ip -n "$(lab_ns "$2")" addr replace "$(function_address "$1")/128" dev e0 nodad &&
		in_node "$2" "$demo/announce" e0 "$(function_address "$1")"
}

# First the target has it and says so; then the source keeps it on lo only, where nobody on the link
# can ask for it but what is still on its way is served.
address_move() { # function source target
	local address
	address=$(function_address "$1")
	address_add "$1" "$3" || return 1
	lab_exists "$2" || return 0
	ip -n "$(lab_ns "$2")" addr replace "$address/128" dev lo
	ip -n "$(lab_ns "$2")" addr del "$address/128" dev e0
	in_node "$3" "$demo/announce" e0 "$address"
}

address_drop() { # function node
	ip -n "$(lab_ns "$2")" addr del "$(function_address "$1")/128" dev lo 2>/dev/null
	return 0
}
