/* SPDX-License-Identifier: Apache-2.0 */
#include "protocol/names.h"
#include "base/crypto.h"
#include <stdio.h>

char *
fog_objective_name(const char *prefix, const char *name, char dst[FOG_NAME_MAX + 1])
{
	snprintf(
	    dst, FOG_NAME_MAX + 1, "%.*s%s", FOG_PREFIX_MAX, prefix ? prefix : "", name);
	return dst;
}

char *
fog_id_format(const struct fog_id *id, char dst[FOG_ID_TEXT])
{
	return hex_format(id->bytes, sizeof id->bytes, dst);
}
