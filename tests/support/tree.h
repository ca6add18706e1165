/* SPDX-License-Identifier: Apache-2.0
 *
 * Trees of small files, as procfs and sysfs have them, written down in one file each (tests/fixtures):
 *
 *	# a remark, where the values come from
 *	sys/class/hwmon/hwmon0/name coretemp
 *	sys/class/hwmon/hwmon0/device -> ../../../devices/platform/coretemp.0
 *
 * A line is a path and, behind the first space, what is in the file, or where the link leads. */
#pragma once

/* Grows it below dir. Ends the program if it cannot. */
void tree_grow(const char *fixture, const char *dir);
