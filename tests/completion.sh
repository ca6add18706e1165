#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The completion scripts in their shells: they offer what fogctl says, and never evaluate it. TAP.
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
n=0 failed=0
result() { # what expected got
	n=$((n + 1))
	if [ "$2" = "$3" ]; then
		echo "ok $n - $1"
	else
		failed=1
		printf 'not ok %d - %s\n# expected %q\n# got      %q\n' "$n" "$1" "$2" "$3"
	fi
}

# A fogctl whose daemon has nodes with evil names.
cat > "$dir/evil" <<X
#!/bin/sh
printf '%s\tevil\n' '\$(touch $dir/pwned)' '\`touch $dir/pwned\`' '* [a-z]' plain
X
chmod +x "$dir/evil"
cd "$dir" || exit 99
: > "a file"

in_bash() { # words…: the last is being typed
	bash -c '
		fogctl=$1
		shift
		complete() { :; }
		. <("$fogctl" completion bash)
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		_fogctl
		printf "%s\n" "${COMPREPLY[@]}"' - "$top_builddir/fogctl" "$@" 2>&1
}

in_zsh() {
	zsh -fc '
		fogctl=$1
		shift
		_describe() { print -rl -- "${(@P)2%%:*}" }
		_files() { print files }
		compdef() { : }
		. <("$fogctl" completion zsh)
		words=("$@") CURRENT=$#
		_fogctl' - "$top_builddir/fogctl" "$@" 2>&1
}

evil=$(printf '%s\n' "\$(touch $dir/pwned)" "\`touch $dir/pwned\`" '* [a-z]' plain)
for shell in bash zsh; do
	if ! command -v $shell > /dev/null; then
		n=$((n + 1))
		echo "ok $n - $shell # SKIP there is no $shell"
		continue
	fi
	result "$shell completes a command" "events" "$(in_$shell "$top_builddir/fogctl" ev)"
	result "$shell completes an option" "--follow" \
		"$(in_$shell "$top_builddir/fogctl" events --fo)"
	result "$shell completes a word behind a finished one" "show" \
		"$(in_$shell "$top_builddir/fogctl" node s)"
	result "$shell takes what it is told literally" "$evil" \
		"$(in_$shell "$dir/evil" node show '')"
	result "$shell runs nothing that it is told" "" "$(ls "$dir/pwned" 2>/dev/null)"
done
echo "1..$n"
exit $failed
