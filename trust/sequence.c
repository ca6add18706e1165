/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/sequence.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/daemon.h"

#define TEXT_MAX 64

static int
keep(struct sequence *s)
{
	char text[TEXT_MAX];
	int len;

	if (!s->path)
		return 0;
	len = snprintf(
	    text, sizeof text, "%" PRIu64 " %" PRId64 "\n", s->start, s->kept_iat_s);
	return daemon_write_file(s->path, text, (size_t)len);
}

/* "<start> <iat>\n" and nothing else. */
static int
parse(const char *text, uint64_t *ret_start, int64_t *ret_iat_s)
{
	char again[TEXT_MAX];

	if (sscanf(text, "%20" SCNu64 " %18" SCNd64, ret_start, ret_iat_s) != 2)
		return -EBADMSG;
	snprintf(
	    again, sizeof again, "%" PRIu64 " %" PRId64 "\n", *ret_start, *ret_iat_s);
	if (strcmp(text, again) != 0 || *ret_start > INT64_MAX || *ret_iat_s < 0)
		return -EBADMSG;
	return 0;
}

/* 0 and no change: there is no such file yet. */
static int
load(const char *path, uint64_t *ret_start, int64_t *ret_iat_s)
{
	char text[TEXT_MAX];
	ssize_t len = daemon_read_file(path, text, sizeof text - 1);

	if (len < 0)
		return len == -ENOENT ? 0 : (int)len;
	text[len] = '\0';
	return parse(text, ret_start, ret_iat_s);
}

int
sequence_init(struct sequence *s, const char *path, int64_t now_ms)
{
	uint64_t kept = 0, clock = (uint64_t)now_ms << 10;
	int64_t kept_iat = -1;
	int r = path ? load(path, &kept, &kept_iat) : 0;

	*s = (struct sequence){ 0 };
	if (r < 0)
		return r;
	if (path && !(s->path = strdup(path)))
		return -ENOMEM;
	s->start = kept + SEQUENCE_RUN > clock ? kept + SEQUENCE_RUN : clock;
	s->next = s->start;
	s->iat_s = s->kept_iat_s = kept_iat + 1;
	r = keep(s);
	if (r < 0)
		sequence_done(s);
	return r;
}

void
sequence_done(struct sequence *s)
{
	free(TAKE(s->path));
}

int
sequence_next(
    struct sequence *s, int64_t now_ms, uint64_t *ret_number, int64_t *ret_iat_s)
{
	int64_t iat = now_ms / 1000 > s->iat_s ? now_ms / 1000 : s->iat_s;
	const struct sequence old = *s;
	int r;

	if (s->next - s->start >= SEQUENCE_RUN)
		s->start = s->next;
	if (iat > s->kept_iat_s)
		s->kept_iat_s = iat + SEQUENCE_IAT_AHEAD;
	r = s->start == old.start && s->kept_iat_s == old.kept_iat_s ? 0 : keep(s);
	if (r < 0 && s->start != old.start) {
		*s = old;
		return r;
	}
	if (r <
	    0) /* a full disk does not silence us: it costs at most a restart's greetings */
		s->kept_iat_s = old.kept_iat_s;
	s->iat_s = iat;
	*ret_number = s->next++;
	*ret_iat_s = iat;
	return 0;
}
