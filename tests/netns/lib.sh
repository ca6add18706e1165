# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# For tests in network namespaces, sourced by bash:
#
#	. "${top_srcdir:-.}/tests/netns/lib.sh"
#	begin io 3			# own prefix, root needed; "1..3"
#	ns_add a; ns_add b; veth a a0 b b0
#	start mirror b ./mirror		# background, log in $tmp/mirror.log
#	wait_until 10 grep -q ready "$tmp/mirror.log"
#	check "the mirror answers" in_ns a ./ask
#
# Whatever it made, and nothing else, is gone when the script ends; the logs of what it started are
# shown if a check has failed. Exit status 0, 1 (a check failed), 77 (skipped), 99 (not set up).

# jq 1.6 calls an empty input true: a command that failed in front of it must count.
set -o pipefail

top=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
# shellcheck disable=SC2034 # for those who source us
build=${top_builddir:-$top}
tmp='' prefix=''
lib_planned=0 lib_count=0 lib_failed=0
lib_namespaces=() lib_pids=() lib_logs=()

skip_all() { # reason
	echo "1..0 # SKIP $*"
	echo "SKIPPED: $*" >&2
	[ -n "${AM_TAP_AWK-}" ] && exit 0 # automake's driver takes it from the plan
	exit 77
}

error() {
	echo "Bail out! $*"
	exit 99
}

need() { # command…
	local c
	for c; do
		command -v "$c" >/dev/null || skip_all "$c not found"
	done
}

# checks: how many; "-" if a program speaks TAP in our place and tap() runs it.
begin() { # name checks [command…]
	[ "$(id -u)" = 0 ] || skip_all "network namespaces need root"
	need ip "${@:3}"
	prefix=$1$$
	tmp=$(mktemp -d) || error "no temporary directory"
	trap lib_end EXIT
	trap 'exit 99' HUP INT TERM
	ns_add self 2>/dev/null || skip_all "network namespaces cannot be made here"
	lib_planned=$2
	[ "$2" = - ] || echo "1..$2"
}

# --- checks -----------------------------------------------------------------------------------

report() { # status what
	lib_count=$((lib_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $lib_count - $2"
	else
		lib_failed=1
		echo "not ok $lib_count - $2"
	fi
}

check() { # what command…
	local what=$1 out status=0
	shift
	out=$("$@" 2>&1) || status=$?
	[ "$status" = 0 ] || printf '%s ended with %s\n%s\n' "$*" "$status" "$out" | sed 's/^/# /'
	report "$status" "$what"
}

tap() { # command…
	"$@" 2>"$tmp/tap.err" || lib_failed=1
	sed 's/^/# /' "$tmp/tap.err"
}

skip() { # what reason
	lib_count=$((lib_count + 1))
	echo "ok $lib_count - $1 # SKIP $2"
}

# Polls a condition; its deadline in seconds comes first.
wait_until() { # seconds command…
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
}

# --- namespaces and processes -----------------------------------------------------------------

ns() { # the system-wide name of one of ours
	echo "$prefix-$1"
}

ns_add() { # name
	ip netns add "$(ns "$1")" || return
	lib_namespaces+=("$(ns "$1")")
	in_ns "$1" ip link set lo up
}

in_ns() { # name command…
	local name
	name=$(ns "$1")
	shift
	ip netns exec "$name" "$@"
}

veth() { # namespace interface namespace interface: a cable
	ip link add "$2" netns "$(ns "$1")" type veth peer name "$4" netns "$(ns "$3")" &&
		in_ns "$1" ip link set "$2" up && in_ns "$3" ip link set "$4" up
}

start() { # name namespace command…
	local name=$1 space
	space=$(ns "$2")
	shift 2
	ip netns exec "$space" "$@" > "$tmp/$name.log" 2>&1 < /dev/null &
	lib_pids+=($!)
	lib_logs+=("$tmp/$name.log")
	eval "pid_$name=$!"
}

# Ends one that was started; a process that does not go is killed.
stop() { # name
	local pid
	eval "pid=\$pid_$1"
	lib_stop_pid "$pid"
}

lib_is_gone() {
	! kill -0 "$1"
}

lib_stop_pid() {
	kill "$1" 2>/dev/null || return 0
	wait_until 5 lib_is_gone "$1" || kill -9 "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	return 0
}

lib_end() {
	local status=$? pid name log
	trap - EXIT
	for pid in "${lib_pids[@]}"; do
		lib_stop_pid "$pid"
	done
	for name in "${lib_namespaces[@]}"; do
		ip netns del "$name"
	done
	[ "$lib_planned" = - ] || [ "$lib_count" = "$lib_planned" ] || lib_failed=1
	if [ "$lib_failed" = 1 ]; then
		for log in "${lib_logs[@]}"; do
			sed "s|^|# ${log##*/}: |" "$log"
		done
	fi
	[ -z "$tmp" ] || rm -rf "$tmp"
	[ "$status" = 0 ] && status=$lib_failed
	exit "$status"
}
