/* SPDX-License-Identifier: Apache-2.0
 *
 * What it costs to read and to write each message of RFC 8990: time, and calls of malloc. Beside it,
 * in the same run, what libcbor's streaming decoder takes to walk over the same bytes with callbacks
 * that do nothing. One line of JSON per message; tests/bench/bench_grasp shows them. */
#include "base/buf.h"
#include "base/crypto.h"
#include "grasp/msg.h"
#include "tests/support/alloc.h"

#include <cbor.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define REPETITIONS   31
#define REPETITION_NS 4000000

/* One of each, as nodes of today send them (tests/data/grasp). */
static const char *const messages[] = {
	"8100",
	"84011a00d4d7495020010db811112222333344445555666684"
	"69464f47444f4d41494e0502696f70657261746f7231",
	"85021a1509bb0a50fd9e00010000000000000000000000011a000927c0"
	"84186750fd9e000100000000000000000000000206198d43",
	"83031a1509bb0a84634558310306820102",
	"83041a1509bb0a84634558320506f6",
	"83051a1509bb0a84634558310305820102",
	"83061a1509bb0a811865",
	"83071a1509bb0a1903e8",
	"83081a1509bb0a846345583205066568656c6c6f",
	"85091a1509bb0a50fd9e0001000000000000000000000001197530"
	"828469464f47444f4d41494e0506a30141aa02696f70657261746f72310361"
	"7884186750fd9e000100000000000000000000000206191b69",
	"8318631a1509bb0a6b6e6f206c697374656e6572",
};

struct sample {
	double median, low, high; /* ns per call; the quartiles */
	double allocations;	  /* per call */
};

struct work {
	struct slice bytes;
	struct grasp_msg msg, decoded;
	struct buf out;
};

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static bool
decode(struct work *w)
{
	size_t len;

	return grasp_msg_decode(w->bytes, &w->decoded, &len) == 0;
}

static bool
encode(struct work *w)
{
	buf_reset(&w->out);
	return grasp_msg_encode(&w->msg, &w->out) == 0;
}

static bool
walk_with_libcbor(struct work *w)
{
	size_t at = 0;

	while (at < w->bytes.len) {
		struct cbor_decoder_result r = cbor_stream_decode(
		    w->bytes.data + at, w->bytes.len - at, &cbor_empty_callbacks, NULL);

		if (r.status != CBOR_DECODER_FINISHED)
			return false;
		at += r.read;
	}
	return true;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How often fits a repetition. */
static unsigned
calibrate(bool (*call)(struct work *w), struct work *w)
{
	for (unsigned n = 64;; n *= 2) {
		int64_t begin = now_ns();

		for (unsigned i = 0; i < n; i++)
			call(w);
		if (now_ns() - begin > REPETITION_NS)
			return n;
	}
}

static struct sample
measure(bool (*call)(struct work *w), struct work *w)
{
	unsigned calls = calibrate(call, w);
	double ns[REPETITIONS];
	size_t allocations = alloc_count();

	for (unsigned r = 0; r < REPETITIONS; r++) {
		int64_t begin = now_ns();

		for (unsigned i = 0; i < calls; i++)
			call(w);
		ns[r] = (double)(now_ns() - begin) / calls;
	}
	allocations = alloc_count() - allocations;
	qsort(ns, REPETITIONS, sizeof ns[0], compare);
	return (struct sample){ ns[REPETITIONS / 2], ns[REPETITIONS / 4],
		ns[REPETITIONS * 3 / 4], (double)allocations / calls / REPETITIONS };
}

static void
print(const char *what, struct sample s)
{
	printf(",\"%s\":{\"ns\":%.1f,\"low\":%.1f,\"high\":%.1f,\"allocations\":%g}",
	    what, s.median, s.low, s.high, s.allocations);
}

static int
bench(const char *hex)
{
	uint8_t in[256], out[256];
	static struct work w;
	size_t len;

	w.bytes = (struct slice){ in, strlen(hex) / 2 };
	buf_init_fixed(&w.out, out, sizeof out);
	if (hex_parse(hex, in, w.bytes.len) < 0 ||
	    grasp_msg_decode(w.bytes, &w.msg, &len) < 0 || !encode(&w) ||
	    !slice_equal(w.bytes, buf_slice(&w.out)) || !walk_with_libcbor(&w)) {
		fprintf(stderr, "not a message: %s\n", hex);
		return -1;
	}
	printf("{\"message\":\"%s\",\"bytes\":%zu", grasp_type_name(w.msg.type), len);
	print("decode", measure(decode, &w));
	print("encode", measure(encode, &w));
	print("walk", measure(walk_with_libcbor, &w));
	puts("}");
	return 0;
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		if (bench(messages[i]) < 0)
			return 1;
	return 0;
}
