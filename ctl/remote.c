/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/remote.h"
#include "base/clock.h"
#include "base/tls.h"
#include "trust/channel.h"
#include "trust/credential.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define PORT	    "7017"
#define HANDSHAKE_S 10
#define PLAIN_MAX   (1 << 20)
#define WIRE_MAX    (1 << 20)

struct remote {
	int fd;
	struct key *key;
	struct trust_time *time;
	struct credential *self;
	struct tls_context *context;
	struct tls *tls;
	struct cert *own[1];
	struct buf plain; /* came, not asked for yet */
	struct buf wire;  /* to be sent */
	char refusal[128];
};

static int
complain_of(const char *what, const char *why, int err)
{
	fprintf(stderr, "fogctl: %s: %s\n", what, why);
	return err;
}

static void
remote_free(struct remote *r)
{
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	cert_unref(r->own[0]);
	tls_free(r->tls);
	tls_context_free(r->context);
	credential_free(r->self);
	trust_time_free(r->time);
	key_free(r->key);
	buf_done(&r->plain);
	buf_done(&r->wire);
	free(r);
}
DEFINE_FREEP(struct remote, remote_free)

/* --- who we are ------------------------------------------------------------------------------------ */
static int64_t
clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t
wall_ms(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_REALTIME);
}

static int64_t
boot_ms(void *arg)
{
	(void)arg;
	return clock_ms(CLOCK_BOOTTIME);
}

/* What the certificate says, before anything is judged by it. */
static int
read_name(const char *dir, struct trust_name *ret)
{
	char path[PATH_MAX];
	struct cert *cert = NULL;
	int n, err;

	snprintf(path, sizeof path, "%s/certificate.pem", dir);
	n = cert_load(path, 1, &cert);
	if (n < 0)
		return complain_of(path,
		    n == -ENOENT ? "there is none; fogctl ca issue makes it"
				 : strerror(-n),
		    n);
	err = trust_uri_parse(cert_facts(cert)->uri, ret);
	cert_unref(cert);
	return err ? complain_of(path, "this is no certificate of a domain", err) : 0;
}

static int
load_identity(struct remote *r, const char *dir)
{
	struct trust_name name;
	char path[PATH_MAX];
	int err = read_name(dir, &name);

	if (err)
		return err;
	snprintf(path, sizeof path, "%s/operator.key", dir);
	err = key_load(path, &r->key);
	if (err)
		return complain_of(path,
		    err == -EPERM ? "others may read it; chmod 600" : strerror(-err),
		    err);
	err = trust_time_new(NULL, wall_ms, boot_ms, NULL, &r->time);
	if (!err)
		err = credential_new(
		    dir, name.domain, name.role, r->key, r->time, &r->self);
	if (err)
		return complain_of(dir, strerror(-err), err);
	if (credential_state(r->self) != CREDENTIAL_VALID)
		return complain_of(dir,
		    "the certificate has expired; fogctl ca issue makes another",
		    -EKEYEXPIRED);
	return 0;
}

/* --- who is there ----------------------------------------------------------------------------------- */
static bool
show_self(void *arg, const struct tls *t, const char *hint, struct tls_self *ret)
{
	struct remote *r = arg;
	struct cert *mine = credential_cert(r->self, hint);

	(void)t;
	if (!mine)
		return false;
	cert_unref(r->own[0]);
	r->own[0] = cert_ref(mine);
	*ret = (struct tls_self){ r->key, r->own, 1 };
	return true;
}

static int
judge(void *arg, struct tls *t, struct cert *const chain[], size_t len, const char **why)
{
	struct remote *r = arg;
	struct trust_name name;
	int err = anchors_judge(credential_anchors(r->self), chain, len,
	    TRUST_BIT(TRUST_CONTROLLER), credential_now(r->self), &name, why);

	(void)t;
	if (err)
		snprintf(r->refusal, sizeof r->refusal, "%s",
		    why && *why ? *why : strerror(-err));
	return err;
}

