/* SPDX-License-Identifier: Apache-2.0
 *
 * Who somebody is: a domain, a role and an id, as the certificate says in its one SAN URI
 * (security.md §5.2), and nothing else says. */
#pragma once
#include "protocol/names.h"
#include <stdbool.h>

/* The role of struct grasp_who. */
enum trust_role {
	TRUST_UNKNOWN,	/* nothing is proved */
	TRUST_STRANGER, /* has a key, and id is that key's; no certificate of the domain */
	TRUST_LAPSED,	/* an agent whose certificate has expired: may renew it, no more */
	TRUST_AGENT,
	TRUST_CONTROLLER,
	TRUST_ORCHESTRATOR,
	TRUST_VIEWER,
	TRUST_DEPLOYER,
	TRUST_ADMIN,
	TRUST_ROLES
};
#define TRUST_BIT(role)	 (1u << (role))
#define TRUST_OPERATORS	 (TRUST_BIT(TRUST_VIEWER) | TRUST_BIT(TRUST_DEPLOYER) | TRUST_BIT(TRUST_ADMIN))
#define TRUST_LAPSED_MAX_MS (90LL * 24 * 3600 * 1000)

struct trust_name {
	char domain[FOG_NAME_MAX + 1];
	enum trust_role role;
	struct fog_id id;
};
const char *trust_role_name(enum trust_role role); /* "agent" */
enum trust_role trust_role_parse(const char *text); /* of a certificate; TRUST_UNKNOWN: none */

#define TRUST_URI_MAX 128
/* urn:fogwatch:<domain>:<role>:<id>; domain matches [A-Za-z0-9._-]{1,64}. */
char *trust_uri_format(const struct trust_name *n, char dst[TRUST_URI_MAX]);
/* -EBADMSG: anything else, upper-case digits of an id too. */
int trust_uri_parse(const char *uri, struct trust_name *ret) MUST_CHECK;
bool trust_is_domain(const char *text);
