/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int
load_or_make(const char *path, struct key **ret)
{
	CLEANUP(key_free) struct key *k = NULL;
	int err = key_load(path, ret);

	if (err != -ENOENT)
		return err;
	err = key_new(KEY_P256, &k);
	if (!err)
		err = key_save(k, path);
	if (!err)
		*ret = TAKE(k);
	return err;
}

int
identity_load(const char *state_dir, bool make, struct key **ret)
{
	char path[PATH_MAX];
	int err;

	if ((size_t)snprintf(path, sizeof path, "%s/" IDENTITY_DIR "/controller.key",
		state_dir) >= sizeof path)
		return -ENAMETOOLONG;
	err = key_load(path, ret);
	if (err != -ENOENT || !make)
		return err;
	snprintf(path, sizeof path, "%s/plain.key", state_dir);
	return load_or_make(path, ret);
}

void
identity_id(const struct key *k, struct fog_id *ret)
{
	uint8_t fingerprint[32];

	key_fingerprint(k, fingerprint);
	memcpy(ret->bytes, fingerprint, sizeof ret->bytes);
}
