#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a test program. cmocka 1.1 says "not ok N # SKIP" for skip(), which automake's TAP
# driver would count as a failure; the exit status is the program's.
exec 4>&1
status=$({ { "$@" 3>&- 4>&-; echo $? >&3; } |
	sed 's/^not ok \([0-9]*\) # SKIP/ok \1 # SKIP/' >&4; } 3>&1)
exit "$status"
