/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/identity.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"

#define KEY_FILE   "node.key"
#define OTHER_FILE "identity" /* 0.1.0 before there were keys: random digits */

static int
make_path(const char *dir, const char *file, char dst[PATH_MAX])
{
	return snprintf(dst, PATH_MAX, "%s/%s", dir, file) >= PATH_MAX ? -ENAMETOOLONG
								       : 0;
}

static int
make_key(const char *path, struct key **ret)
{
	CLEANUP(key_free) struct key *k = NULL;
	int err = key_new(KEY_P256, &k);

	if (err >= 0)
		err = key_save(k, path);
	if (err < 0)
		return err;
	*ret = TAKE(k);
	return 0;
}

static int
load_key(const char *dir, struct identity *i)
{
	char path[PATH_MAX], other[PATH_MAX];
	int err = make_path(dir, KEY_FILE, path);

	if (err >= 0)
		err = make_path(dir, OTHER_FILE, other);
	if (err < 0)
		return err;
	err = key_load(path, &i->key);
	if (err != -ENOENT)
		return err;
	i->fresh = true;
	i->had_other = access(other, F_OK) == 0;
	return make_key(path, &i->key);
}

static void
set_id(struct identity *i)
{
	uint8_t fingerprint[CRYPTO_SHA256_LEN];

	key_fingerprint(i->key, fingerprint);
	memcpy(i->id.bytes, fingerprint, sizeof i->id.bytes);
}

void
identity_set_name(struct identity *i, const char *name)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (!name && gethostname(host, sizeof host - 1) == 0)
		name = host;
	snprintf(i->name, sizeof i->name, "%.*s", FOG_NAME_MAX, name ? name : "");
}

int
identity_load(const char *state_dir, const char *name, struct identity *ret)
{
	struct identity i = { .fresh = false };
	int err = load_key(state_dir, &i);

	if (err < 0)
		return err;
	if (key_kind(i.key) != KEY_P256 || !key_is_private(i.key)) {
		identity_done(&i);
		return -EBADMSG;
	}
	set_id(&i);
	crypto_random(i.boot, sizeof i.boot);
	identity_set_name(&i, name);
	*ret = i;
	return 0;
}

void
identity_done(struct identity *i)
{
	key_free(TAKE(i->key));
}
