/* SPDX-License-Identifier: Apache-2.0
 *
 * The control socket of a controller somewhere else: TLS to its GRASP port, as an operator of the
 * domain. Only a controller of that domain is believed. */
#pragma once
#include "base/ctl.h"

/* controller: "[2001:db8::1]:7017", "host:7017", ":7017" for this machine. identity: the directory that
 * `fogctl ca issue` made: operator.key, certificate.pem, trust.pem. What is wrong has been
 * said then. */
int remote_connect(const char *controller, const char *identity, struct ctl_client **ret)
    MUST_CHECK;
