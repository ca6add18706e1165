/* SPDX-License-Identifier: Apache-2.0 */
#include "trust/diag.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "grasp/grasp.h"
#include "trust/channel.h"
#include "trust/time.h"

#define TEXT_MAX	400
#define FREE_MIN_BYTES	(16LL << 20)
#define CERTIFICATE_MIN (6LL * 3600 * 1000)

/* --- items ------------------------------------------------------------------------------------ */
void
diag_begin(struct diag *d, struct ctl_request *req)
{
	*d = (struct diag){ .req = req };
}

void
diag_say(struct diag *d, const char *step, enum diag_result result, const char *advice,
    const char *fmt, ...)
{
	static const char *const word[] = {
		[DIAG_OK] = "ok", [DIAG_WARNING] = "warning", [DIAG_FAILED] = "failed"
	};
	char why[TEXT_MAX];
	va_list args;
	struct buf b;

	va_start(args, fmt);
	vsnprintf(why, sizeof why, fmt, args);
	va_end(args);
	d->steps++;
	d->failed += result == DIAG_FAILED;
	buf_init(&b, 4096);
	wr_open_map(&b);
	if (d->domain)
		wr_key_text(&b, "domain", d->domain);
	wr_key_text(&b, "step", step);
	wr_key_text(&b, "result", word[result]);
	wr_key_text(&b, "why", why);
	wr_key_text(&b, "advice", advice);
	wr_close(&b);
	ctl_send(d->req, buf_slice(&b));
	buf_done(&b);
}

void
diag_end(struct diag *d)
{
	if (d->failed)
		ctl_fail(d->req, 1, "%u of %u steps failed", d->failed, d->steps);
	else
		ctl_end(d->req);
}

/* --- network ---------------------------------------------------------------------------------- */
void
diag_interfaces(struct diag *d, struct grasp_io *io)
{
	struct grasp_interface list[GRASP_INTERFACES_MAX];
	int n = io->ops->interfaces(io, list);
	char names[200] = "";

	for (int i = 0; i < n; i++) {
		size_t len = strlen(names);

		snprintf(names + len, sizeof names - len, "%s%s%s", len ? ", " : "",
		    list[i].name, list[i].addrs ? "" : " (without an address)");
	}
	if (n > 0)
		diag_say(d, "interfaces", DIAG_OK, NULL, "%s", names);
	else
		diag_say(d, "interfaces", DIAG_FAILED,
		    "look at \"ip link\", and at grasp.interfaces and grasp.exclude",
		    "no interface is up and can multicast");
}

/* The kernel gives us back what we send to groups that we are in. */
void
diag_multicast(struct diag *d, const struct grasp_node *node)
{
	const struct grasp_counters *g = grasp_node_counters(node);

	if (g->own)
		diag_say(d, "multicast", DIAG_OK, NULL,
		    "%" PRIu64 " of our own and %" PRIu64 " other datagrams came in",
		    g->own, g->datagrams > g->own ? g->datagrams - g->own : 0);
	else if (g->datagrams)
		diag_say(d, "multicast", DIAG_OK, NULL,
		    "%" PRIu64 " datagrams came in, none of our own yet", g->datagrams);
	else
		diag_say(d, "multicast", DIAG_FAILED,
		    "look for a firewall before UDP port 7017 and ff02::13, for snooping "
		    "without a querier, and ask again in a minute",
		    "no multicast has come in, not even our own");
}

void
diag_tls(struct diag *d, const struct grasp_io *channel, const char *trouble)
{
	const struct channel_counters *c;
	uint64_t refused = 0;

	if (!channel) {
		diag_say(d, "tls", DIAG_WARNING, "leave insecure.plain_grasp out",
		    "GRASP is plain, nobody proves anything");
		return;
	}
	c = channel_counters(channel);
	for (enum channel_refusal r = 0; r < CHANNEL_REFUSALS; r++)
		refused += c->refused[r];
	if (c->opened + c->accepted + c->joining == 0 && c->handshakes_failed + refused)
		diag_say(d, "tls", DIAG_FAILED,
		    "compare domains and CAs on both sides: fogctl ca show, and the "
		    "token or pin of the node",
		    "no handshake has succeeded, %" PRIu64 " failed, %" PRIu64
		    " were refused%s%s",
		    c->handshakes_failed, refused, trouble && *trouble ? ": " : "",
		    trouble ? trouble : "");
	else
		diag_say(d, "tls", DIAG_OK, NULL,
		    "%" PRIu64 " opened, %" PRIu64 " taken, %" PRIu64 " failed, %" PRIu64
		    " refused%s%s",
		    c->opened, c->accepted + c->joining, c->handshakes_failed, refused,
		    trouble && *trouble ? "; the last: " : "", trouble ? trouble : "");
}

