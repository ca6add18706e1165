/* SPDX-License-Identifier: Apache-2.0
 *
 * The head of one CBOR item (RFC 8949 §3): the step below the reader, for base/cbor*.c only. */
#pragma once
#include "base/cbor.h"

struct cbor_head {
	enum rd_type type; /* RD_NONE: a break */
	bool indefinite;   /* string, array or map without a length */
	uint8_t len;	   /* bytes of the head itself */
	uint64_t
	    arg; /* value, length, count, tag or simple value; -1 - arg if RD_NEGINT */
	double number; /* of RD_FLOAT */
};

/* > 0: the length of the head; 0: more bytes are needed; -EBADMSG: no CBOR begins so. */
int cbor_head_decode(struct slice in, struct cbor_head *ret) MUST_CHECK;
