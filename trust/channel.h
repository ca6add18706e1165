/* SPDX-License-Identifier: Apache-2.0
 *
 * A grasp_io whose streams are mutually authenticated TLS 1.3, on top of another grasp_io: the engine
 * does not see the difference, but for grasp_link_who(). Which protocol is spoken follows from what
 * we are: without a certificate streams are for joining (ALPN x-fogwatch-join/1) and the peer is
 * judged by the pin; a member speaks x-fogwatch-grasp/1 to members.
 *
 * Streams that others open are told to the engine when their peer is known. Until then each phase has
 * a deadline and their number is bounded, in all, a /64 (of IPv4 a /24) and an address (S-14): a
 * newcomer takes the place of one that wastes its time. At most CHANNEL_HANDSHAKES_TURN of them are
 * worked on in one turn of the loop, so that live sessions go first. What does not begin like TLS is
 * closed at the first byte.
 *
 * Who comes to join is a TRUST_STRANGER with the id of the key that it shows, zeros if it shows none,
 * or TRUST_LAPSED if it is or was a member. A client is open when the server has proved itself: that
 * the server does not want it shows a moment later, when the stream is closed. A connection that ends
 * without close_notify is closed with ECONNRESET, one that is not trusted any more with EKEYREVOKED;
 * after stream_send() has failed with -ENOBUFS it can only be closed. */
#pragma once
#include "grasp/io.h"
#include "trust/credential.h"

#define CHANNEL_ALPN_GRASP	"x-fogwatch-grasp/1"
#define CHANNEL_ALPN_JOIN	"x-fogwatch-join/1"
#define CHANNEL_ALPN_CTL	"x-fogwatch-ctl/1"
#define CHANNEL_HELLO_MS	2000 /* from accept to ClientHello */
#define CHANNEL_HANDSHAKE_MS	5000
#define CHANNEL_STRANGERS_MAX	512 /* before they are known */
#define CHANNEL_STRANGERS_NET	256 /* of a /64 */
#define CHANNEL_STRANGERS_ADDR	4
#define CHANNEL_HANDSHAKES_TURN 8 /* fewer, if they take longer than a ms or two */
#define CHANNEL_JOINING_MAX	64 /* joining, known by their key alone */

enum channel_refusal {
	CHANNEL_PLAIN,	   /* first byte is not TLS's */
	CHANNEL_SLOW,	   /* a phase took too long */
	CHANNEL_CROWDED,   /* one of the limits */
	CHANNEL_BROKEN,	   /* not TLS 1.3, no ALPN of ours, cut off */
	CHANNEL_UNTRUSTED, /* no certificate, not of the domain, not the role */
	CHANNEL_EXPIRED,
	CHANNEL_REVOKED,
	CHANNEL_REFUSALS
};
const char *channel_refusal_name(enum channel_refusal r); /* a word, as metrics have it */

struct channel_config {
	struct grasp_io *inner; /* borrowed, as is self */
	struct credential *self;
	unsigned accept; /* TRUST_BIT() of members whose connections are taken */
	unsigned open;	 /* and of those that we open connections to */
	bool join;	 /* strangers may come to join, lapsed ones to renew */
	/* An operator is there (CHANNEL_ALPN_CTL): the stream is the callee's now, to be used through
	 * the ops of this io. NULL: operators are not served here. */
	void (*operate)(void *arg, struct grasp_stream *s, const struct trust_name *who);
	/* A connection that somebody opened came to nothing; text: a few words. May be NULL. */
	void (*refused)(void *arg, const struct addr *peer, enum channel_refusal why,
	    const char *text);
	void *arg;
};
int channel_new(const struct channel_config *cfg, struct grasp_io **ret) MUST_CHECK;
void channel_free(struct grasp_io *channel);
static inline void
channel_freep(struct grasp_io **channel)
{
	channel_free(*channel);
}
/* Something in self has changed: connections of those who are trusted no more end now (S-19). */
void channel_recheck(struct grasp_io *channel);

struct channel_counters {
	uint64_t opened, accepted, joining, handshakes_failed;
	uint64_t refused[CHANNEL_REFUSALS];
	unsigned strangers, streams; /* now */
};
const struct channel_counters *channel_counters(const struct grasp_io *channel);
