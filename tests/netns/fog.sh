# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# Both daemons in namespaces on one bridge, for tests that source lib.sh first:
#
#	fog_net hub a b			# a bridge, and a namespace on it for each name
#	controller_start hub; agent_start a A; wait_until 10 alive A
#
# A fog is a domain with a CA of its own, whose nodes join with a token. With fog_plain=yes, set before,
# it is plain GRASP: for what captures that, or speaks it itself.

fog_count=0 fog_plain=${fog_plain-}

fog_net() { # namespace…
	ns_add sw && in_ns sw ip link add br0 type bridge mcast_snooping 0 &&
		in_ns sw ip link set br0 up || error "no bridge"
	local name
	for name; do
		fog_plug "$name" || error "no namespace $name"
	done
}

fog_plug() { # namespace
	fog_count=$((fog_count + 1))
	ns_add "$1" && ip link add e0 netns "$(ns "$1")" type veth peer name "p$fog_count" \
		netns "$(ns sw)" && in_ns sw ip link set "p$fog_count" master br0 up &&
		in_ns "$1" ip addr add "$(fog_address "$1")/64" dev e0 nodad &&
		in_ns "$1" ip link set e0 up
}

# Its link-local address can be used; the kernel looks for duplicates first.
fog_ready() { # namespace
	in_ns "$1" ip -6 addr show dev e0 scope link | grep -q inet6 &&
		! in_ns "$1" ip -6 addr show dev e0 | grep -q tentative
}

fog_address() { # namespace
	printf 'fd59::%x\n' "$(cksum <<< "$1" | cut -c1-4)"
}

# A token that is good for all who come, in $tmp/token. Needs the controller.
fog_token() { # option…: of fogctl token create
	fogctl token create --uses 1000 --ttl 24h "$@" --json > "$tmp/token.json" &&
		(umask 077 && jq -r '.token' "$tmp/token.json" > "$tmp/token")
}

fog_insecure() { # a line of a configuration
	[ -z "$fog_plain" ] || echo 'insecure: {plain_grasp: yes, i_trust_this_network: yes}'
}

controller_configure() { # extra lines on stdin
	mkdir -p "$tmp/controller/services.d"
	[ -n "$fog_plain" ] || [ -d "$tmp/ca" ] ||
		"$build/fogctl" domain init lab --state-dir "$tmp/controller/state" --ca-dir "$tmp/ca" \
			> "$tmp/domain" 2>&1 || error "no domain: $(cat "$tmp/domain")"
	{
		cat <<-E
		state-dir: $tmp/controller/state
		control-socket: $tmp/controller/control
		services-dir: $tmp/controller/services.d
		domain: lab
		E
		fog_insecure
		[ -n "$fog_plain" ] || echo "ca-dir: $tmp/ca"
		cat
	} > "$tmp/controller/controller.yaml"
}

controller_start() { # namespace
	[ -f "$tmp/controller/controller.yaml" ] || controller_configure < /dev/null
	start controller "$1" "$build/fogwatch-controller" -c "$tmp/controller/controller.yaml"
	wait_until 10 fogctl status || error "the controller does not answer"
	[ -n "$fog_plain" ] || [ -f "$tmp/token" ] || fog_token || error "no token"
}

agent_configure() { # name, extra lines on stdin
	mkdir -p "$tmp/$1"
	{
		cat <<-E
		node: {name: $1, state-dir: $tmp/$1/state}
		control-socket: $tmp/$1/control
		domain: lab
		E
		fog_insecure
		cat > "$tmp/$1/extra"
		[ -n "$fog_plain" ] || grep -q '^join:' "$tmp/$1/extra" ||
			echo "join: {token-file: $tmp/token}"
		cat "$tmp/$1/extra"
	} > "$tmp/$1/agent.yaml"
}

agent_start() { # namespace name
	[ -f "$tmp/$2/agent.yaml" ] || agent_configure "$2" < /dev/null
	start "agent_$2" "$1" "$build/fogwatch-agent" -c "$tmp/$2/agent.yaml"
}

fogctl() {
	"$build/fogctl" --socket "$tmp/controller/control" "$@"
}

alive() { # name
	fogctl nodes --json | jq -e --arg n "$1" 'any(.[]; .name == $n and .state == "alive")'
}

# The same of the process that runs now, and not of one before it.
registered() { # name
	"$build/fogctl" --socket "$tmp/$1/control" counters --json | jq -e '.registrations >= 1' && alive "$1"
}

# kill -9, and wait for the corpse.
destroy() { # name
	local pid
	eval "pid=\$pid_$1"
	kill -9 "$pid" && wait "$pid" 2>/dev/null
	return 0
}
