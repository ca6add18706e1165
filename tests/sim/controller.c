/* SPDX-License-Identifier: Apache-2.0
 *
 * A controller as nodes see it: its advertisement, and an ASA that gives leases to all. */
#include "controller/advert.h"
#include "protocol/registration.h"
#include "tests/sim/sim.h"

#include <assert.h>
#include <string.h>

#define LEASE_MS  30000
#define BEAT_MS	  2000
#define PERIOD_MS 10000

struct sim_controller {
	struct sim *sim;
	struct fake_host *host;
	struct grasp_node *grasp;
	struct advert *advert;
	struct grasp_registration *registration;
	struct fog_id id;
	uint32_t beat_ms;
};

static void
give_lease(void *arg, struct grasp_session *s, const struct grasp_objective *asked)
{
	static const struct grasp_session_ops ops = { 0 };
	struct sim_controller *c = arg;
	struct fog_lease lease = { .controller = c->id,
		.epoch = 1,
		.lease_ms = LEASE_MS,
		.beat_ms = c->beat_ms };
	struct fog_registration r;
	uint8_t memory[128];
	struct buf b;

	if (fog_registration_decode(asked->value, &r) < 0) {
		grasp_session_end(s, false, "malformed");
		return;
	}
	buf_init_fixed(&b, memory, sizeof memory);
	fog_lease_encode(&lease, &b);
	grasp_link_hold(grasp_session_link(s), c->beat_ms, c->beat_ms * 5 / 2, 65536);
	grasp_session_set(s, &ops, c);
	if (grasp_session_step(s, buf_slice(&b)) < 0)
		grasp_session_cancel(s);
}

/* As the registry has it: at most a thousand heartbeats a second in all. */
static uint32_t
beat_for(unsigned nodes)
{
	return nodes > BEAT_MS ? nodes : BEAT_MS;
}

static void
start(struct sim *s, struct sim_controller *c, unsigned i)
{
	static const struct grasp_support support = { .negotiate = give_lease };
	struct grasp_config cfg = {
		.link_local = true, .links_max = s->cfg.nodes + 1000, .unicast_max = 65536
	};
	struct advert_config ac = {
		.domain = "", .scope = "", .epoch = 1, .period_ms = PERIOD_MS
	};
	int err;

	c->sim = s;
	c->beat_ms = beat_for(s->cfg.nodes);
	memset(c->id.bytes, 0xc0, sizeof c->id.bytes);
	c->id.bytes[0] = (uint8_t)i;
	ac.id = c->id;
	c->host = fake_host_new(s->net);
	sim_attach(c->host, s->cfg.nodes + i, 0);
	err = grasp_node_new(fake_host_io(c->host), &cfg, &c->grasp);
	assert(err == 0);
	err = grasp_register(
	    c->grasp, FOGREG, F_DISC | F_NEG, &support, c, &c->registration);
	assert(err == 0);
	fake_run(s->net, 0);
	err = advert_new(c->grasp, &ac, &c->advert);
	assert(err == 0);
}

void
controllers_start(struct sim *s)
{
	s->controller = calloc(s->cfg.controllers, sizeof *s->controller);
	assert(s->controller);
	for (unsigned i = 0; i < s->cfg.controllers; i++)
		start(s, &s->controller[i], i);
}

void
controllers_stop(struct sim *s)
{
	for (unsigned i = 0; s->controller && i < s->cfg.controllers; i++) {
		struct sim_controller *c = &s->controller[i];

		measure_node(s, c->grasp);
		advert_free(c->advert);
		grasp_node_free(c->grasp);
		fake_host_free(c->host);
	}
	free(s->controller);
}
