/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of what is built in. */
#include "orchestrator-hooks/builtin.h"
#include <string.h>

const struct hook_type *const hook_types[] = {
	&hook_log,
	&hook_exec,
	NULL,
};

const struct hook_type *
hook_type_find(const char *name)
{
	for (const struct hook_type *const *t = hook_types; *t; t++)
		if (!strcmp((*t)->name, name))
			return *t;
	return NULL;
}
