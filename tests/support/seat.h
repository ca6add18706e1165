/* SPDX-License-Identifier: Apache-2.0
 *
 * The seat of a domain: its CAs and the credential of its controller, in files, with a clock that stands
 * still until it is moved. What fails here ends the test. */
#pragma once
#include "tests/support/pki.h"
#include "trust/credential.h"

#define SEAT_DOMAIN "plant"

struct seat {
	struct pki_ca ca[TRUST_ANCHORS_MAX]; /* newest first */
	size_t cas;
	uint64_t trust_version;
	struct key *key;
	struct trust_time *time;
	int64_t now_ms; /* PKI_NOW at first */
	char *dir, place[256];
	struct credential *self; /* of the controller */
};
void seat_init(struct seat *s);
void seat_done(struct seat *s);
void seat_close(struct seat *s); /* the controller stops: self is gone */
void seat_open(struct seat *s);	 /* and starts again */
/* As `fogctl ca rotate` does, behind the controller's back: a new CA, and a leaf of it. */
void seat_rotate(struct seat *s);
/* The CA as the signer reads it: key and certificates, into a directory that is there. */
void seat_save_ca(const struct seat *s, const char *dir);
/* DER of the CAs, newest first; returns how many. */
size_t seat_cas(const struct seat *s, struct slice ret[TRUST_ANCHORS_MAX]);
/* A credential of an agent that has joined just now, with nothing on disk. key: its own. */
struct credential *seat_admit(struct seat *s, const struct key *key);
