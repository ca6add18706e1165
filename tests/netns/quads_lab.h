/* SPDX-License-Identifier: Apache-2.0
 *
 * QUADS for a program of a test, if QUADS_PASSWORD is in its environment. */
#pragma once
#include "grasp/grasp.h"

/* Returns the io to use, which is io itself without a password; ends the program if it cannot. */
struct grasp_io *quads_lab_open(struct grasp_io *io, struct grasp_config *cfg);
void quads_lab_close(void); /* after the node */
