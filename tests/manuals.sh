#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The manuals are well-formed, say what they name, and refer to each other. TAP.
if ! command -v mandoc > /dev/null; then
	echo "1..0 # SKIP mandoc is not installed (Debian: mandoc)"
	exit 0
fi
cd "$top_builddir/man" || exit 99
pages=("$top_srcdir"/man/*.in)
n=0 failed=0
result() { # what complaints
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		failed=1
		echo "not ok $n - $1"
		sed 's/^/# /' <<< "$2"
	fi
}

# The options in a daemon's --help: ".It Fl c , -config Ar file" for "-c, --config FILE".
options() { # program
	"$1" --help | sed -n 's/^  -\([a-zA-Z]\), --\([a-z]*\) .*/.It Fl \1 , -\2/p'
}
entries() { # page
	sed -n 's/^\(\.It Fl [a-zA-Z] , -[a-z]*\).*/\1/p' "$1"
}
for daemon in fogwatch-agent fogwatch-controller fogwatch-exporter; do
	[ -x "$top_builddir/$daemon" ] || [ $daemon != fogwatch-exporter ] || continue
	result "$daemon.8 has the options of --help" \
		"$(diff <(options "$top_builddir/$daemon" | sort) <(entries $daemon.8 | sort))"
	result "$daemon has options" "$([ "$(options "$top_builddir/$daemon" | wc -l)" -gt 3 ] ||
		echo none)"
done

# The n-th literal display of a page, as a reader sees it.
example() { # page n
	awk -v n="$2" '/^\.Bd -literal/ { at++; next } /^\.Ed/ { done = at == n } at == n && !done' "$1" | sed 's/\\e/\\/g'
}
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
for which in "2 agent" "3 controller"; do
	read -r number daemon <<< "$which"
	example fogwatch.yaml.5 "$number" | sed 's|/usr/local/lib/mover|/bin/true|' > "$dir/$daemon.yaml"
	result "the example for the $daemon is a configuration" \
		"$(grep -q "^domain:" "$dir/$daemon.yaml" || echo "no example"
		"$top_builddir/fogwatch-$daemon" -n -c "$dir/$daemon.yaml" 2>&1)"
done
example fogwatch-hooks.7 4 > "$dir/mover"
result "the example of a hook is a script" "$(grep -q '^echo "phase switched"' "$dir/mover" ||
	echo "no example"; sh -n "$dir/mover" 2>&1)"

for page in "${pages[@]}"; do
	page=$(basename "$page" .in)
	result "$page is clean mdoc" "$(mandoc -Tlint -W warning "$page" 2>&1)"
	result "$page has nothing left to fill in" "$(grep -nE '@[A-Za-z_]+@' "$page")"
	result "$page refers to manuals of ours that are there" "$(
		sed -n 's/^\.Xr \(fog[^ ]*\) \([0-9]\).*/\1.\2/p' "$page" | sort -u |
			while read -r other; do [ -f "$other" ] || echo "$other"; done)"
done
echo "1..$n"
exit $failed
