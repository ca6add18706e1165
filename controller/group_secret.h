/* SPDX-License-Identifier: Apache-2.0
 *
 * The secret of sealed multicasts (security.md §6.2): a new one every day and after every denial. The
 * next one is there an hour before it is used, so that everybody has it by then; the one before is
 * understood for another while. They are kept in a file: members go on with those they have when the
 * controller starts again. */
#pragma once
#include "protocol/notice.h"

struct group_secrets;
struct grasp_io;
struct guard;

#define GROUP_SECRET_LIFE_MS (24 * 3600 * 1000LL)
#define GROUP_SECRET_LEAD_MS (3600 * 1000LL) /* there so long before it is used */
#define GROUP_SECRET_LAST_MS (60 * 1000LL)   /* understood after a denial */

struct group_secrets_config {
	struct grasp_io *io;
	struct guard *guard; /* gets them; NULL: none */
	const char *file;    /* that keeps them; borrowed; NULL: none */
	int64_t (*now)(void *arg); /* fog_time, ms */
	void (*changed)(void *arg); /* there is another one to be told */
	void *arg;
};
/* A file that cannot be read is told to the log, and there is a new secret. */
int group_secrets_new(const struct group_secrets_config *cfg, struct group_secrets **ret)
    MUST_CHECK;
void group_secrets_free(struct group_secrets *g); /* wipes them */
DEFINE_FREEP(struct group_secrets, group_secrets_free)

uint64_t group_secrets_epoch(const struct group_secrets *g); /* of the newest */
/* Newest first; returns how many. */
size_t group_secrets_get(
    const struct group_secrets *g, struct fog_secret ret[FOG_NOTICE_SECRETS_MAX]);
/* Somebody who knows them is trusted no more: another one from now on. changed() is not called. */
void group_secrets_replace(struct group_secrets *g);
