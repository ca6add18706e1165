/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/services_dir.h"

#include "base/complaint.h"
#include "base/crypto.h"
#include "base/log.h"
#include "controller/judge.h"
#include "controller/store.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define FILE_BYTES_MAX (1 << 20)
#define DIGEST_TEXT    (2 * CRYPTO_SHA256_LEN + 1)

static int
choose_yaml(const struct dirent *e)
{
	size_t len = strlen(e->d_name);

	return e->d_name[0] != '.' && len > 5 && !strcmp(e->d_name + len - 5, ".yaml");
}

static int
read_file(const char *path, struct buf *out)
{
	uint8_t piece[4096];
	FILE *f = fopen(path, "re");
	size_t n;
	int err;

	if (!f)
		return -errno;
	while ((n = fread(piece, 1, sizeof piece, f)) > 0 && !out->err)
		buf_put(out, piece, n);
	err = ferror(f) ? -EIO : out->err;
	fclose(f);
	return err;
}

/* Was it read before, with this text? */
static bool
is_known(struct store *store, const char *path, const char *digest)
{
	char key[PATH_MAX + 8], kept[DIGEST_TEXT];

	snprintf(key, sizeof key, "file:%s", path);
	return !store_meta_get(store, key, kept, sizeof kept) && !strcmp(kept, digest);
}

static void
remember(struct store *store, const char *path, const char *digest)
{
	char key[PATH_MAX + 8];

	snprintf(key, sizeof key, "file:%s", path);
	(void)store_meta_put(store, key, digest, NULL, NULL);
}

static void
on_applied(void *arg, int err)
{
	(void)arg;
	if (err)
		log_warnx("services", "a service of a file could not be stored: %s",
		    strerror(-err));
}

static int
apply_text(struct judge *judge, const char *path, struct slice text)
{
	struct complaints c;
	int err;

	complaints_init(&c);
	err = judge_apply(judge, text, path, &c, on_applied, NULL);
	if (c.text.pos)
		log_warnx("services", "%s: %s", path, err ? "not taken:" : "taken, but:");
	complaints_print(&c, stderr);
	complaints_done(&c);
	return err;
}

static int
load_text(const char *path, struct judge *judge, struct store *store, struct slice text)
{
	uint8_t sum[CRYPTO_SHA256_LEN];
	char digest[DIGEST_TEXT];
	int err = crypto_sha256(text, sum);

	if (err)
		return err;
	hex_format(sum, sizeof sum, digest);
	if (is_known(store, path, digest))
		return 0;
	err = apply_text(judge, path, text);
	if (!err)
		remember(store, path, digest);
	return err;
}

static int
load_file(const char *path, struct judge *judge, struct store *store)
{
	struct buf text;
	int err;

	buf_init(&text, FILE_BYTES_MAX);
	err = read_file(path, &text);
	if (!err)
		err = load_text(path, judge, store, buf_slice(&text));
	if (err && err != -EINVAL && err != -EBADMSG)
		log_warnx("services", "%s: %s", path, strerror(-err));
	buf_done(&text);
	return err;
}

unsigned
services_dir_load(const char *dir, struct judge *judge, struct store *store)
{
	struct dirent **list = NULL;
	int len = scandir(dir, &list, choose_yaml, alphasort);
	unsigned wrong = 0;
	char path[PATH_MAX];

	if (len < 0 && errno != ENOENT)
		log_warn("services", "%s", dir);
	for (int i = 0; i < len; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
		wrong += load_file(path, judge, store) != 0;
		free(list[i]);
	}
	free(list);
	return wrong;
}
