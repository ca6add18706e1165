/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/chores.h"

#include "base/log.h"
#include "controller/audit.h"
#include "controller/store_identity.h"
#include "grasp/io.h"

#include <errno.h>

#define FIRST_MS 60000
#define HOUR_MS	 3600000

struct chores {
	struct grasp_io *io;
	struct store *store;
	struct grasp_timer *timer;
	int64_t rows_ms;
};

static void
on_timer(void *arg)
{
	struct chores *c = arg;
	int64_t wall = c->io->ops->wall(c->io);

	if (store_prune(c->store, wall - c->rows_ms) ||
	    store_audit_prune(c->store, wall - AUDIT_KEEP_MS) || store_backup(c->store))
		log_warnx("store", "no memory to clean up; trying again in an hour");
	c->io->ops->timer_set(c->timer, HOUR_MS);
}

int
chores_new(struct grasp_io *io, struct store *store, struct chores **ret)
{
	struct chores *c = calloc(1, sizeof *c);
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct chores){ .io = io, .store = store };
	err = io->ops->timer_new(io, on_timer, c, &c->timer);
	if (err) {
		free(c);
		return err;
	}
	io->ops->timer_set(c->timer, FIRST_MS);
	*ret = c;
	return 0;
}

void
chores_set(struct chores *c, int64_t rows_ms)
{
	c->rows_ms = rows_ms;
}

void
chores_free(struct chores *c)
{
	if (!c)
		return;
	c->io->ops->timer_free(c->timer);
	free(c);
}
