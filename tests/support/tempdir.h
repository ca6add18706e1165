/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory of a test's own, removed with all that is in it. */
#pragma once

char *tempdir_new(void); /* ends the program where none can be made */
void tempdir_remove(char *dir);
