# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
#
# A plug-in and servers that are not ours, for plugin_*.sh, which source it. TAP.
python=${PYTHON3:-/usr/bin/python3}
tmp=$(mktemp -d) || exit 99
n=0 failed=0 pids=()
trap 'end_all' EXIT

end_all() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2> /dev/null
	done
	wait 2> /dev/null
	rm -rf "$tmp"
}
result() { # what command…
	local what=$1
	shift
	n=$((n + 1))
	if "$@" > "$tmp/result" 2>&1; then
		echo "ok $n - $what"
	else
		failed=1
		echo "not ok $n - $what"
		sed 's/^/# /' "$tmp/result"
	fi
}
skip_all() { # reason
	echo "1..0 # SKIP $*"
	exit 0
}
# Starts it and waits for its first line, which it leaves in $said; its number is in $server.
serve() { # command…
	local deadline=$((SECONDS + 20))
	rm -f "$tmp/said"
	"$@" > "$tmp/said" 2> "$tmp/server.log" &
	server=$!
	pids+=("$server")
	until read -r said < "$tmp/said"; do
		[ $SECONDS -lt $deadline ] || { echo "Bail out! $(cat "$tmp/server.log")"; exit 99; }
		sleep 0.05
	done 2> /dev/null
}
quiet_end() { # pid
	kill "$1" && wait "$1" 2> /dev/null
	return 0
}
# The lines of one answer, in order; what it complains of is in $tmp/err.
ask() { # plug-in map
	echo | timeout 20 "$1" "$2" 2> "$tmp/err" | sort
}
answers() { # expected plug-in map
	ask "$2" "$3" > "$tmp/answer"
	diff <(printf '%s\n' "$1") "$tmp/answer"
}
complains() { # text
	cat "$tmp/err"
	grep -qF -- "$1" "$tmp/err"
}
refuses() { # text plug-in map
	! "$2" -n "$3" 2> "$tmp/err" && complains "$1"
}
finish() {
	echo "1..$n"
	exit $failed
}
