#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# grasp/CONFORMANCE.md says what the tests say, and its maker counts no test that is not run. TAP.
command -v python3 > /dev/null || {
	echo '1..0 # SKIP python3 not found'
	exit 0
}
maker=$top_srcdir/tests/conformance.py
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
failed=0 n=0
result() { # description command…
	local description=$1
	shift
	n=$((n + 1))
	if "$@"; then
		echo "ok $n - $description"
	else
		echo "not ok $n - $description"
		failed=1
	fi
}

# A small tree: one test that is run, one that is no program of ours, one out of its table.
mkdir -p "$dir"/tests/{data/grasp,unit} "$dir/grasp"
for i in 1 2 3 4; do
	printf 'G-00%d\tRFC 8990\tMUST\tsomething\n' $i
done > "$dir/tests/data/grasp/requirements.tsv"
: > "$dir/tests/data/grasp/exceptions.tsv"
printf 'TESTS += tests/unit/run\n' > "$dir/tests/Makefile.inc"
cat > "$dir/tests/unit/run.c" << 'X'
static const struct CMUnitTest tests[] = {
	TEST(it_works_G_001),
	/* TEST(it_worked_once_G_002), */
};
static void nobody_calls_it_G_003(void **state) {}
X
sed 's/G_001/G_004/' "$dir/tests/unit/run.c" > "$dir/tests/unit/not_run.c"
gaps() {
	"$maker" "$dir" | sed 's/:.*//' | paste -sd' '
}
result "a test that is not run holds nothing" [ "$(gaps)" = "G-002 G-003 G-004" ]
printf 'G-00%d\tno test can show it\n' 1 2 > "$dir/tests/data/grasp/exceptions.tsv"
result "an exception needs a requirement without test" \
	[ "$(gaps)" = "G-003 G-004 G-001" ]
"$maker" --write "$dir" > /dev/null
is_current() {
	[[ $("$maker" --check "$dir" | sed -n 2p) == "ok 1 "* ]]
}
is_old() {
	! is_current
}
result "the file that was made is the one that is asked for" is_current
sed -i 's/it_works/it_fails/' "$dir/tests/unit/run.c"
result "another name of a test makes another file" is_old

while read -r verdict; do
	case $verdict in
	ok* | "not ok"*)
		n=$((n + 1))
		sed "s/ok [0-9]*/ok $n/" <<< "$verdict"
		[[ $verdict == ok* ]] || failed=1
		;;
	\#*) echo "$verdict" ;;
	esac
done < <("$maker" --check "$top_srcdir")
echo "1..$n"
exit $failed
