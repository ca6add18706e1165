/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs of a table: started by number, confined, talked to for long. */
#include "base/spawn.h"

#include <config.h> /* the build's, not ours */
#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#define DEADLINE_S 20.0 /* only a failure takes so long */

static struct ev_loop *loop;
static struct spawner *spawner;

struct record {
	struct spawn_child *child;
	char out[4096];
	int lines, status;
	size_t longest;
	bool ended;
};

#define SH(script) ((const char *const[]){ "/bin/sh", "-c", script, NULL })
static const char *const env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };
static const struct sandbox_program confined = { .address_space = 512 << 20,
	.memory = 64 << 20,
	.processes = 8,
	.files = 32,
	.cpu_s = 10 };

/* Root is above the limit of processes, and is never what a plug-in runs as. */
static struct sandbox_program nobodys;

/* Its own directory may be written to. */
static char *own;
static const char *writable[2];
static const struct sandbox_program with_files = { .address_space = 512 << 20,
	.memory = 64 << 20,
	.write = writable,
	.file_size = 4096,
	.processes = 8,
	.files = 32,
	.cpu_s = 10 };

enum { ECHO, FLOOD, LONG, STATUS, TOUCH, FORK, WRITE };
static int
set_up(void **state)
{
	own = tempdir_new();
	nobodys = confined;
	nobodys.user = geteuid() == 0 ? "nobody" : NULL;
	const struct spawn_program table[] = {
		[ECHO] = { SH("while read x; do echo got $x; done; echo end"), env,
		    NULL },
		[FLOOD] = { SH("exec yes"), env, NULL },
		[LONG] = { SH("printf '%010000d\\n' 1"), env, NULL },
		[STATUS] = { SH("cat /proc/self/status; ulimit -a"), env, &confined },
		[TOUCH] = { SH("echo x > /tmp/fogwatch-must-not-be; ls /root /home /tmp"),
		    env, &confined },
		[FORK] = { SH("i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i+1)); "
			      "done; "
			      "echo all; kill 0"),
		    env, &nobodys },
		[WRITE] = { (const char *const[]){ "/bin/sh", "-c",
				"cd $1 && echo kept > a && mv a b && cat b && "
				"head -c 10000 /dev/zero > c; wc -c < c",
				"sh", own, NULL },
		    env, &with_files },
	};

	(void)state;
	writable[0] = own;
	loop = ev_loop_new(EVFLAG_AUTO);
	return spawner_start_for(table, ARRAY_LEN(table), &spawner) < 0 ||
	    spawner_attach(spawner, loop) < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	tempdir_remove(own);
	spawner_stop(spawner);
	ev_loop_destroy(loop);
	return 0;
}

static void
note_line(void *arg, int fd, const char *line)
{
	struct record *r = arg;
	size_t len = strlen(r->out);

	(void)fd;
	r->lines++;
	if (strlen(line) > r->longest)
		r->longest = strlen(line);
	snprintf(r->out + len, sizeof r->out - len, "%s\n", line);
}

static void
note_end(void *arg, int status)
{
	struct record *r = arg;

	r->status = status;
	r->ended = true;
}

static void
on_deadline(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l, (void)events;
	*(bool *)w->data = true;
}

static bool
has_ended(const struct record *r)
{
	return r->ended;
}

static bool
has_line(const struct record *r)
{
	return r->lines > 0;
}

static bool
has_stalled(const struct record *r)
{
	return spawn_is_stalled(r->child);
}

static void
run_until(struct record *r, bool (*done)(const struct record *))
{
	bool late = false;
	ev_timer deadline;

	ev_timer_init(&deadline, on_deadline, DEADLINE_S, 0.);
	deadline.data = &late;
	ev_timer_start(loop, &deadline);
	while (!done(r) && !late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &deadline);
	assert_false(late);
}

static void
start(struct record *r, uint32_t program, struct spawn_spec spec)
{
	*r = (struct record){ 0 };
	spec.program = program;
	assert_int_equal(spawn_run(spawner, &spec, note_line, note_end, r, &r->child), 0);
}

static void
nothing_but_the_table_can_be_started_S_21(void **state)
{
	struct record r;

	(void)state;
	start(&r, 0, (struct spawn_spec){ .argv = SH("echo free") });
	run_until(&r, has_ended);
	assert_int_equal(r.status, -EPERM);
	assert_string_equal(r.out, "");
	start(&r, WRITE + 1, (struct spawn_spec){ 0 });
	run_until(&r, has_ended);
	assert_int_equal(r.status, -EPERM);
}

