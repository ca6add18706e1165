/* SPDX-License-Identifier: Apache-2.0
 *
 * Services from files: *.yaml in services-dir, one service each. The store has what is in force;
 * a file speaks up when its text is another one than the last time it was read, so that what an
 * operator applied or removed since then stays as it is until somebody edits the file. */
#pragma once

struct judge;
struct store;

/* In the order of the names. Files that are wrong are told, and the others are read. Returns how
 * many were wrong. */
unsigned services_dir_load(const char *dir, struct judge *judge, struct store *store);
