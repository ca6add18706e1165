/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of what is built in, and the words for enums. */
#include "base/mem.h"
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

static const char *const kinds[] = {
	[HOOK_MIGRATE] = "migrate",
	[HOOK_NODE_LOST] = "node_lost",
	[HOOK_NODE_JOINED] = "node_joined",
	[HOOK_SERVICE_DEGRADED] = "service_degraded",
	[HOOK_CONNECTIVITY_UPDATE] = "connectivity_update",
	[HOOK_PREDICTION_CLEARED] = "prediction_cleared",
};
static const char *const phases[] = {
	[HOOK_ACCEPTED] = "accepted",
	[HOOK_TARGET_STARTING] = "target_starting",
	[HOOK_TARGET_READY] = "target_ready",
	[HOOK_SWITCHED] = "switched",
	[HOOK_SOURCE_DRAINED] = "source_drained",
};
static const char *const verdicts[] = {
	[HOOK_DONE] = "done",
	[HOOK_ALREADY] = "already",
	[HOOK_REFUSED] = "refused",
	[HOOK_RETRY] = "retry",
	[HOOK_FAILED_CLEAN] = "failed_clean",
	[HOOK_FAILED_UNKNOWN] = "failed_unknown",
	[HOOK_CANCELLED] = "cancelled",
	[HOOK_FENCED] = "fenced",
};

/* "" for 0 and for what a plug-in may have made up. */
static const char *
name_of(const char *const *names, size_t len, unsigned i)
{
	return i < len && names[i] ? names[i] : "";
}

static int
find_name(const char *const *names, size_t len, const char *name)
{
	for (size_t i = 1; i < len; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	return 0;
}

const char *
hook_kind_name(enum hook_kind k)
{
	return name_of(kinds, ARRAY_LEN(kinds), k);
}

const char *
hook_phase_name(enum hook_phase p)
{
	return name_of(phases, ARRAY_LEN(phases), p);
}

const char *
hook_verdict_name(enum hook_verdict v)
{
	return name_of(verdicts, ARRAY_LEN(verdicts), v);
}

enum hook_phase
hook_phase_find(const char *name)
{
	return (enum hook_phase)find_name(phases, ARRAY_LEN(phases), name);
}

enum hook_verdict
hook_verdict_find(const char *name)
{
	return (enum hook_verdict)find_name(verdicts, ARRAY_LEN(verdicts), name);
}
