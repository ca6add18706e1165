/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside fogctl ca rotate: ca_rotate.c says what happens in which order, ca_rotate_files.c does it.
 * Functions give exit codes, and have complained then. */
#pragma once
#include "ctl/ca.h"
#include "trust/credential.h"

struct rotation {
	char ca_dir[PATH_MAX], own_dir[PATH_MAX];
	int lock;
	/* the controller's credential, as it is on disk */
	struct key *key;
	struct trust_time *time;
	struct credential *self;
	struct ca old;
	struct ca
	    fresh; /* the new key; its certificate, and those that stay trusted beside it */
};
/* Alone, as the user whose the files are; what an earlier call could not finish is finished. */
int rotation_open(struct rotation *r) MUST_CHECK;
void rotation_close(struct rotation *r);
int rotation_make(struct rotation *r) MUST_CHECK;  /* fresh, in memory */
int rotation_write(struct rotation *r) MUST_CHECK; /* all of it or nothing */
int rotation_drop(struct rotation *r) MUST_CHECK;  /* trusts the newest alone */
