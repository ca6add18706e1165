/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that go to other TLS libraries, looked at early: what is wrong with them is told at the start
 * and not when the first connection fails. Any algorithm that OpenSSL knows will do. */
#pragma once
#include "base/buf.h"

/* How many certificates there are; -EBADMSG: none, or one that is damaged. */
int pem_count_certificates(struct slice pem) MUST_CHECK;
/* Is key the private one of the first certificate? 0; -ENOKEY: of another one; -EBADMSG: either holds
 * nothing, or needs a password. */
int pem_check_pair(struct slice certificate, struct slice key) MUST_CHECK;
