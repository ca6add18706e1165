/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/guard_int.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

#include "base/crypto_aead.h"
#include "grasp/loop_count.h"

const char *const guard_modes[] = { "signed", "sealed", "open", "quads", NULL };

static const char *const drop_names[GUARD_DROPS] = {
	[GUARD_MALFORMED] = "malformed",
	[GUARD_UNSIGNED] = "unsigned",
	[GUARD_UNKNOWN_SIGNER] = "unknown_signer",
	[GUARD_BAD_SIGNATURE] = "bad_signature",
	[GUARD_REPLAYED] = "replayed",
	[GUARD_TOO_OLD] = "too_old",
	[GUARD_DENIED] = "denied",
	[GUARD_BUSY] = "busy",
	[GUARD_WRONG_MODE] = "wrong_mode",
	[GUARD_WRONG_ROLE] = "wrong_role",
	[GUARD_UNKNOWN_SECRET] = "unknown_secret",
	[GUARD_NOT_DULL] = "not_dull",
};

static const uint8_t purpose[] = { 0x81, 0x6d, 'f', 'o', 'g', 'w', 'a', 't', 'c', 'h',
	'-', 's', 'i', 'g', '1' };
const struct slice guard_purpose = { purpose, sizeof purpose };

const char *
guard_drop_name(enum guard_drop d)
{
	return d < GUARD_DROPS ? drop_names[d] : "?";
}

const struct guard_counters *
guard_counters(const struct guard *g)
{
	return &g->counters;
}

/* --- life ------------------------------------------------------------------------------- */

/* Reading alone, which needs no privilege. */
static bool
ask_kernel(void)
{
	struct timex t = { 0 };

	return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

static int
prepare_member(struct guard *g, const struct guard_config *cfg)
{
	uint8_t boot[SEAL_BOOT_LEN];
	uint32_t seed;
	int r;

	if (!cfg->self)
		return -EINVAL;
	cfg->io->ops->random(cfg->io, boot, sizeof boot);
	cfg->io->ops->random(cfg->io, &seed, sizeof seed);
	r = seal_new(credential_name(cfg->self)->id.bytes, boot,
	    cfg->port ? cfg->port : GRASP_LISTEN_PORT, seed, &g->seal);
	if (r < 0)
		return r;
	r = signers_new(seed, &g->signers);
	if (r < 0)
		return r;
	return sequence_init(&g->sequence, cfg->state, credential_now(cfg->self));
}

static int
prepare(struct guard *g, const struct guard_config *cfg)
{
	switch (cfg->mode) {
	case GUARD_SIGNED:
	case GUARD_SEALED:
		return prepare_member(g, cfg);
	case GUARD_QUADS:
		if (!cfg->quads_password ||
		    strlen(cfg->quads_password) < GUARD_QUADS_PASSWORD_MIN)
			return -EINVAL;
		return quads_init(&g->quads, cfg->quads_password);
	case GUARD_OPEN:
		break;
	}
	return 0;
}

int
guard_new(const struct guard_config *cfg, struct guard **ret)
{
	CLEANUP(guard_free) struct guard *g = calloc(1, sizeof *g);
	int r;

	if (!g || (cfg->prefix && !(g->prefix = strdup(cfg->prefix))))
		return -ENOMEM;
	g->io = cfg->io;
	g->mode = cfg->mode;
	g->self = cfg->self;
	g->clock_is_right = cfg->clock_is_right ? cfg->clock_is_right : ask_kernel;
	g->clock_asked_ms = INT64_MIN;
	buf_init(&g->plain, GRASP_MULTICAST_MAX);
	buf_init(&g->work, GRASP_MULTICAST_MAX);
	buf_init(&g->inner, GRASP_MULTICAST_MAX);
	r = prepare(g, cfg);
	if (r < 0)
		return r;
	*ret = TAKE(g);
	return 0;
}

void
guard_free(struct guard *g)
{
	if (!g)
		return;
	secret_wipe(&g->quads, sizeof g->quads);
	seal_free(g->seal);
	signers_free(g->signers);
	sequence_done(&g->sequence);
	buf_done(&g->plain);
	buf_done(&g->work);
	buf_done(&g->inner);
	free(g->prefix);
	free(g);
}

/* A certificate goes along where there is room, so it is not counted here. */
static unsigned
overhead(const struct guard *g)
{
	switch (g->mode) {
	case GUARD_SIGNED:
		return COSE_SIGN1_OVERHEAD;
	case GUARD_SEALED:
		return COSE_SIGN1_OVERHEAD + COSE_ENCRYPT0_OVERHEAD;
	case GUARD_QUADS:
		return QUADS_BLOCK;
	case GUARD_OPEN:
		break;
	}
	return 0;
}

struct grasp_guard
guard_hook(struct guard *g)
{
	return (struct grasp_guard){
		.open = guard_open,
		.verify = guard_verify,
		.protect = guard_protect,
		.overhead = overhead(g),
		.arg = g,
	};
}

static_assert(SEAL_OVERLAP_MS == GUARD_OVERLAP_MS && SEAL_SECRET_LEN == GUARD_SECRET_LEN,
    "one secret");

int
guard_secret(struct guard *g, uint64_t epoch, const uint8_t secret[GUARD_SECRET_LEN],
    int64_t not_after_ms)
{
	return g->seal ? seal_secret(g->seal, epoch, secret, not_after_ms) : -EPROTO;
}

/* --- what both directions ask --------------------------------------------------------------- */

bool
guard_is_all_neighbors(const struct in6_addr *group)
{
	static const struct in6_addr all = { { { 0xff, 0x02, [15] = 0x13 } } };

	return IN6_ARE_ADDR_EQUAL(group, &all);
}

bool
guard_is_named(const struct guard *g, struct slice name, const char *objective)
{
	char whole[FOG_NAME_MAX + 1];

	return slice_is(name, objective) ||
	    slice_is(name, fog_objective_name(g->prefix, objective, whole));
}

bool
guard_is_join(const struct guard *g, const struct grasp_msg *msg)
{
	if (msg->type == M_DISCOVERY)
		return guard_is_named(g, msg->objective.name, FOGJOIN);
	if (msg->type != M_FLOOD)
		return false;
	for (unsigned i = 0; i < msg->items; i++)
		if (!guard_is_named(g, msg->flooded[i].name, FOGJOIN))
			return false;
	return true;
}

uint8_t
guard_loop_count(const struct grasp_msg *msg)
{
	uint8_t most = 0;

	if (msg->type == M_DISCOVERY)
		return msg->objective.loop_count;
	for (unsigned i = 0; i < msg->items; i++)
		if (msg->flooded[i].loop_count > most)
			most = msg->flooded[i].loop_count;
	return most;
}

int
guard_put_payload(struct guard *g, struct slice message)
{
	struct loop_count l;
	int r = loop_count_find(message, &l);

	if (r < 0)
		return r;
	buf_reset(&g->work);
	buf_put(&g->work, message.data, l.at);
	buf_put_u8(&g->work, 0);
	buf_put(&g->work, message.data + l.end, message.len - l.end);
	return g->work.err;
}
