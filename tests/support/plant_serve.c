/* SPDX-License-Identifier: Apache-2.0 */
#include "base/ctl.h"
#include "tests/support/plant.h"

#include <assert.h>

void
plant_serve(struct plant *p)
{
	int err = ctl_open(p->loop, p->socket, controller_commands,
	    controller_commands_len, &p->commands, &p->ctl);

	assert(!err);
}
