/* SPDX-License-Identifier: Apache-2.0
 *
 * Operators who come over the network (`fogctl --controller`): streams of the channel that spoke
 * CHANNEL_ALPN_CTL, handed to the server of the control socket with the role of their certificate. Same
 * table, same checks, same audit as on the socket (S-28). Whoever is revoked or expires meanwhile
 * is closed. Made after the channel and the server, freed before both. */
#pragma once
#include "trust/who.h"

struct ctl_server;
struct grasp_io;
struct grasp_stream;
struct operators;

#define OPERATORS_MAX 16

int operators_new(struct grasp_io *channel, struct ctl_server *ctl, struct operators **ret)
    MUST_CHECK;
void operators_free(struct operators *o);
DEFINE_FREEP(struct operators, operators_free)
/* As channel_config.operate: takes the stream, or leaves it without an owner, which ends it. */
void operators_take(
    struct operators *o, struct grasp_stream *s, const struct trust_name *who);
