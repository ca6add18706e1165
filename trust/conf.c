/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "grasp/io.h"
#include "trust/conf.h"
#include "trust/guard.h"

#define PERIOD_MS (3600 * 1000)

const char *const trust_conf_modes[] = { [GUARD_SIGNED] = "signed",
	[GUARD_SEALED] = "sealed",
	[GUARD_OPEN] = "open",
	[GUARD_QUADS] = "quads",
	NULL };

static_assert(CONFESS_NAME_MAX >= IF_NAMESIZE, "a name of an interface");

/* --- the rule --------------------------------------------------------------------------------- */
static void
add(char dst[TRUST_CONF_TEXT_MAX], const char *what)
{
	size_t len = strlen(dst);

	snprintf(dst + len, TRUST_CONF_TEXT_MAX - len, "%s%s", len ? ", " : "", what);
}

char *
confess_list(struct trust_conf c, char dst[TRUST_CONF_TEXT_MAX])
{
	dst[0] = '\0';
	if (c.insecure->plain_grasp)
		add(dst, "insecure.plain_grasp");
	if (c.insecure->tofu)
		add(dst, "insecure.tofu");
	if (c.multicast->protection == GUARD_OPEN)
		add(dst, "multicast.protection: open");
	if (c.multicast->protection == GUARD_QUADS)
		add(dst, "multicast.protection: quads");
	return dst;
}

bool
confess_allows(struct trust_conf c, const char *exposed, char *why, size_t size)
{
	char list[TRUST_CONF_TEXT_MAX];

	if (!*confess_list(c, list) || !exposed || c.insecure->i_trust_this_network)
		return true;
	snprintf(why, size,
	    "%s: everybody in reach of the interface %s could read and forge what is "
	    "said. Leave it out, or, if nobody there is a stranger, write \"insecure: "
	    "{i_trust_this_network: yes}\" beside it",
	    list, exposed);
	return false;
}

const char *
confess_exposed(char dst[CONFESS_NAME_MAX])
{
	struct ifaddrs *list = NULL;
	bool found = false;

	if (getifaddrs(&list) < 0) /* not known is not safe */
		return "(unknown)";
	for (const struct ifaddrs *i = list; i && !found; i = i->ifa_next) {
		found = (i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK) &&
		    i->ifa_addr &&
		    (i->ifa_addr->sa_family == AF_INET ||
			i->ifa_addr->sa_family == AF_INET6);
		if (found)
			snprintf(dst, CONFESS_NAME_MAX, "%s", i->ifa_name);
	}
	freeifaddrs(list);
	return found ? dst : NULL;
}

/* --- the log ---------------------------------------------------------------------------------- */
static void
tell(const char *area, struct trust_conf c)
{
	char list[TRUST_CONF_TEXT_MAX];

	if (*confess_list(c, list))
		log_warnx(area,
		    "insecure by configuration: %s. Everybody on the way can read or "
		    "forge what that is about",
		    list);
}

bool
confess_at_start(const char *area, struct trust_conf c)
{
	char name[CONFESS_NAME_MAX], why[400];

	if (!confess_allows(c, confess_exposed(name), why, sizeof why)) {
		log_errorx(area, "%s", why);
		return false;
	}
	tell(area, c);
	return true;
}

struct confession {
	struct grasp_io *io;
	struct grasp_timer *timer;
	const char *area;
	struct trust_conf conf;
};

static void
repeat(void *arg)
{
	struct confession *c = arg;

	tell(c->area, c->conf);
	c->io->ops->timer_set(c->timer, PERIOD_MS);
}

int
confession_new(struct grasp_io *io, const char *area, struct trust_conf conf,
    struct confession **ret)
{
	CLEANUP(confession_free) struct confession *c = calloc(1, sizeof *c);
	int err;

	if (!c)
		return -ENOMEM;
	*c = (struct confession){ .io = io, .area = area, .conf = conf };
	err = io->ops->timer_new(io, repeat, c, &c->timer);
	if (err)
		return err;
	io->ops->timer_set(c->timer, PERIOD_MS);
	*ret = TAKE(c);
	return 0;
}

void
confession_free(struct confession *c)
{
	if (!c)
		return;
	if (c->timer)
		c->io->ops->timer_free(c->timer);
	free(c);
}