static void
stdin_stays_open_for_what_is_written_later(void **state)
{
	struct record r;

	(void)state;
	start(&r, ECHO, (struct spawn_spec){ .keep_stdin = true });
	assert_int_equal(spawn_write(r.child, slice_text("one\n")), 0);
	run_until(&r, has_line);
	assert_string_equal(r.out, "got one\n");
	r.lines = 0;
	assert_int_equal(spawn_write(r.child, slice_text("two\n")), 0);
	run_until(&r, has_line);
	assert_string_equal(r.out, "got one\ngot two\n");
	spawn_close_stdin(r.child);
	assert_int_equal(spawn_write(r.child, slice_text("three\n")), -EPIPE);
	run_until(&r, has_ended);
	assert_string_equal(r.out, "got one\ngot two\nend\n");
	assert_int_equal(r.status, 0);
}

static void
what_nobody_reads_waits_up_to_64_kib(void **state)
{
	static uint8_t data[4096];
	struct record r;
	int err = 0;
	size_t sent = 0;

	(void)state;
	start(&r, FLOOD, (struct spawn_spec){ .keep_stdin = true, .stall = true });
	while (!err && sent < 1 << 20) {
		err = spawn_write(r.child, (struct slice){ data, sizeof data });
		sent += sizeof data;
	}
	assert_int_equal(err, -EAGAIN);
	assert_int_equal(spawn_kill(r.child, SIGKILL), 0);
	run_until(&r, has_ended);
}

static void
who_stalls_is_not_read_until_it_may_go_on_S_21(void **state)
{
	struct record r;

	(void)state;
	start(&r, FLOOD, (struct spawn_spec){ .stall = true, .output_max = 1000 });
	run_until(&r, has_stalled);
	assert_int_equal(r.lines, 500);
	spawn_allow(r.child, 2000);
	run_until(&r, has_stalled);
	assert_int_equal(r.lines, 1500);
	assert_int_equal(spawn_dropped(r.child), 0);
	assert_int_equal(spawn_kill(r.child, SIGKILL), 0);
	run_until(&r, has_ended);
}

static void
a_line_may_be_as_long_as_was_said(void **state)
{
	struct record r;

	(void)state;
	start(&r, LONG, (struct spawn_spec){ .line_max = 16384 });
	run_until(&r, has_ended);
	assert_int_equal(r.longest, 10000);
}

static void
a_confined_program_has_limits_and_no_way_to_privileges_S_21(void **state)
{
	struct record r;

	(void)state;
	start(&r, STATUS, (struct spawn_spec){ 0 });
	run_until(&r, has_ended);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "NoNewPrivs:\t1\n"));
#ifdef HAVE_SECCOMP
	assert_non_null(strstr(r.out, "Seccomp:\t2\n"));
#endif
	assert_non_null(strstr(r.out, "524288\n")); /* KiB of address space */
}

static void
a_confined_program_writes_nothing_and_does_not_look_around_S_21(void **state)
{
	struct record r;

	(void)state;
	if (sandbox_landlock() == 0) {
		print_message("# this kernel has no Landlock\n");
		skip();
	}
	start(&r, TOUCH, (struct spawn_spec){ 0 });
	run_until(&r, has_ended);
	assert_int_not_equal(r.status, 0);
	assert_int_not_equal(access("/tmp/fogwatch-must-not-be", F_OK), 0);
	assert_non_null(strstr(r.out, "Permission denied"));
}

static void
a_confined_program_writes_its_own_files_up_to_their_size_S_21(void **state)
{
	struct record r;

	(void)state;
	start(&r, WRITE, (struct spawn_spec){ 0 });
	run_until(&r, has_ended);
	assert_int_equal(r.status, 0);
	assert_non_null(strstr(r.out, "kept\n"));
	assert_non_null(strstr(r.out, "4096\n"));
}

static void
a_confined_program_has_few_processes_S_21(void **state)
{
	struct record r;

	(void)state;
	start(&r, FORK, (struct spawn_spec){ 0 });
	run_until(&r, has_ended);
	assert_null(strstr(r.out, "all"));
}

#define SPAWN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPAWN_TEST(nothing_but_the_table_can_be_started_S_21),
		SPAWN_TEST(stdin_stays_open_for_what_is_written_later),
		SPAWN_TEST(what_nobody_reads_waits_up_to_64_kib),
		SPAWN_TEST(who_stalls_is_not_read_until_it_may_go_on_S_21),
		SPAWN_TEST(a_line_may_be_as_long_as_was_said),
		SPAWN_TEST(a_confined_program_has_limits_and_no_way_to_privileges_S_21),
		SPAWN_TEST(
		    a_confined_program_writes_nothing_and_does_not_look_around_S_21),
		SPAWN_TEST(a_confined_program_writes_its_own_files_up_to_their_size_S_21),
		SPAWN_TEST(a_confined_program_has_few_processes_S_21),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
