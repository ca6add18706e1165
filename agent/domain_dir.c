/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/domain_dir.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "trust/credential.h"

#define UNNAMED "_"

static int
make_directory(const char *path)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int
format(const char *state, const char *name, char dst[PATH_MAX])
{
	return snprintf(dst, PATH_MAX, "%s/domains%s%s", state, *name ? "/" : "", name) >=
		PATH_MAX
	    ? -ENAMETOOLONG
	    : 0;
}

/* Which domain the certificate in dir is of; "": there is none. */
static void
read_domain(const char *dir, const struct identity *identity,
    const struct trust_time *time, char dst[FOG_NAME_MAX + 1])
{
	CLEANUP(credential_free) struct credential *c = NULL;

	*dst = 0;
	if (access(dir, F_OK) == 0 &&
	    credential_new(dir, "", TRUST_AGENT, identity->key, time, &c) == 0)
		strcpy(dst, credential_name(c)->domain);
}

static void
take_over_unnamed(const char *state, const char *name, const struct identity *identity,
    const struct trust_time *time, const char *dir)
{
	char unnamed[PATH_MAX], domain[FOG_NAME_MAX + 1];

	if (access(dir, F_OK) == 0 || format(state, UNNAMED, unnamed) < 0)
		return;
	read_domain(unnamed, identity, time, domain);
	if (strcmp(domain, name) == 0 && rename(unnamed, dir) == 0)
		log_info("join", "%s is %s now", unnamed, dir);
}

int
domain_dir(const char *state, const char *name, const struct identity *identity,
    const struct trust_time *time, char ret[PATH_MAX])
{
	int err;

	*ret = 0;
	if (!state)
		return 0;
	err = format(state, "", ret);
	if (err >= 0)
		err = make_directory(ret);
	if (err >= 0)
		err = format(state, *name ? name : UNNAMED, ret);
	if (err < 0)
		return err;
	if (*name && time)
		take_over_unnamed(state, name, identity, time, ret);
	return make_directory(ret);
}
