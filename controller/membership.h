/* SPDX-License-Identifier: Apache-2.0
 *
 * What a controller has to do with being a member, its own and that of others: authority, enrolment,
 * what members are told, and once an hour a look at all of it. With plain GRASP there is none of this,
 * and every function here does nothing. */
#pragma once
#include "controller/authority.h"
#include "controller/enrol.h"
#include "controller/notices.h"
#include "controller/protection.h"

#include <limits.h>

struct membership { /* embedded, zeros at first */
	struct protection *protection;
	struct grasp_io *io;
	struct authority *authority;
	struct notices *notices;
	struct enrol *enrol;
	struct grasp_timer *hourly;
	char secrets[PATH_MAX]; /* file of those of sealed multicasts */
};

/* Around the sockets and behind the store, before the engine. */
int membership_found(struct membership *m, struct protection *p, struct grasp_io *io,
    struct store *store, struct events *events, struct audit *audit) MUST_CHECK;
/* With the engine: from here on somebody can join. */
int
membership_open(struct membership *m, struct grasp_node *grasp, struct registry *registry,
    struct store *store, struct events *events, struct audit *audit) MUST_CHECK;
void membership_registered(
    struct membership *m, struct node *n, uint64_t trust_version, uint64_t denials);
void membership_node_changed(struct membership *m, struct node *n);
/* fogctl domain renew and fogctl ca rotate have changed the files of the domain. */
void membership_reload(struct membership *m);
void
membership_close(struct membership *m); /* after store_flush(), before the engine goes */
void membership_done(struct membership *m); /* after that */
