/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/bargain.h"
#include "agent/item.h"
#include "base/crypto.h"
#include "base/daemon.h"
#include "base/log.h"
#include "metrics/expr.h"

#define FILE_FORMAT 1
#define FILE_MAX    (65536 + 128) /* a plan is a unicast message */

struct plan {
	const struct plan_env *env;
	struct plan_source from;
	uint64_t version;
	struct slice value; /* encoded, on the heap */
	struct item **item;
	size_t len;
	const struct plan_item *running;
	int64_t origin_ms; /* of the periods of all items: when the first plan came */
};

/* --- a new plan beside the old one --------------------------------------------------------- */
static void
free_items(struct item **item, size_t len)
{
	for (size_t i = 0; item && i < len; i++)
		item_free(item[i]);
	free(item);
}

static struct item *
find_same(const struct plan *p, const struct plan_item *spec)
{
	for (size_t i = 0; i < p->len; i++)
		if (p->item[i] && item_is(p->item[i], spec))
			return p->item[i];
	return NULL;
}

/* What stays the same is left NULL here and comes over when nothing can fail any more; what it is made
 * of may have gone with a rule. */
static int
make_items(const struct plan *p, const struct fog_plan *wanted, int64_t now_ms,
    struct item **fresh, char why[PLAN_WHY_MAX])
{
	for (unsigned i = 0; i < wanted->items; i++) {
		const struct plan_item *spec = &wanted->item[i];
		char what[PLAN_WHY_MAX - 32] = "";

		bool same = find_same(p, spec) != NULL;
		int err = same
		    ? sampler_check(p->env->sampler, spec->program, what, sizeof what)
		    : item_new(p->env->sampler, spec, now_ms, p->origin_ms, what,
			  sizeof what, &fresh[i]);
		if (err < 0) {
			snprintf(why, PLAN_WHY_MAX, "policy: item %" PRIu32 ": %s",
			    spec->id, what[0] ? what : strerror(-err));
			return err;
		}
	}
	return 0;
}

static void
bring_over(struct plan *p, const struct fog_plan *wanted, struct item **fresh)
{
	for (unsigned i = 0; i < wanted->items; i++)
		for (size_t old = 0; !fresh[i] && old < p->len; old++)
			if (p->item[old] && item_is(p->item[old], &wanted->item[i]))
				fresh[i] = TAKE(p->item[old]);
	free_items(p->item, p->len);
	p->item = fresh;
	p->len = wanted->items;
}

/* --- may it replace the one that runs? ------------------------------------------------------ */
static bool
is_same_source(const struct plan_source *a, const struct plan_source *b)
{
	return a->epoch == b->epoch &&
	    !memcmp(&a->controller, &b->controller, sizeof a->controller);
}

static int
check_version(const struct plan *p, const struct fog_plan *wanted,
    const struct plan_source *from, char why[PLAN_WHY_MAX])
{
	if (!p->version || !is_same_source(&p->from, from) ||
	    wanted->version > p->version)
		return 0;
	snprintf(why, PLAN_WHY_MAX, "version: %" PRIu64 " is not newer than %" PRIu64,
	    wanted->version, p->version);
	return -ESTALE; /* S-08 */
}

static bool
is_running(const struct plan *p, struct slice value, const struct plan_source *from)
{
	return p->version && is_same_source(&p->from, from) &&
	    slice_equal(p->value, value);
}

/* --- the file ------------------------------------------------------------------------------- */
static int
encode_file(const struct plan *p, struct buf *file)
{
	uint8_t digest[CRYPTO_SHA256_LEN];

	wr_array(file, 5);
	wr_uint(file, FILE_FORMAT);
	wr_bytes(file, p->from.controller.bytes, sizeof p->from.controller.bytes);
	wr_uint(file, p->from.epoch);
	wr_raw(file, p->value);
	if (file->err)
		return file->err;
	int err = crypto_sha256(buf_slice(file), digest);
	wr_bytes(file, digest, sizeof digest);
	return err < 0 ? err : file->err;
}

static void
save(const struct plan *p)
{
	struct buf file;

	if (!p->env->path)
		return;
	buf_init(&file, FILE_MAX);
	int err = encode_file(p, &file);
	if (err >= 0)
		err = daemon_write_file(p->env->path, file.data, file.pos);
	if (err < 0) {
		errno = -err;
		log_warn("plan",
		    "cannot keep the plan in %s, a restart will begin without it",
		    p->env->path);
	}
	buf_done(&file);
}

