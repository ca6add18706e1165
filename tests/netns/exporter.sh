#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# fogwatch-exporter beside an agent and a controller: what Prometheus' linter says, what Prometheus itself
# scrapes, several scrapes at once, a daemon that does not answer, and where it may listen.
. "${top_srcdir:-.}/tests/netns/lib.sh" || exit 99
. "$top/tests/netns/fog.sh" || exit 99
[ -x "$build/fogwatch-exporter" ] || skip_all "built without libmicrohttpd"
begin ex 13 jq curl

fog_net hub a
controller_start hub
agent_start a A
wait_until 15 alive A || error "the node does not register"
exporter() { # name namespace option…
	local name=$1 space=$2
	shift 2
	start "$name" "$space" "$build/fogwatch-exporter" "$@"
}
page() { # namespace [path]
	in_ns "$1" curl -sgf -m 20 "http://127.0.0.1:9732${2-/metrics}"
}
exporter here a --socket "$tmp/A/control"
wait_until 10 page a || error "the exporter does not answer"

# A share of the processor needs two readings.
second() { page a > "$tmp/page" && grep -q '^node_cpu_utilisation_ratio ' "$tmp/page"; }
check "OUT-02 an agent's metrics are shown" wait_until 20 second
if command -v promtool > /dev/null; then
	lint() { promtool check metrics < "$tmp/page"; }
	check "OUT-02 the official linter has nothing against them" lint
else
	skip "OUT-02 the official linter has nothing against them" "there is no promtool"
fi
types() {
	grep -qx '# TYPE node_cpu_seconds_total counter' "$tmp/page" &&
		grep -qx '# TYPE node_load1 gauge' "$tmp/page" &&
		grep -q '^# HELP node_load1 Tasks running' "$tmp/page" &&
		grep -q '^node_cpu_seconds_total{.*mode="idle"} [0-9.]*$' "$tmp/page" &&
		grep -qx 'fogwatch_up 1' "$tmp/page" &&
		[ "$(grep -c '^# TYPE node_load1 ' "$tmp/page")" = 1 ]
}
check "each family has its help and type, and values of now no time" types
federate() {
	page a '/federate?match[]=node_load1&match[]=load_mean=avg_over_time(node_load1[5m])' > "$tmp/some" &&
		cat "$tmp/some" && grep -q '^node_load1 ' "$tmp/some" && grep -q '^load_mean ' "$tmp/some" &&
		! grep -q '^node_load5 ' "$tmp/some" &&
		[ "$(in_ns a curl -sg -o "$tmp/why" -w '%{http_code}' \
			'http://127.0.0.1:9732/federate?match[]=1%2B')" = 400 ] && [ -s "$tmp/why" ]
}
check "match[] selects as with federation, and what cannot be read is told" federate
at_once() {
	local i pids=()
	for i in 1 2 3 4 5 6 7 8; do
		page a > "$tmp/page$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6 7 8; do
		grep -qx 'fogwatch_up 1' "$tmp/page$i" && grep -q '^node_load1 ' "$tmp/page$i" || return 1
	done
}
check "several may scrape at once" at_once
others() {
	[ "$(in_ns a curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9732/nothing)" = 404 ] &&
		[ "$(in_ns a curl -s -o /dev/null -w '%{http_code}' -d x http://127.0.0.1:9732/metrics)" = 405 ]
}
check "other pages and methods are refused" others

# --- Prometheus itself ------------------------------------------------------------------------------------
if command -v prometheus > /dev/null; then
	cat > "$tmp/prometheus.yml" <<-'Y'
		global: {scrape_interval: 1s}
		scrape_configs:
		  - job_name: fogwatch
		    static_configs: [{targets: ["127.0.0.1:9732"]}]
	Y
	start prometheus a prometheus --config.file "$tmp/prometheus.yml" --storage.tsdb.path "$tmp/tsdb" \
		--web.listen-address 127.0.0.1:9090 --log.level error
	scraped() { # expression condition
		in_ns a curl -sG -m 10 --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query |
			jq -e "$2"
	}
	check "OUT-02 Prometheus scrapes it" wait_until 60 scraped node_load1 \
		'.data.result[0].metric.instance == "127.0.0.1:9732"'
	check "OUT-02 and knows counters" wait_until 30 scraped \
		'rate(node_cpu_seconds_total{mode="idle"}[30s])' '.data.result[0].value[1] | tonumber >= 0'
	stop prometheus
else
	skip "OUT-02 Prometheus scrapes it" "it is not installed"
	skip "OUT-02 and knows counters" "it is not installed"
fi

# --- a controller -----------------------------------------------------------------------------------------
exporter there hub --socket "$tmp/controller/control" --from node --match node_load1 --match 'node_network_*'
wait_until 10 page hub || error "the exporter at the controller does not answer"
nodes() {
	page hub > "$tmp/page" && cat "$tmp/page" && grep -q '^node_load1{node="A"} ' "$tmp/page" &&
		grep -q '^node_network_receive_bytes_total{node="A",device="e0"} ' "$tmp/page"
}
check "a controller's metrics say of which node they are" wait_until 10 nodes

# --- who does not answer ------------------------------------------------------------------------------------
cat > "$tmp/mute.py" <<'P'
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(8)
time.sleep(600)
P
start mute self "${PYTHON3:-/usr/bin/python3}" "$tmp/mute.py" "$tmp/mute"
wait_until 10 test -S "$tmp/mute"
exporter deaf self --socket "$tmp/mute" --timeout 300ms
wait_until 10 page self /
silent() {
	page self > "$tmp/page" && grep -qx 'fogwatch_up 0' "$tmp/page" &&
		grep -q '^fogwatch_exporter_failures_total [1-9]' "$tmp/page"
}
check "a daemon that does not answer is told within the deadline" silent
stop deaf
exporter gone self --socket "$tmp/nobody"
wait_until 10 page self /
check "one that is not there as well" silent
stop gone

# --- where it listens -----------------------------------------------------------------------------------------
refuses() { # word option…
	local word=$1 status=0
	shift
	timeout 10 "$build/fogwatch-exporter" "$@" > "$tmp/said" 2>&1 || status=$?
	cat "$tmp/said"
	[ $status = 2 ] && grep -q "$word" "$tmp/said"
}
elsewhere() {
	refuses insecure --listen 0.0.0.0:9732 && refuses insecure --listen '[::]:9732'
}
check "it does not listen where others read, unless that is confessed" elsewhere
wrong() {
	refuses 127.0.0.1:9732 --listen here && refuses some_name= --match 'node_load1 + 1' &&
		refuses column --match 'a=1+' && refuses timeout --timeout soon && refuses history --from there &&
		refuses options extra
}
check "wrong usage is refused with what to do" wrong
