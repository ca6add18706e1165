# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A peer that means no good, for tests that source lib.sh and fog.sh first: hostile_peer.py, which
# shares no code with fogwatch. S_FULL=1 in the environment makes the campaigns as large as
# security.md asks for; what make check runs is a part of that.

python=${PYTHON3:-/usr/bin/python3}
"$python" -c 'import cbor2, cryptography' 2>/dev/null ||
	skip_all "$python has no modules cbor2 and cryptography"

full_or() { # full part
	[ -n "${S_FULL-}" ] && echo "$1" || echo "$2"
}

peer() { # namespace command…
	local space=$1
	shift
	in_ns "$space" "$python" "$top/tests/netns/hostile_peer.py" "$@"
}

peer_start() { # name namespace command…; pid_NAME and NAME.log, as of start
	start "$1" "$2" "$python" -u "$top/tests/netns/hostile_peer.py" "${@:3}"
}

# What a thief finds on a node's disk: a directory to pretend with.
steal() { # name of the node
	mkdir -p "$tmp/stolen_$1" &&
		cp "$tmp/$1/state/node.key" "$tmp/stolen_$1/key.pem" &&
		cp "$tmp/$1/state/domains/lab/certificate.pem" "$tmp/stolen_$1/chain.pem"
}

# The peer did not get an answer, and the connection ended before --wait was over.
is_refused() { # namespace dial arguments…
	local space=$1
	shift
	peer "$space" dial "$@" | tee "$tmp/dialled" | jq -e '(.open | not) and .answers == []' || {
		cat "$tmp/dialled"
		return 1
	}
}

node_id() { # name
	fogctl nodes --json | jq -r --arg n "$1" '.[] | select(.name == $n) | .id'
}

agent_counter() { # name counter
	"$build/fogctl" --socket "$tmp/$1/control" counters --json | jq -r ".$2"
}

# Many networks behind one interface: limits count a /64.
many_nets() { # namespace how-many towards…
	local space=$1 count=$2 towards n
	shift 2
	for n in $(seq "$count"); do
		printf 'addr add fd60:0:0:%x::1/64 dev e0 nodad\n' "$n"
	done | in_ns "$space" ip -6 -batch - || return
	for towards; do
		in_ns "$towards" ip -6 route add fd60::/48 dev e0 || return
	done
}

net_sources() { # how-many: --source for each
	local n
	for n in $(seq "$1"); do
		printf -- '--source fd60:0:0:%x::1 ' "$n"
	done
}
