/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/who.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"

#define PREFIX "urn:fogwatch:"

static const char *const names[TRUST_ROLES] = {
	[TRUST_UNKNOWN] = "unknown",
	[TRUST_STRANGER] = "stranger",
	[TRUST_LAPSED] = "lapsed",
	[TRUST_AGENT] = "agent",
	[TRUST_CONTROLLER] = "controller",
	[TRUST_ORCHESTRATOR] = "orchestrator",
	[TRUST_VIEWER] = "viewer",
	[TRUST_DEPLOYER] = "deployer",
	[TRUST_ADMIN] = "admin",
};

const char *
trust_role_name(enum trust_role role)
{
	return role < TRUST_ROLES ? names[role] : names[TRUST_UNKNOWN];
}

enum trust_role
trust_role_parse(const char *text)
{
	for (unsigned role = TRUST_AGENT; role < TRUST_ROLES; role++)
		if (strcmp(text, names[role]) == 0)
			return (enum trust_role)role;
	return TRUST_UNKNOWN;
}

bool
trust_is_domain(const char *text)
{
	size_t len = strspn(
	    text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	return len > 0 && len <= FOG_NAME_MAX && text[len] == '\0';
}

char *
trust_uri_format(const struct trust_name *n, char dst[TRUST_URI_MAX])
{
	char id[FOG_ID_TEXT];

	snprintf(dst, TRUST_URI_MAX, PREFIX "%s:%s:%s", n->domain,
	    trust_role_name(n->role), fog_id_format(&n->id, id));
	return dst;
}

/* The text up to a colon, or to the end if it is the last part. */
static bool
take_part(const char **at, bool last, char *dst, size_t size)
{
	size_t len = strcspn(*at, ":");

	if (len >= size || (last ? (*at)[len] != '\0' : (*at)[len] != ':'))
		return false;
	memcpy(dst, *at, len);
	dst[len] = '\0';
	*at += len + !last;
	return true;
}

static bool
is_lower(const char *text)
{
	for (; *text; text++)
		if (isupper((unsigned char)*text))
			return false;
	return true;
}

int
trust_uri_parse(const char *uri, struct trust_name *ret)
{
	char role[16], id[FOG_ID_TEXT];

	if (strncmp(uri, PREFIX, strlen(PREFIX)) != 0)
		return -EBADMSG;
	uri += strlen(PREFIX);
	if (!take_part(&uri, false, ret->domain, sizeof ret->domain) ||
	    !take_part(&uri, false, role, sizeof role) ||
	    !take_part(&uri, true, id, sizeof id))
		return -EBADMSG;
	ret->role = trust_role_parse(role);
	if (!trust_is_domain(ret->domain) || ret->role == TRUST_UNKNOWN || !is_lower(id))
		return -EBADMSG;
	return hex_parse(id, ret->id.bytes, sizeof ret->id.bytes) < 0 ? -EBADMSG : 0;
}
