/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/diag.h"

#include "controller/audit.h"
#include "controller/authority.h"
#include "controller/commands.h"
#include "controller/config.h"
#include "controller/enrol.h"
#include "controller/operators.h"
#include "controller/protection.h"
#include "controller/registry.h"
#include "controller/signer.h"
#include "controller/store.h"
#include "grasp/grasp.h"
#include "trust/diag.h"
#include "trust/show.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void
check_nodes(struct diag *d, const struct commands *c)
{
	unsigned alive = registry_count(c->registry, NODE_ALIVE);
	unsigned suspect = registry_count(c->registry, NODE_SUSPECT);

	if (alive)
		diag_say(d, "registration", DIAG_OK, NULL,
		    "%u nodes are alive, %u are suspect", alive, suspect);
	else
		diag_say(d, "registration", DIAG_WARNING,
		    "ask a node: fogctl diag, there; to admit one: fogctl token create",
		    "no node is alive");
}

static void
check_discovery(struct diag *d, const struct commands *c)
{
	const struct grasp_counters *g = grasp_node_counters(c->grasp);

	diag_say(d, "discovery", DIAG_OK, NULL,
	    "%" PRIu64 " discoveries and %" PRIu64 " floods of others came in, %" PRIu64
	    " were answered",
	    g->discoveries, g->floods, g->responses);
}

/* The key is the signer's, in another process: here nobody may read it. */
static void
check_ca(struct diag *d, const struct commands *c)
{
	char path[PATH_MAX];
	int fd;

	if (!c->protection || !c->protection->credential)
		return;
	snprintf(path, sizeof path, "%s/ca.key", c->protection->cfg->ca_dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		close(fd);
		diag_say(d, "ca", DIAG_FAILED,
		    "choose a ca-dir that is not below the state directory, the "
		    "services or the configuration",
		    "this process can read %s", path);
	} else if (!c->protection->signer) {
		diag_say(d, "ca", DIAG_WARNING, NULL,
		    "this controller has no CA: nodes cannot join here");
	} else {
		diag_say(d, "ca", DIAG_OK, NULL,
		    "its key is out of reach of this process, and the signer runs");
	}
}

static void
check_store(struct diag *d, const struct commands *c)
{
	const char *recovery = store_recovery(c->store);
	int64_t row = c->audit ? audit_verify(c->audit) : 0;

	if (recovery)
		diag_say(d, "store, recovery", DIAG_WARNING, NULL, "%s", recovery);
	if (row > 0)
		diag_say(d, "audit", DIAG_FAILED, "somebody has written to control.db",
		    "row %" PRId64 " is not what was written", row);
	else if (row < 0)
		diag_say(d, "audit", DIAG_FAILED, NULL, "it cannot be read: %s",
		    strerror((int)-row));
	else
		diag_say(d, "audit", DIAG_OK, NULL, "no row was changed or taken out");
}

int
controller_diag(void *arg, struct ctl_request *req, struct slice args)
{
	const struct commands *c = arg;
	const struct protection *p = c->protection;
	struct diag d;

	(void)args;
	diag_begin(&d, req);
	diag_interfaces(&d, grasp_node_io(c->grasp));
	diag_multicast(&d, c->grasp);
	check_discovery(&d, c);
	diag_tls(&d, p ? p->channel : NULL, NULL);
	diag_clock(&d, p ? p->time : NULL);
	diag_certificate(&d, p ? p->credential : NULL);
	check_ca(&d, c);
	check_nodes(&d, c);
	if (c->insecure.insecure)
		diag_confession(&d, c->insecure);
	if (c->sandbox)
		diag_sandbox(&d, c->sandbox);
	if (p)
		diag_store(&d, p->cfg->state_dir);
	check_store(&d, c);
	diag_end(&d);
	return 0;
}

int
controller_diag_sandbox(void *arg, struct ctl_request *req, struct slice args)
{
	const struct commands *c = arg;
	struct diag d;

	(void)args;
	if (!c->sandbox)
		return -ENOSYS;
	diag_begin(&d, req);
	diag_sandbox_all(&d, c->sandbox);
	diag_end(&d);
	return 0;
}

int
controller_show_drops(void *arg, struct ctl_request *req, struct slice args)
{
	const struct commands *c = arg;
	const struct protection *p = c->protection;

	(void)args;
	show_drops_of(req, c->grasp, p ? p->channel : NULL, p ? p->guard : NULL);
	ctl_end(req);
	return 0;
}

int
controller_show_limits(void *arg, struct ctl_request *req, struct slice args)
{
	const struct commands *c = arg;

	(void)args;
	show_limits_common(req);
	show_limit(req, "links", (int64_t)c->links_max, "links");
	show_limit(req, "nodes", REGISTRY_NODES_MAX, "nodes");
	show_limit(req, "nodes waiting to be approved", ENROL_WAITING_MAX, "nodes");
	show_limit(req, "tokens", ENROL_TOKENS_MAX, "tokens");
	show_limit(req, "certificates signed", SIGNER_PER_S, "per second");
	show_limit(req, "life of a node's certificate", SIGNER_DAYS_MAX, "days");
	show_limit(req, "operators over the network", OPERATORS_MAX, "connections");
	ctl_end(req);
	return 0;
}