static int
decode_file(struct slice file, struct plan_source *ret_from, struct slice *ret_value)
{
	uint8_t digest[CRYPTO_SHA256_LEN], kept[CRYPTO_SHA256_LEN];
	struct cbor_reader r;

	rd_init(&r, file, 8192);
	rd_enter_array(&r);
	if (rd_uint(&r) != FILE_FORMAT)
		rd_fail(&r, -EBADMSG);
	rd_bytes_copy(&r, ret_from->controller.bytes, sizeof ret_from->controller.bytes);
	ret_from->epoch = rd_uint(&r);
	*ret_value = rd_raw(&r);
	struct slice before = { file.data, r.pos };
	rd_bytes_copy(&r, kept, sizeof kept);
	rd_leave(&r);
	if (rd_done(&r) || crypto_sha256(before, digest) < 0)
		return -EBADMSG;
	return memcmp(digest, kept, sizeof digest) ? -EBADMSG : 0;
}

/* out of the way, but still there for who wants to know. */
static void
move_aside(const char *path)
{
	char aside[PATH_MAX];

	if ((size_t)snprintf(aside, sizeof aside, "%s.bad", path) < sizeof aside &&
	    rename(path, aside) == 0)
		log_warnx("plan", "%s is damaged and now called %s", path, aside);
}

/* --- offer ---------------------------------------------------------------------------------- */
static int
copy_value(struct slice value, struct slice *ret)
{
	uint8_t *copy = malloc(value.len);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value.data, value.len);
	*ret = (struct slice){ copy, value.len };
	return 0;
}

/* Rules of a plan that is not in force yet are there while its items are made; the ones before come back
 * if it is refused. */
static int
replace_rules(
    struct plan *p, const struct plan_rule *rule, size_t len, char why[PLAN_WHY_MAX])
{
	struct rule_spec spec[PLAN_RULES_MAX];
	char what[RULE_WHY_MAX] = "";
	int err;

	if (!p->env->rules)
		return len ? -ENOTSUP : 0;
	for (size_t i = 0; i < len; i++)
		spec[i] =
		    (struct rule_spec){ rule[i].name, rule[i].unit, rule[i].program };
	err = rules_replace(p->env->rules, p->env->rules_owner, spec, len, false, what);
	if (err < 0)
		snprintf(why, PLAN_WHY_MAX, "policy: rule %.140s",
		    what[0] ? what : strerror(-err));
	return err;
}

static void
restore_rules(struct plan *p)
{
	struct fog_plan *before = p->version ? malloc(sizeof *before) : NULL;
	char why[PLAN_WHY_MAX];
	int err = replace_rules(p, NULL, 0, why);

	if (before && err == 0 && fog_plan_decode(p->value, before) == 0)
		err = replace_rules(p, before->rule, before->rules, why);
	if (err < 0)
		log_warnx("plan", "the rules of the plan that runs are gone: %s", why);
	free(before);
}

static int
install(struct plan *p, const struct fog_plan *wanted, struct slice value,
    const struct plan_source *from, int64_t now_ms, bool dry, char why[PLAN_WHY_MAX])
{
	struct item **fresh = calloc(wanted->items + 1u, sizeof *fresh);
	struct slice copy = { 0 };
	int err = fresh ? copy_value(value, &copy) : -ENOMEM;

	if (!err)
		err = replace_rules(p, wanted->rule, wanted->rules, why);
	bool replaced = err == 0;
	if (!p->version)
		p->origin_ms = now_ms;
	if (!err)
		err = make_items(p, wanted, now_ms, fresh, why);
	if (err < 0 || dry) {
		if (replaced)
			restore_rules(p);
		if (err == -ENOMEM && !why[0])
			snprintf(why, PLAN_WHY_MAX, "full: no memory");
		free_items(fresh, fresh ? wanted->items : 0);
		free((void *)copy.data);
		return err;
	}
	bring_over(p, wanted, fresh);
	free((void *)p->value.data);
	p->value = copy;
	p->version = wanted->version;
	p->from = *from;
	return 0;
}

static int
decode_and_install(struct plan *p, struct slice value, const struct plan_source *from,
    int64_t now_ms, bool dry, char why[PLAN_WHY_MAX])
{
	struct fog_plan *wanted = malloc(sizeof *wanted); /* 6 KiB, for a moment */
	int err;

	if (!wanted)
		return -ENOMEM;
	err = fog_plan_decode(value, wanted);
	if (err < 0)
		snprintf(why, PLAN_WHY_MAX, "malformed: this is no plan");
	else
		err = check_version(p, wanted, from, why);
	if (err == 0)
		err = install(p, wanted, value, from, now_ms, dry, why);
	free(wanted);
	return err;
}

