/* SPDX-License-Identifier: Apache-2.0
 *
 * echo: members of a domain, small enough to be looked at with openssl(1) from the other side.
 *
 *	echo paper DIRECTORY		makes a domain's keys and certificates, good ones and bad ones
 *	echo listen DIRECTORY PORT	a controller that sends back what it is sent
 *	echo open DIRECTORY ADDRESS	an agent that says "hello" and what is answered
 *
 * What happens is told in lines on stdout. */
#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/addr_text.h"
#include "base/clock.h"
#include "grasp/io_ev.h"
#include "trust/channel.h"

#define DAY_MS	(24LL * 3600 * 1000)
#define OPEN_MS 5000
#define DOMAIN	"plant-7"

static struct {
	struct ev_loop *loop;
	const char *dir;
	struct key *key;
	struct cert *ca;
	struct trust_time *time;
	struct credential *self;
	struct grasp_io *io, *channel;
	int status;
} me;

static void
give_up(const char *what, int err)
{
	fprintf(stderr, "echo: %s: %s\n", what, strerror(-err));
	exit(2);
}

static void
need(const char *what, int r)
{
	if (r < 0)
		give_up(what, r);
}

static const char *
path_of(const char *name, const char *suffix)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s.%s", me.dir, name, suffix);
	return path;
}

/* --- paper ------------------------------------------------------------------------------------ */

struct signer {
	struct key *key;
	struct cert *cert;
};

static struct key *
make_key(const char *name)
{
	struct key *k;

	need("key", key_new(KEY_P256, &k));
	need(name, key_save(k, path_of(name, "key")));
	return k;
}

static struct cert *
make_cert(const struct signer *by, const char *uri, int64_t until_ms, const struct key *k)
{
	struct cert_spec spec = { DOMAIN, uri, until_ms - 2 * DAY_MS, until_ms };
	struct cert *c;

	need("certificate", cert_issue(by->key, by->cert, &spec, k, &c));
	return c;
}

static struct signer
make_ca(const char *name)
{
	struct signer ca = { make_key(name), NULL };

	ca.cert = make_cert(&ca, NULL, clock_wall_ms() + DAY_MS, ca.key);
	need(name, cert_save(&ca.cert, 1, path_of(name, "pem")));
	return ca;
}

static struct fog_id
id_of(const struct key *k)
{
	uint8_t fingerprint[32];
	struct fog_id id;

	key_fingerprint(k, fingerprint);
	memcpy(id.bytes, fingerprint, sizeof id.bytes);
	return id;
}

/* NAME.key and NAME.pem; by NULL: signed by itself. */
static struct signer
make_member(
    const char *name, const struct signer *by, enum trust_role role, int64_t until_ms)
{
	struct signer m = { make_key(name), NULL };
	struct trust_name n = { DOMAIN, role, id_of(m.key) };
	char uri[TRUST_URI_MAX];
	struct cert *chain[2];

	m.cert = make_cert(by ? by : &m, trust_uri_format(&n, uri), until_ms, m.key);
	chain[0] = m.cert;
	chain[1] = by ? by->cert : NULL;
	need(name, cert_save(chain, by ? 2 : 1, path_of(name, "pem")));
	return m;
}

static void
throw_away(struct signer s)
{
	key_free(s.key);
	cert_unref(s.cert);
}

static void
hand_out(
    const char *name, const struct signer *by, enum trust_role role, int64_t until_ms)
{
	throw_away(make_member(name, by, role, until_ms));
}

static int
write_paper(void)
{
	int64_t tomorrow = clock_wall_ms() + DAY_MS;
	struct signer ca = make_ca("ca"), other = make_ca("other"), agent;

	hand_out("controller", &ca, TRUST_CONTROLLER, tomorrow);
	agent = make_member("agent", &ca, TRUST_AGENT, tomorrow);
	hand_out("deployer", &ca, TRUST_DEPLOYER, tomorrow);
	hand_out("expired", &ca, TRUST_AGENT, tomorrow - 2 * DAY_MS);
	hand_out("lapsed-controller", &ca, TRUST_CONTROLLER, tomorrow - 2 * DAY_MS);
	hand_out("foreign", &other, TRUST_AGENT, tomorrow);
	hand_out("foreign-controller", &other, TRUST_CONTROLLER, tomorrow);
	hand_out("forged", &agent, TRUST_AGENT, tomorrow);
	hand_out("forged-controller", &agent, TRUST_CONTROLLER, tomorrow);
	hand_out("selfmade", NULL, TRUST_AGENT, tomorrow);
	throw_away(agent);
	throw_away(other);
	throw_away(ca);
	return 0;
}

/* --- a member --------------------------------------------------------------------------------- */

static int64_t
wall(void *arg)
{
	(void)arg;
	return clock_wall_ms();
}

static int64_t
boot(void *arg)
{
	(void)arg;
	return clock_boot_ms();
}

static void
become(const char *name, enum trust_role role)
{
	struct cert *chain[2];
	struct slice ca;
	const char *why = "";
	int r;

	need(name, key_load(path_of(name, "key"), &me.key));
	need(name, cert_load(path_of(name, "pem"), 2, chain));
	need("ca", cert_load(path_of("ca", "pem"), 1, &me.ca));
	need("time", trust_time_new(NULL, wall, boot, NULL, &me.time));
	need("credential", credential_new(NULL, DOMAIN, role, me.key, me.time, &me.self));
	ca = cert_der(me.ca);
	r = credential_install(me.self, cert_der(chain[0]), &ca, 1, 1, &why);
	if (r < 0)
		give_up(why, r);
	cert_unref(chain[0]);
	cert_unref(chain[1]);
}

