/* SPDX-License-Identifier: Apache-2.0
 *
 * Where to join, said on each link under the rules of DULL (RFC 8990 §2.5.2): FOGJOIN, loop count 1, the
 * link-local address of our port. Now and then, and soon when somebody asks, but not more often than
 * once a second: no stranger makes us answer him alone (S-09, S-12). */
#include "base/clock.h"
#include "controller/enrol_int.h"
#include "protocol/domain.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define LEAST_MS	1000
#define SPREAD_MS	100 /* several controllers do not answer at once */
#define JITTER		20  /* percent */
#define FLOOD_VALUE_MAX 256

struct enrol_flood {
	struct enrol *enrol;
	struct grasp_timer *timer;
	int64_t last_ms, due_ms; /* grasp_io_now() */
};

static uint32_t
draw(struct enrol_flood *f)
{
	struct grasp_io *io = f->enrol->io;
	uint32_t random;

	io->ops->random(io, &random, sizeof random);
	return random;
}

static void
plan(struct enrol_flood *f, int64_t due_ms)
{
	struct grasp_io *io = f->enrol->io;

	f->due_ms = due_ms;
	io->ops->timer_set(f->timer, due_ms - grasp_io_now(io));
}

static void
put_value(const struct enrol *e, struct buf *out)
{
	struct credential *self = authority_credential(e->authority);
	struct fog_domain d = {
		.has_id = true, .id = credential_name(self)->id, .role = FOG_CONTROLLER
	};

	memcpy(d.domain, credential_name(self)->domain, sizeof d.domain);
	fog_domain_encode(&d, out);
}

static void
flood(struct enrol_flood *f)
{
	struct enrol *e = f->enrol;
	const struct grasp_locator locator = { .kind = O_IPv6_LOCATOR,
		.proto = IPPROTO_TCP };
	char name[FOG_NAME_MAX + 1];
	uint8_t memory[FLOOD_VALUE_MAX];
	struct grasp_objective o = {
		.name = slice_text(fog_objective_name(e->cfg.prefix, FOGJOIN, name)),
		.flags = F_DISC | F_NEG,
		.loop_count = 1,
	};
	struct buf value;

	buf_init_fixed(&value, memory, sizeof memory);
	put_value(e, &value);
	o.value = buf_slice(&value);
	if (!value.err &&
	    grasp_flood(e->grasp, &o, &locator, (uint32_t)(3 * e->cfg.period_ms)) > 0)
		e->counters.floods++;
}

static void
on_timer(void *arg)
{
	struct enrol_flood *f = arg;

	flood(f);
	f->last_ms = grasp_io_now(f->enrol->io);
	plan(f,
	    f->last_ms +
		clock_jitter((uint32_t)f->enrol->cfg.period_ms, JITTER, draw(f)));
}

void
enrol_flood_soon(struct enrol_flood *f)
{
	int64_t due = grasp_io_now(f->enrol->io) + draw(f) % SPREAD_MS;

	if (due < f->last_ms + LEAST_MS)
		due = f->last_ms + LEAST_MS;
	if (due < f->due_ms)
		plan(f, due);
}

int
enrol_flood_new(struct enrol *e, struct enrol_flood **ret)
{
	struct enrol_flood *f = calloc(1, sizeof *f);
	int err;

	if (!f)
		return -ENOMEM;
	f->enrol = e;
	err = e->io->ops->timer_new(e->io, on_timer, f, &f->timer);
	if (err) {
		free(f);
		return err;
	}
	f->last_ms = grasp_io_now(e->io) - LEAST_MS;
	plan(f, grasp_io_now(e->io) + draw(f) % SPREAD_MS);
	*ret = f;
	return 0;
}

void
enrol_flood_free(struct enrol_flood *f)
{
	if (!f)
		return;
	f->enrol->io->ops->timer_free(f->timer);
	free(f);
}
