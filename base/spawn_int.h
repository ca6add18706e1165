/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's side of its spawner: spawn.c (starting, ending, news) and spawn_pipes.c (what is written
 * to programs and what they print). Nobody else includes it. */
#pragma once
#include "base/spawn.h"
#include <ev.h>
#include <sys/queue.h>
#include <sys/types.h>

#define LINE_PRESET   4096
#define OUTPUT_PRESET 65536
#define INPUT_MAX     65536 /* that waits for a program to read it */
#define LINGER_S      1.0 /* for output after the end, when a grandchild holds the pipe */

struct spawn_output {
	ev_io readable; /* fd -1: closed */
	struct spawn_child *child;
	int number; /* 1 or 2 */
	size_t len, seen;
	char *line; /* in the child's lines */
	bool stalled;
};

struct spawn_child {
	TAILQ_ENTRY(spawn_child) link;
	struct spawner *spawner;
	uint32_t id;
	struct buf request; /* until sent */
	bool want_start, want_release;
	int want_signal;
	bool ended;    /* status is known */
	bool held;     /* the spawner keeps a zombie for us */
	bool finished; /* done was called, or will never be */
	int status;
	ev_timer linger;
	ev_io writable; /* stdin */
	struct buf input;
	size_t input_pos;
	bool keep_stdin, stall;
	struct spawn_output output[2];
	size_t line_max, output_max, dropped;
	char *lines;
	spawn_line_f *line;
	spawn_exit_f *done;
	void *arg;
};

struct spawner {
	struct ev_loop *loop; /* NULL until attached */
	pid_t pid;
	ev_io news, room;
	TAILQ_HEAD(child_list, spawn_child) children;
	uint32_t last_id;
	unsigned unfinished;
	unsigned depth; /* callbacks we are in */
	bool broken, stopped;
};

/* Around each callback: what is dead is freed when the outermost one returns. */
void spawn_enter(struct spawner *s);
void spawn_leave(struct spawner *s);
void spawn_close_watched(struct ev_loop *loop, ev_io *w);
void spawn_finish_if_closed(struct spawn_child *c);

void spawn_emit_line(struct spawn_output *o);
void spawn_on_output(struct ev_loop *loop, ev_io *w, int events);
void spawn_on_input(struct ev_loop *loop, ev_io *w, int events);
