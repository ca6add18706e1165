/* SPDX-License-Identifier: Apache-2.0
 *
 * What links tell the audit: who was not let in, and who tried what it may not. */
#include "base/addr_text.h"
#include "controller/audit.h"
#include "grasp/grasp.h"
#include "trust/who.h"

#include <stdio.h>
#include <string.h>

void
audit_unconnected(
    struct audit *a, const struct addr *peer, const char *reason, const char *text)
{
	char who[ADDR_TEXT_MAX], result[AUDIT_TEXT_MAX];
	struct addr from = *peer;
	const struct audit_entry e = {
		.role = "nobody",
		.who = who,
		.command = "connect",
		.object = reason,
		.result = result,
	};

	from.port = 0; /* another one with each attempt */
	addr_format(&from, who);
	snprintf(result, sizeof result, "refused: %s", text ? text : reason);
	audit_refusal(a, &e);
}

void
audit_unpermitted(void *arg, const struct grasp_who *who, const struct grasp_msg *msg)
{
	struct fog_id id = { { 0 } };
	char text[FOG_ID_TEXT], object[FOG_NAME_MAX + 1] = "";
	const struct audit_entry e = {
		.role = trust_role_name(who ? (enum trust_role)who->role : TRUST_UNKNOWN),
		.who = text,
		.command = grasp_type_name(msg->type),
		.object = object,
		.result = "refused",
	};

	if (who)
		memcpy(id.bytes, who->id, sizeof id.bytes);
	fog_id_format(&id, text);
	if (msg->has_objective)
		snprintf(object, sizeof object, "%.*s", (int)msg->objective.name.len,
		    (const char *)msg->objective.name.data);
	audit_refusal(arg, &e);
}