/* --- identity --------------------------------------------------------------------------------- */
void
diag_clock(struct diag *d, const struct trust_time *time)
{
	char now[CLOCK_TEXT_MAX];

	if (!time)
		return;
	clock_format(trust_time_now(time), now);
	if (trust_time_is_suspect(time))
		diag_say(d, "clock", DIAG_FAILED, "set the clock of this machine",
		    "the clock is more than a year ahead of what a controller said; %s "
		    "is used instead",
		    now);
	else
		diag_say(d, "clock", DIAG_OK, NULL, "%s", now);
}

static void
say_validity(struct diag *d, const struct credential *self)
{
	const struct cert *cert = credential_cert(self, "");
	int64_t until = cert ? cert_facts(cert)->not_after_ms : 0;
	int64_t left = until - credential_now(self);
	char text[CLOCK_TEXT_MAX], span[CLOCK_TEXT_MAX];

	clock_format(until, text);
	clock_format_span(left, span);
	diag_say(d, "certificate", left < CERTIFICATE_MIN ? DIAG_FAILED : DIAG_OK,
	    left < CERTIFICATE_MIN ? "it should have been renewed long ago; see the log"
				   : NULL,
	    "valid until %s, which is %s", text, span);
}

void
diag_certificate(struct diag *d, const struct credential *self)
{
	if (!self)
		return;
	switch (credential_state(self)) {
	case CREDENTIAL_NONE:
		diag_say(d, "certificate", DIAG_FAILED,
		    "give the node a token: fogctl token create on the controller, then "
		    "join.token or join.token-file here",
		    "there is none yet");
		return;
	case CREDENTIAL_LAPSED:
		diag_say(d, "certificate", DIAG_FAILED,
		    "it is renewed as soon as a controller is reached",
		    "the certificate has expired");
		return;
	case CREDENTIAL_VALID:
		say_validity(d, self);
		return;
	}
}

void
diag_confession(struct diag *d, struct trust_conf conf)
{
	char list[TRUST_CONF_TEXT_MAX];

	if (*confess_list(conf, list))
		diag_say(d, "insecure", DIAG_WARNING, "leave it out of the configuration",
		    "%s", list);
}

/* --- this process ----------------------------------------------------------------------------- */
struct probing {
	struct diag *d; /* NULL: count only */
	unsigned tried, open;
	char first[64];
};

static void
note_probe(void *arg, const char *what, bool denied)
{
	struct probing *p = arg;

	p->tried++;
	if (!denied && !p->open++)
		snprintf(p->first, sizeof p->first, "%s", what);
	if (p->d)
		diag_say(p->d, what, denied ? DIAG_OK : DIAG_FAILED, NULL, "%s",
		    denied ? "denied" : "it can be done");
}

static const char *
sandbox_advice(const struct sandbox_state *s)
{
	if (!s->seccomp)
		return "build with libseccomp, on a kernel that has seccomp";
	return s->landlock ? NULL : "use a kernel with Landlock (5.13 or newer)";
}

void
diag_sandbox(struct diag *d, const struct sandbox_state *s)
{
	struct probing p = { .d = NULL };
	char had[96];

	sandbox_probe(note_probe, &p);
	sandbox_describe(s, had, sizeof had);
	if (p.open)
		diag_say(d, "sandbox", DIAG_FAILED, sandbox_advice(s),
		    "%s; %u of %u things are not denied, such as %s", had, p.open,
		    p.tried, p.first);
	else
		diag_say(d, "sandbox", DIAG_OK, NULL, "%s; all %u attempts were denied",
		    had, p.tried);
}

void
diag_sandbox_all(struct diag *d, const struct sandbox_state *s)
{
	struct probing p = { .d = d };
	char had[96];

	sandbox_describe(s, had, sizeof had);
	diag_say(d, "sandbox", s->no_new_privs && s->seccomp ? DIAG_OK : DIAG_FAILED,
	    sandbox_advice(s), "%s", had);
	sandbox_probe(note_probe, &p);
}

static int
try_write(const char *dir)
{
	char path[4096];
	int fd, err = 0;

	snprintf(path, sizeof path, "%s/.diag", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, "diag", 4) != 4)
		err = -errno;
	close(fd);
	unlink(path);
	return err;
}

void
diag_store(struct diag *d, const char *dir)
{
	struct statvfs s;
	int err = try_write(dir);
	long long room =
	    statvfs(dir, &s) ? 0 : (long long)s.f_bavail * (long long)s.f_frsize;

	if (err)
		diag_say(d, "store", DIAG_FAILED,
		    "look at the file system and who owns the directory",
		    "%s cannot be written to: %s", dir, strerror(-err));
	else if (room < FREE_MIN_BYTES)
		diag_say(d, "store", DIAG_FAILED, "make room on its file system",
		    "%s: only %lld KiB are free", dir, room / 1024);
	else
		diag_say(d, "store", DIAG_OK, NULL,
		    "%s can be written to, %lld MiB are free", dir, room >> 20);
}
