/* SPDX-License-Identifier: Apache-2.0
 *
 * Value of FOGDOMAIN: who a controller is, or who looks for one. Encode beside decode; unknown
 * keys are ignored; a plain text, as in the draft's example, is read as the domain. */
#pragma once
#include "base/cbor.h"
#include "protocol/names.h"

enum fog_role { FOG_CONTROLLER = 1, FOG_AGENT = 2 };

struct fog_domain {
	bool has_id;
	struct fog_id id;
	char domain[FOG_NAME_MAX + 1]; /* "" : any */
	char scope[257];	       /* canonical scope expression; "" : everybody */
	uint64_t epoch;		       /* grows at each start of the sender */
	enum fog_role role;	       /* 0: not said */
	bool leaving;		       /* orderly exit (DISC-21) */
	uint8_t hops; /* initial hop limit of a scoped multicast; 0: not said */
};
void fog_domain_encode(const struct fog_domain *d, struct buf *out);
/* No value, null and {} say nothing: any domain. -EBADMSG; *ret is not to be used then. */
int fog_domain_decode(struct slice value, struct fog_domain *ret) MUST_CHECK;
/* The same domain, or one of them does not say which. */
bool fog_domain_agrees(const char *a, const char *b);
