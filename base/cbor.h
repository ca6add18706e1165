/* SPDX-License-Identifier: Apache-2.0
 *
 * CBOR (RFC 8949) for bytes that a stranger sent. The reader pulls one item after the other
 * from a slice and owns nothing: it allocates nothing, and depth, number of items and every
 * length are checked before they are used. The writer puts items into a struct buf, always
 * in the shortest form (RFC 8949 §4.2.1). Built on libcbor's streaming decoder and encoders;
 * cbor_load() is never called (five bytes can make libcbor 0.8 allocate two gigabytes).
 *
 * Reading is rd_…(), writing is wr_…(): libcbor owns the prefix cbor_.
 *
 * Reader use: call getters in the expected order and look at the error once, at the end. After
 * the first error every getter returns zero, an empty slice or false, and rd_more() is false,
 * so loops end. */
#pragma once
#include "base/buf.h"
#include <sys/types.h>

#define CBOR_DEPTH_MAX 16

enum rd_type {
	RD_UINT,
	RD_NEGINT,
	RD_BYTES,
	RD_TEXT,
	RD_ARRAY,
	RD_MAP,
	RD_TAG,
	RD_BOOL,
	RD_NULL,
	RD_UNDEFINED,
	RD_FLOAT,
	RD_SIMPLE,
	RD_NONE, /* end of the container or of the input, or after an error */
};

struct cbor_reader {
	const uint8_t *data;
	size_t size, pos;
	int err;		/* 0, -EBADMSG malformed, -EINVAL not the expected type or range */
	size_t limit;		/* nothing may be declared to reach beyond; size but in a cbor_scan */
	uint32_t items_left;	/* budget of items, against bombs of small items */
	uint32_t maps;		/* bit per level: it is a map */
	enum rd_type chunks;	/* inside a chunked string of this type, else RD_NONE */
	uint8_t depth, tags;	/* containers entered; tags read before the next item */
	/* Items left per level; counts down from UINT64_MAX where the length is indefinite. */
	uint64_t left[CBOR_DEPTH_MAX + 1];
	uint8_t scratch[256];	/* a chunked string is put together here */
};

/* items: how many data items may be met in all; 0 gives the default of 1024. */
void rd_init(struct cbor_reader *r, struct slice in, uint32_t items);

enum rd_type rd_peek(struct cbor_reader *r);
uint64_t rd_uint(struct cbor_reader *r);
uint64_t rd_uint_max(struct cbor_reader *r, uint64_t max); /* above max: -EINVAL */
int64_t rd_int(struct cbor_reader *r);			 /* beyond int64: -EINVAL */
double rd_number(struct cbor_reader *r);			 /* integer or float */
bool rd_bool(struct cbor_reader *r);
void rd_null(struct cbor_reader *r);
uint64_t rd_tag(struct cbor_reader *r); /* the tagged item follows */
/* Strings borrow from the input. A chunked string is reassembled in r->scratch (≤ 256 bytes,
 * else -EINVAL) and is valid until the next getter. Text must be UTF-8. */
struct slice rd_bytes(struct cbor_reader *r);
struct slice rd_text(struct cbor_reader *r);
/* Text into dst with NUL; longer or with a NUL inside: -EINVAL. */
void rd_text_copy(struct cbor_reader *r, char *dst, size_t size);
/* Exactly len bytes into dst. */
void rd_bytes_copy(struct cbor_reader *r, void *dst, size_t len);
/* Any one item, nested ones included, as its raw bytes; it is checked to be well-formed. */
struct slice rd_raw(struct cbor_reader *r);
void rd_skip(struct cbor_reader *r);

/* Containers: enter, loop while rd_more(), leave. Leaving skips what was not read.
 * For a map rd_more() is asked before each key. */
void rd_enter_array(struct cbor_reader *r);
void rd_enter_map(struct cbor_reader *r);
bool rd_more(struct cbor_reader *r);
void rd_leave(struct cbor_reader *r);
/* The value map of the fog protocol: next key of a map with unsigned keys in ascending order
 * (a repeated or descending key is -EBADMSG). *key must start as -1; false at the end.
 *	for (int64_t key = -1; rd_next_key(r, &key);) switch (key) { … default: rd_skip(r); } */
bool rd_next_key(struct cbor_reader *r, int64_t *key);
/* The same for maps with text keys (no order is asked for). */
bool rd_next_text_key(struct cbor_reader *r, struct slice *key);

void rd_fail(struct cbor_reader *r, int err); /* for the caller's own checks; first one sticks */
/* 0, the error, or -EBADMSG when something follows the item(s) read. */
int rd_done(struct cbor_reader *r) MUST_CHECK;

/* Where does the first item of a byte stream end? > 0: its length; 0: more bytes are needed;
 * -EBADMSG: malformed; -EMSGSIZE: longer than max. Linear, without allocation. */
ssize_t cbor_item_length(struct slice in, size_t max) MUST_CHECK;
/* The same for a stream that arrives in pieces: what was seen is not looked at again, so a peer
 * that sends single bytes cannot make the work quadratic. `in` begins with the same item at
 * each call and only grows; init again for the next item. */
struct cbor_scan {
	struct cbor_reader at;
};
void cbor_scan_init(struct cbor_scan *s, size_t max);
ssize_t cbor_scan_item(struct cbor_scan *s, struct slice in) MUST_CHECK;
/* One well-formed item within the depth limit and nothing else? */
bool cbor_well_formed(struct slice in);

void wr_uint(struct buf *b, uint64_t v);
void wr_int(struct buf *b, int64_t v);
void wr_double(struct buf *b, double v); /* shortest width that keeps the value */
void wr_bool(struct buf *b, bool v);
void wr_null(struct buf *b);
void wr_tag(struct buf *b, uint64_t tag);
void wr_bytes(struct buf *b, const void *data, size_t len);
void wr_text(struct buf *b, const char *text); /* UTF-8, as the caller has made sure */
void wr_text_slice(struct buf *b, struct slice text);
void wr_raw(struct buf *b, struct slice item); /* bytes that are CBOR already */
void wr_array(struct buf *b, uint64_t n);
void wr_map(struct buf *b, uint64_t pairs);
/* Indefinite containers, for the local control socket only. */
void wr_open_array(struct buf *b);
void wr_open_map(struct buf *b);
void wr_close(struct buf *b);
/* Shorthands for maps with text keys: the read model. */
void wr_key_text(struct buf *b, const char *key, const char *text); /* NULL text: null */
void wr_key_int(struct buf *b, const char *key, int64_t v);
void wr_key_double(struct buf *b, const char *key, double v); /* NaN: null */
void wr_key_bool(struct buf *b, const char *key, bool v);

/* Diagnostic notation (RFC 8949 §8) of one item, for logs and the decoder; what is not one
 * well-formed item becomes malformed(h'…'). */
void cbor_diag(struct buf *out, struct slice item);
/* The same with the width of each float, 0.25_3 in 64 bits (RFC 8949 §8.1), and a fixed point for
 * more numbers. */
void cbor_diag_wide(struct buf *out, struct slice item);
/* A number like that: as few digits as read back, a point from 1e-4 up to 1e16, or an exponent of
 * two digits or more; NaN, Infinity. */
void cbor_diag_double(struct buf *out, double v);
/* From diagnostic notation, with what RFC 8610 app. G adds, to one item in its shortest form
 * (1_3 and 0.5_2 force a width). -EBADMSG: err says in which column what is wrong. */
int cbor_parse(struct slice text, struct buf *out, char *err, size_t err_size) MUST_CHECK;
