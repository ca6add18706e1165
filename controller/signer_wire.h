/* SPDX-License-Identifier: Apache-2.0
 *
 * Between controller/signer.c and its process, over a SOCK_SEQPACKET pair: one struct a packet, and
 * nothing else is understood. */
#pragma once
#include "base/crypto_cert.h"
#include "controller/signer.h"

#include <sys/types.h>

#define SIGNER_SPKI_MAX 256

enum signer_op { SIGNER_ISSUE = 1, SIGNER_RELOAD };

struct signer_request {
	uint32_t op;
	uint32_t number; /* of the request; comes back with the answer */
	struct fog_id id;
	uint32_t days;
	uint32_t spki_len;
	int64_t now_ms;
	uint8_t spki[SIGNER_SPKI_MAX];
};
struct signer_answer {
	uint32_t number; /* 0: of the start */
	int32_t err;	 /* negative errno */
	uint32_t len;
	uint8_t certificate[CERT_DER_MAX];
};

/* The process: serves sock until it is closed. Never returns. */
void
signer_main(int sock, const char *ca_dir, pid_t controller) __attribute__((noreturn));