int
plan_offer(struct plan *p, struct slice value, const struct plan_source *from,
    int64_t now_ms, bool dry, char why[PLAN_WHY_MAX])
{
	int err;

	why[0] = 0;
	if (is_running(p, value, from))
		return 0; /* offered again because our answer was lost */
	err = decode_and_install(p, value, from, now_ms, dry, why);
	if (err < 0 || dry)
		return err;
	save(p);
	return 0;
}

static int
bargain_decoded(struct plan *p, struct fog_plan *wanted, int64_t budget, struct buf *ret)
{
	const struct bargain_env env = { p->env->sampler, budget };
	char why[PLAN_WHY_MAX];
	int changed;

	wanted->why[0] = 0;
	if (replace_rules(p, wanted->rule, wanted->rules, why) < 0)
		return 0;
	changed = bargain(&env, wanted);
	restore_rules(p);
	if (changed <= 0 || !wanted->items)
		return changed < 0 ? changed : 0;
	fog_plan_encode(wanted, ret);
	return ret->err ? ret->err : 1;
}

int
plan_bargain(struct plan *p, struct slice value, const struct plan_source *from,
    int64_t budget, struct buf *ret)
{
	struct fog_plan *wanted;
	char why[PLAN_WHY_MAX];
	int rc = 0;

	if (is_running(p, value, from))
		return 0;
	wanted = malloc(sizeof *wanted);
	if (!wanted)
		return -ENOMEM;
	if (fog_plan_decode(value, wanted) == 0 &&
	    check_version(p, wanted, from, why) == 0)
		rc = bargain_decoded(p, wanted, budget, ret);
	free(wanted);
	return rc;
}

static int
replay_file(struct plan *p, uint8_t *file, int64_t now_ms, char why[PLAN_WHY_MAX])
{
	struct plan_source from;
	struct slice value;
	ssize_t len = daemon_read_file(p->env->path, file, FILE_MAX);
	int err;

	if (len < 0)
		return len == -ENOENT ? 0 : (int)len;
	err = decode_file((struct slice){ file, (size_t)len }, &from, &value);
	if (err < 0) {
		move_aside(p->env->path);
		return err;
	}
	return decode_and_install(p, value, &from, now_ms, false, why);
}

int
plan_replay(struct plan *p, int64_t now_ms, char why[PLAN_WHY_MAX])
{
	uint8_t *file;
	int err;

	why[0] = 0;
	if (!p->env->path)
		return 0;
	file = malloc(FILE_MAX);
	if (!file)
		return -ENOMEM;
	err = replay_file(p, file, now_ms, why);
	free(file);
	return err;
}

/* --- run ------------------------------------------------------------------------------------ */
int64_t
plan_run(struct plan *p, int64_t now_ms)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < p->len; i++) {
		p->running = item_spec(p->item[i]);
		int64_t due = item_run(p->item[i], now_ms, p->env->result, p->env->arg);

		if (due < next)
			next = due;
	}
	return next;
}

const struct plan_item *
plan_running(const struct plan *p)
{
	return p->running;
}

/* --- what others ask ------------------------------------------------------------------------ */
uint64_t
plan_version(const struct plan *p)
{
	return p->version;
}

uint64_t
plan_version_of(const struct plan *p, const struct fog_id *controller)
{
	return memcmp(&p->from.controller, controller, sizeof *controller) ? 0
									   : p->version;
}

void
plan_digest(const struct plan *p, uint8_t ret[PLAN_DIGEST_LEN])
{
	if (!p->version || fog_plan_digest(p->value, ret) < 0)
		memset(ret, 0, PLAN_DIGEST_LEN);
}

uint32_t
plan_period(const struct plan *p)
{
	uint32_t shortest = 0;

	for (size_t i = 0; i < p->len; i++) {
		uint32_t period = item_spec(p->item[i])->period_ms;

		if (!shortest || period < shortest)
			shortest = period;
	}
	return shortest;
}

size_t
plan_len(const struct plan *p)
{
	return p->len;
}

void
plan_item(const struct plan *p, size_t i, struct plan_item_state *ret)
{
	item_state(p->item[i], ret);
}

int
plan_new(const struct plan_env *env, struct plan **ret)
{
	struct plan *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->env = env;
	*ret = p;
	return 0;
}

void
plan_free(struct plan *p)
{
	if (!p)
		return;
	free_items(p->item, p->len);
	if (p->env->rules) /* they go with their owner (DOM-04) */
		rules_remove_owner(p->env->rules, p->env->rules_owner);
	free((void *)p->value.data);
	free(p);
}
