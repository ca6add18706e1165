/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/credential_files.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/daemon.h"
#include "base/log.h"

#define OWN	"certificate.pem"
#define CAS	"trust.pem"
#define VERSION "trust.version"
#define DENIED	"denied"
/* "10000 " id " " serial "\n" */
#define LINE_MAX_LEN 80
#define WHOLE	     "*" /* instead of a serial: all certificates of the id */

static int
make_path(const char *dir, const char *name, char dst[PATH_MAX])
{
	int len = snprintf(dst, PATH_MAX, "%s/%s", dir, name);

	return len < PATH_MAX ? 0 : -ENAMETOOLONG;
}

static int
tell(const char *path, int err)
{
	errno = -err;
	if (err == -EBADMSG || err == -E2BIG)
		log_errorx("trust",
		    "%s is damaged; it is left as it is: restore it, or "
		    "remove it to begin anew",
		    path);
	else
		log_error("trust", "%s", path);
	return err == -E2BIG ? -EBADMSG : err;
}

/* --- directory -------------------------------------------------------------------------- */

static int
make_directories(char *path)
{
	for (char *at = path + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

int
credential_files_prepare(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;
	int r;

	if (!dir)
		return 0;
	if (strlen(dir) >= sizeof path)
		return -ENAMETOOLONG;
	r = make_directories(strcpy(path, dir));
	if (r == 0 && stat(dir, &st) < 0)
		r = -errno;
	if (r == 0 && st.st_mode & (S_IWGRP | S_IWOTH))
		r = -EPERM;
	return r < 0 ? tell(dir, r) : 0;
}

void
credential_files_remove(const char *dir)
{
	static const char *const names[] = { OWN, CAS, VERSION, DENIED };
	char path[PATH_MAX];

	for (size_t i = 0; dir && i < ARRAY_LEN(names); i++)
		if (make_path(dir, names[i], path) == 0 && unlink(path) < 0 &&
		    errno != ENOENT)
			log_warn("trust", "%s could not be removed", path);
}

/* --- certificates ----------------------------------------------------------------------- */

static int
load_certs(const char *dir, const char *name, struct cert *ret[TRUST_ANCHORS_MAX])
{
	char path[PATH_MAX];
	int r;

	if (!dir)
		return 0;
	r = make_path(dir, name, path);
	if (r == 0)
		r = cert_load(path, TRUST_ANCHORS_MAX, ret);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? tell(path, r) : r;
}

static int
save_certs(const char *dir, const char *name, struct cert *const certs[], size_t len)
{
	char path[PATH_MAX];
	int r;

	if (!dir)
		return 0;
	r = make_path(dir, name, path);
	if (r == 0)
		r = cert_save(certs, len, path);
	return r < 0 ? tell(path, r) : 0;
}

int
credential_files_load(const char *dir, struct cert *ret[TRUST_ANCHORS_MAX])
{
	return load_certs(dir, OWN, ret);
}

int
credential_files_save(const char *dir, struct cert *const certs[], size_t len)
{
	return save_certs(dir, OWN, certs, len);
}

/* --- text ------------------------------------------------------------------------------- */

static int
save_text(const char *dir, const char *name, const struct buf *text)
{
	char path[PATH_MAX];
	int r;

	if (!dir)
		return 0;
	r = text->err ? text->err : make_path(dir, name, path);
	if (r == 0)
		r = daemon_write_file(path, text->data, text->pos);
	return r < 0 ? tell(path, r) : 0;
}

/* A decimal number without signs and leading zeros; where it ends, NULL: there is none. */
static const char *
take_number(const char *text, uint64_t *ret)
{
	char *end;

	if (*text < '0' || *text > '9' ||
	    (*text == '0' && text[1] >= '0' && text[1] <= '9'))
		return NULL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return errno == 0 ? end : NULL;
}

/* Gives each line to take(), without its newline, which it has to have. No file: none. */
static int
read_lines(
    const char *dir, const char *name, int (*take)(void *arg, char *line), void *arg)
{
	char path[PATH_MAX], line[LINE_MAX_LEN];
	FILE *f;
	int r;

	if (!dir)
		return 0;
	r = make_path(dir, name, path);
	if (r < 0)
		return r;
	f = fopen(path, "re");
	if (!f)
		return errno == ENOENT ? 0 : tell(path, -errno);
	while (r == 0 && fgets(line, sizeof line, f)) {
		size_t len = strlen(line);

		if (len == 0 || line[len - 1] != '\n')
			r = -EBADMSG;
		else
			line[len - 1] = '\0';
		if (r == 0)
			r = take(arg, line);
	}
	if (r == 0 && ferror(f))
		r = -EIO;
	fclose(f);
	return r < 0 ? tell(path, r) : 0;
}

/* --- what is trusted -------------------------------------------------------------------- */

struct version {
	uint64_t number;
	unsigned lines;
};

static int
take_version(void *arg, char *line)
{
	struct version *v = arg;
	const char *end = take_number(line, &v->number);

	return end && *end == '\0' && v->lines++ == 0 ? 0 : -EBADMSG;
}

static int
parse_denial(char *line, struct denial *ret)
{
	const char *id = take_number(line, &ret->version);
	char *serial;

	if (!id || *id++ != ' ')
		return -EBADMSG;
	serial = strchr(id, ' ');
	if (!serial)
		return -EBADMSG;
	*serial++ = '\0';
	memset(ret->serial, 0, sizeof ret->serial);
	if (hex_parse(id, ret->id.bytes, sizeof ret->id.bytes) < 0)
		return -EBADMSG;
	if (strcmp(serial, WHOLE) == 0)
		return 0;
	return hex_parse(serial, ret->serial, sizeof ret->serial) < 0 ? -EBADMSG : 0;
}

static int
take_denial(void *arg, char *line)
{
	struct denial d;
	int r = parse_denial(line, &d);

	if (r == 0)
		r = anchors_deny(arg, &d);
	return r < 0 && r != -ENOMEM ? -EBADMSG : r;
}

int
credential_files_load_anchors(const char *dir, struct anchors *a)
{
	struct cert *ca[TRUST_ANCHORS_MAX];
	struct version v = { 0 };
	int cas = load_certs(dir, CAS, ca), r;

	if (cas < 0)
		return cas;
	r = read_lines(dir, VERSION, take_version, &v);
	if (r == 0)
		r = anchors_set(a, v.number, ca, (size_t)cas);
	if (r == -EKEYREJECTED) {
		log_errorx(
		    "trust", "%s/%s holds a certificate that is no CA's", dir, CAS);
		r = -EBADMSG;
	}
	for (int i = 0; i < cas; i++)
		cert_unref(ca[i]);
	return r < 0 ? r : read_lines(dir, DENIED, take_denial, a);
}

/* The version last: whoever finds the old one is told the CAs again. */
int
credential_files_save_cas(
    const char *dir, uint64_t version, struct cert *const ca[], size_t cas)
{
	uint8_t memory[LINE_MAX_LEN];
	struct buf text;
	int r = save_certs(dir, CAS, ca, cas);

	buf_init_fixed(&text, memory, sizeof memory);
	buf_printf(&text, "%" PRIu64 "\n", version);
	return r < 0 ? r : save_text(dir, VERSION, &text);
}

static void
put_denial(struct buf *out, const struct denial *d)
{
	static const uint8_t all[sizeof d->serial];
	char id[FOG_ID_TEXT], serial[2 * sizeof d->serial + 1] = WHOLE;

	if (memcmp(d->serial, all, sizeof all) != 0)
		hex_format(d->serial, sizeof d->serial, serial);
	buf_printf(
	    out, "%" PRIu64 " %s %s\n", d->version, fog_id_format(&d->id, id), serial);
}

int
credential_files_save_denied(const char *dir, const struct anchors *a)
{
	struct buf text;
	int r;

	if (!dir)
		return 0;
	buf_init(&text, (size_t)TRUST_DENIED_MAX * LINE_MAX_LEN);
	for (uint64_t n = 1; n <= anchors_denials(a); n++)
		put_denial(&text, anchors_denial(a, n));
	r = save_text(dir, DENIED, &text);
	buf_done(&text);
	return r;
}