static void
refused(void *arg, const struct addr *peer, enum channel_refusal why, const char *text)
{
	(void)arg;
	(void)peer;
	printf("refused %s: %s\n", channel_refusal_name(why), text);
}

static void
attach(const struct channel_config *cfg)
{
	static const struct grasp_io_ev_config lo = { .loopback = true };
	struct channel_config full = *cfg;

	need("io", grasp_io_ev_new(me.loop, &lo, &me.io));
	full.inner = me.io;
	full.self = me.self;
	full.refused = refused;
	need("channel", channel_new(&full, &me.channel));
}

static void
print_who(const char *event, const struct grasp_who *who)
{
	struct fog_id id;
	char text[FOG_ID_TEXT];

	memcpy(id.bytes, who->id, sizeof id.bytes);
	printf("%s %s %s\n", event, trust_role_name((enum trust_role)who->role),
	    fog_id_format(&id, text));
}

/* --- listening -------------------------------------------------------------------------------- */

static ssize_t
send_back(void *arg, struct grasp_stream *s, struct slice data)
{
	int r = me.channel->ops->stream_send(s, data);

	(void)arg;
	return r < 0 ? r : (ssize_t)data.len;
}

static void
note_closed(void *arg, struct grasp_stream *s, int err)
{
	(void)arg;
	(void)s;
	printf("closed %s\n", err ? strerror(err) : "in order");
}

static const struct grasp_stream_ops echo_ops = { .received = send_back,
	.closed = note_closed };

static void
accepted(void *arg, struct grasp_stream *s)
{
	(void)arg;
	print_who("accepted", me.channel->ops->stream_who(s));
	me.channel->ops->stream_set(s, &echo_ops, NULL);
}

static void
operate(void *arg, struct grasp_stream *s, const struct trust_name *who)
{
	(void)who;
	(void)arg;
	print_who("operator", me.channel->ops->stream_who(s));
	me.channel->ops->stream_set(s, &echo_ops, NULL);
}

static void
ignore_datagram(void *arg, const struct grasp_datagram *d)
{
	(void)arg;
	(void)d;
}

static int
listen_on(uint16_t port)
{
	static const struct grasp_io_events events = { .datagram = ignore_datagram,
		.accepted = accepted };
	struct channel_config cfg = {
		.accept = TRUST_BIT(TRUST_AGENT), .join = true, .operate = operate
	};

	become("controller", TRUST_CONTROLLER);
	attach(&cfg);
	need("bind", me.channel->ops->bind(me.channel, port, &events, NULL));
	printf("ready\n");
	ev_run(me.loop, 0);
	return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static void
opened(void *arg, struct grasp_stream *s)
{
	static const char hello[] = "hello\n";

	(void)arg;
	print_who("opened", me.channel->ops->stream_who(s));
	me.channel->ops->stream_send(
	    s, (struct slice){ (const uint8_t *)hello, sizeof hello - 1 });
}

static ssize_t
show(void *arg, struct grasp_stream *s, struct slice data)
{
	(void)arg;
	printf("heard %.*s\n", (int)data.len - 1, (const char *)data.data);
	me.channel->ops->stream_close(s, false);
	ev_break(me.loop, EVBREAK_ALL);
	return (ssize_t)data.len;
}

static void
failed(void *arg, struct grasp_stream *s, int err)
{
	note_closed(arg, s, err);
	me.status = 1;
	ev_break(me.loop, EVBREAK_ALL);
}

static int
open_to(const char *where)
{
	static const struct grasp_stream_ops ops = { opened, show, failed };
	struct channel_config cfg = { .open = TRUST_BIT(TRUST_CONTROLLER) };
	struct grasp_stream *s;
	struct addr to;

	need(where, addr_parse(where, &to));
	become("agent", TRUST_AGENT);
	attach(&cfg);
	need(where,
	    me.channel->ops->stream_open(me.channel, &to, OPEN_MS, &ops, NULL, &s));
	ev_run(me.loop, 0);
	return me.status;
}

/* --- life ------------------------------------------------------------------------------------- */

static void
on_signal(struct ev_loop *loop, ev_signal *w, int events)
{
	(void)w;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void
clean_up(void)
{
	channel_free(me.channel);
	grasp_io_ev_free(me.io);
	credential_free(me.self);
	trust_time_free(me.time);
	cert_unref(me.ca);
	key_free(me.key);
}

int
main(int argc, char *argv[])
{
	static ev_signal term;
	int status = 2;

	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN);
	me.loop = ev_default_loop(0);
	ev_signal_init(&term, on_signal, SIGTERM);
	ev_signal_start(me.loop, &term);
	me.dir = argc > 2 ? argv[2] : NULL;
	if (argc == 3 && strcmp(argv[1], "paper") == 0)
		status = write_paper();
	else if (argc == 4 && strcmp(argv[1], "listen") == 0)
		status = listen_on((uint16_t)atoi(argv[3]));
	else if (argc == 4 && strcmp(argv[1], "open") == 0)
		status = open_to(argv[3]);
	else
		fprintf(
		    stderr, "usage: echo paper|listen|open DIRECTORY [PORT|ADDRESS]\n");
	clean_up();
	return status;
}