/* --- bytes -------------------------------------------------------------------------------------------- */
static int
send_wire(struct remote *r)
{
	while (r->wire.pos) {
		ssize_t n = send(r->fd, r->wire.data, r->wire.pos, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf_drop(&r->wire, (size_t)n);
	}
	return r->wire.err;
}

/* What comes next; 0: the connection is at its end. An alert of ours is sent all the same. */
static int
take_some(struct remote *r)
{
	uint8_t piece[16384];
	ssize_t n = recv(r->fd, piece, sizeof piece, 0);
	int err, sent;

	if (n < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	if (n == 0)
		return 0;
	err = tls_take(r->tls, (struct slice){ piece, (size_t)n }, &r->plain, &r->wire);
	sent = send_wire(r);
	return err ? err : sent ? sent : 1;
}

static ssize_t
carrier_send(void *arg, const void *data, size_t len)
{
	struct remote *r = arg;
	size_t piece = len < 16384 ? len : 16384;
	int err = tls_put(r->tls, (struct slice){ data, piece }, &r->wire);

	if (!err)
		err = send_wire(r);
	return err ? err : (ssize_t)piece;
}

static ssize_t
carrier_receive(void *arg, void *dst, size_t size)
{
	struct remote *r = arg;
	size_t n;

	while (!r->plain.pos) {
		int err = tls_is_ended(r->tls) ? 0 : take_some(r);

		if (err <= 0)
			return err;
	}
	n = r->plain.pos < size ? r->plain.pos : size;
	memcpy(dst, r->plain.data, n);
	buf_drop(&r->plain, n);
	return (ssize_t)n;
}

static void
carrier_closed(void *arg)
{
	struct remote *r = arg;

	tls_end(r->tls, &r->wire);
	(void)send_wire(r);
	remote_free(r);
}

static const struct ctl_carrier carrier = { carrier_send, carrier_receive,
	carrier_closed };

/* --- the connection --------------------------------------------------------------------------------- */
/* "[a::b]:1", "host:1", "a::b", ":1". */
static int
split_locator(const char *text, char *host, size_t size, const char **ret_port)
{
	const char *colon = strrchr(text, ':'), *end = strrchr(text, ']');
	size_t len = strlen(text);

	*ret_port = PORT;
	if (text[0] == '[' && end && (!end[1] || end[1] == ':')) {
		*ret_port = end[1] ? end + 2 : PORT;
		text++;
		len = (size_t)(end - text);
	} else if (colon && strchr(text, ':') == colon) {
		*ret_port = colon + 1;
		len = (size_t)(colon - text);
	}
	if (!**ret_port || len >= size)
		return -EINVAL;
	snprintf(host, size, "%.*s", (int)len, text);
	return 0;
}

static void
set_timeout(int fd, int seconds)
{
	const struct timeval t = { .tv_sec = seconds };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

static int
connect_one(const struct addrinfo *a)
{
	int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return -errno;
	set_timeout(fd, HANDSHAKE_S);
	if (connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return fd;
	err = errno == EINPROGRESS ? -ETIMEDOUT : -errno;
	close(fd);
	return err;
}

static int
connect_any(const char *controller)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	char host[256];
	const char *port;
	int fd = -EINVAL, rc;

	if (split_locator(controller, host, sizeof host, &port))
		return complain_of(
		    controller, "this is no locator such as [2001:db8::1]:7017", -EINVAL);
	rc = getaddrinfo(*host ? host : NULL, port, &hints, &list);
	if (rc)
		return complain_of(controller, gai_strerror(rc), -EHOSTUNREACH);
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next)
		fd = connect_one(a);
	freeaddrinfo(list);
	return fd < 0 ? complain_of(controller, strerror(-fd), fd) : fd;
}

static int
begin_tls(struct remote *r)
{
	const struct tls_setup setup = { .self = show_self, .verify = judge };
	char hint[17];
	int err = tls_context_new(&setup, &r->context);

	if (!err)
		err = tls_new_client(r->context, CHANNEL_ALPN_CTL,
		    credential_hint(r->self, hint), r, &r->tls);
	if (!err)
		err = tls_take(r->tls, (struct slice){ 0 }, &r->plain, &r->wire);
	return err ? err : send_wire(r);
}

static int
shake_hands(struct remote *r, const char *controller)
{
	int err = begin_tls(r);

	while (!err && !tls_is_open(r->tls)) {
		err = take_some(r);
		err = err > 0 ? 0 : err ? err : -ECONNRESET;
	}
	if (!err) {
		set_timeout(r->fd, 0); /* an answer may take its time */
		return 0;
	}
	if (*r->refusal) {
		fprintf(stderr,
		    "fogctl: %s: this is no controller of the domain %s: %s\n",
		    controller, credential_name(r->self)->domain, r->refusal);
		return err;
	}
	fprintf(stderr,
	    "fogctl: %s: %s. Does it have \"remote-operators: yes\", and is the "
	    "certificate in force?\n",
	    controller,
	    r->tls && *tls_error(r->tls) ? tls_error(r->tls) : strerror(-err));
	return err;
}

int
remote_connect(const char *controller, const char *identity, struct ctl_client **ret)
{
	CLEANUP(remote_free) struct remote *r = calloc(1, sizeof *r);
	int err;

	if (!r)
		return -ENOMEM;
	r->fd = -1;
	buf_init(&r->plain, PLAIN_MAX);
	buf_init(&r->wire, WIRE_MAX);
	err = load_identity(r, identity);
	if (err)
		return err;
	r->fd = connect_any(controller);
	if (r->fd < 0)
		return r->fd;
	err = shake_hands(r, controller);
	return err ? err : ctl_connect_through(&carrier, TAKE(r), ret);
}
