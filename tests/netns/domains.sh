#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# One node, two domains (DOM-01, DOM-02, DOM-04): two controllers with a CA each on one link. The agent
# joins both with a token of each, and has a certificate, a lease and a plan of each. What becomes of one
# domain is no matter in the other.
# shellcheck source=tests/netns/lib.sh
. "${top_srcdir:-.}/tests/netns/lib.sh"
# shellcheck source=tests/netns/fog.sh
. "$top/tests/netns/fog.sh"

begin domains 12 jq openssl
fog_net one two node

domain_start() { # namespace domain
	local dir=$tmp/$2
	mkdir -p "$dir/services.d"
	"$build/fogctl" domain init "$2" --state-dir "$dir/state" --ca-dir "$dir/ca" \
		> "$dir/init" || error "no domain $2"
	cat > "$dir/controller.yaml" <<-E
	state-dir: $dir/state
	ca-dir: $dir/ca
	control-socket: $dir/control
	services-dir: $dir/services.d
	domain: $2
	E
	domain_run "$1" "$2"
}

domain_run() { # namespace domain
	start "$2" "$1" "$build/fogwatch-controller" -c "$tmp/$2/controller.yaml"
	wait_until 10 of "$2" status || error "the controller of $2 does not answer"
}

of() { # domain command…
	"$build/fogctl" --socket "$tmp/$1/control" "${@:2}"
}

agent() {
	"$build/fogctl" --socket "$tmp/node/control" "$@"
}

token_of() { # domain
	of "$1" token create --json | jq -er '.. | .token? // empty'
}

is_registered() { # domain
	agent status --domain "$1" --json | jq -e '.state == "registered"'
}

is_lost() { # domain
	! is_registered "$1"
}

is_alive_in() { # domain
	of "$1" nodes --json | jq -e 'any(.[]; .name == "node" and .state == "alive")'
}

has_plan() { # domain
	agent status --domain "$1" --json | jq -e '.plan_version > 0'
}


certificate() { # domain
	openssl x509 -in "$tmp/node/state/domains/$1/certificate.pem" -noout -ext subjectAltName
}

names() { # domain
	certificate "$1" | grep -q "urn:fogwatch:$1:agent:$(agent status --json | jq -rs '.[0].id')"
}

both() { # command, which gets a domain
	"$1" factory && "$1" city
}

keeps_both_plans() {
	[ -f "$tmp/node/state/domains/factory/plan" ] && [ -f "$tmp/node/state/domains/city/plan" ]
}

shows_two() {
	[ "$(agent status --json | jq -s length)" = 2 ]
}

is_undisturbed() { # domain registrations-before
	is_registered "$1" && is_alive_in "$1" && [ "$(registrations "$1")" = "$2" ]
}

tells_no_secret() {
	! grep -rF -e "${factory_token#fog1-????????-}" -e "${city_token#fog1-????????-}" "$tmp"/*.log
}

registrations() { # domain
	agent counters --domain "$1" --json | jq -r .registrations
}

domain_start one factory
domain_start two city
factory_token=$(token_of factory) || error "no token of factory"
city_token=$(token_of city) || error "no token of city"
mkdir -p "$tmp/node"
cat > "$tmp/node/agent.yaml" <<-E
node: {name: node, state-dir: $tmp/node/state}
control-socket: $tmp/node/control
domain: factory
join: {token: $factory_token}
domains:
- {domain: city, port: 7018, join: {token: $city_token}}
E
started=$(date +%s%3N)
start agent node "$build/fogwatch-agent" -c "$tmp/node/agent.yaml"
check "the node is registered in the first domain" wait_until 10 is_registered factory
check "and in the second (DOM-01)" wait_until 10 is_registered city
echo "# both after $(($(date +%s%3N) - started)) ms"
check "each controller knows it" wait_until 5 both is_alive_in
check "each has certified it for its own domain (DOM-02)" both names
check "each has given it a plan" wait_until 10 both has_plan
check "the plans are kept apart" keeps_both_plans
check "fogctl shows both" shows_two

city_before=$(registrations city)
destroy factory
check "the loss of one controller is noticed" wait_until 30 is_lost factory
check "and the other domain is undisturbed (DOM-04)" is_undisturbed city "$city_before"
domain_run one factory
check "the domain that comes back has the node again" wait_until 30 is_registered factory
check "the secret of a token is in no log (S-29)" tells_no_secret
stop agent
start agent node "$build/fogwatch-agent" -c "$tmp/node/agent.yaml"
check "a restart needs no token: they are used up" wait_until 10 both is_registered
