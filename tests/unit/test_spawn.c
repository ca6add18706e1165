/* SPDX-License-Identifier: Apache-2.0 */
#include "base/spawn.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/spawn_wire.h"
#include "tests/support/test.h"

#define DEADLINE_S 20.0 /* only a failure takes so long */

static struct ev_loop *loop;
static struct spawner *spawner;

/* What a program said and how it ended. */
struct record {
	struct spawn_child *child;
	struct buf out[2]; /* lines with their newlines */
	size_t longest, dropped;
	int status, calls;
	void (*on_line)(struct record *, const char *line);
};

static void
note_line(void *arg, int fd, const char *line)
{
	struct record *r = arg;

	assert_true(fd == 1 || fd == 2);
	if (strlen(line) > r->longest)
		r->longest = strlen(line);
	buf_printf(&r->out[fd - 1], "%s\n", line);
	if (r->on_line)
		r->on_line(r, line);
}

static void
note_end(void *arg, int status)
{
	struct record *r = arg;

	r->status = status;
	r->calls++;
	r->dropped = spawn_dropped(r->child);
}

static void
record_init(struct record *r)
{
	*r = (struct record){ 0 };
	buf_init(&r->out[0], 1 << 21);
	buf_init(&r->out[1], 1 << 21);
}

static void
record_done(struct record *r)
{
	buf_done(&r->out[0]);
	buf_done(&r->out[1]);
}

static void
on_deadline(struct ev_loop *l, ev_timer *w, int events)
{
	(void)l, (void)events;
	*(bool *)w->data = true;
}

static void
run_until_ended(struct record *r, size_t n)
{
	bool late = false;
	ev_timer deadline;
	size_t ended = 0;

	ev_timer_init(&deadline, on_deadline, DEADLINE_S, 0.);
	deadline.data = &late;
	ev_timer_start(loop, &deadline);
	while (ended < n && !late) {
		ev_run(loop, EVRUN_ONCE);
		ended = 0;
		for (size_t i = 0; i < n; i++)
			ended += r[i].calls > 0;
	}
	ev_timer_stop(loop, &deadline);
	assert_false(late);
}

static void
start(struct record *r, const struct spawn_spec *spec)
{
	assert_int_equal(spawn_run(spawner, spec, note_line, note_end, r, &r->child), 0);
}

static void
run_shell(struct record *r, const char *script, struct slice input, size_t output_max)
{
	const char *argv[] = { "/bin/sh", "-c", script, NULL };

	start(r,
	    &(struct spawn_spec){
		.argv = argv, .input = input, .output_max = output_max });
	run_until_ended(r, 1);
	assert_int_equal(r->calls, 1);
}

/* A zombie that nobody waits for is as gone as can be. */
static bool
is_gone(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return true;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'Z';
	fclose(f);
	return state == 'Z' || state == 'X';
}

static void
wait_until_gone(pid_t pid)
{
	ev_tstamp end = ev_time() + DEADLINE_S;

	assert_true(pid > 1);
	while (!is_gone(pid) && ev_time() < end)
		usleep(1000);
	assert_true(is_gone(pid));
}

static int
set_up(void **state)
{
	(void)state;
	loop = ev_loop_new(EVFLAG_AUTO);
	return spawner_start(&spawner) < 0 || spawner_attach(spawner, loop) < 0;
}

static int
tear_down(void **state)
{
	(void)state;
	spawner_stop(spawner);
	spawner = NULL;
	ev_loop_destroy(loop);
	return 0;
}

/* -------------------------------------------------------------------------------------- */
static void
a_program_gets_arguments_input_and_exactly_its_environment(void **state)
{
	const char *argv[] = { "/bin/sh", "-c", "cat; echo \"$1\"; /usr/bin/env", "name",
		"a b; $(echo c)", NULL };
	const char *env[] = { "FOG_ID=7", "EMPTY=", NULL };
	struct record r;

	(void)state;
	setenv("OURS", "must not leak", 1);
	record_init(&r);
	start(&r,
	    &(struct spawn_spec){
		.argv = argv, .env = env, .input = slice_text("{\"x\":1}\n") });
	run_until_ended(&r, 1);
	assert_int_equal(r.status, 0);
	assert_ptr_equal(strstr(buf_text(&r.out[0]), "{\"x\":1}\na b; $(echo c)\n"),
	    buf_text(&r.out[0]));
	assert_non_null(strstr(buf_text(&r.out[0]), "FOG_ID=7\n"));
	assert_non_null(strstr(buf_text(&r.out[0]), "EMPTY=\n"));
	assert_null(strstr(buf_text(&r.out[0]), "OURS"));
	record_done(&r);
}

static void
stdout_and_stderr_are_told_apart_and_the_last_line_needs_no_newline(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	run_shell(
	    &r, "echo one; echo bad >&2; printf 'two\\nthree'", slice_text(NULL), 0);
	assert_string_equal(buf_text(&r.out[0]), "one\ntwo\nthree\n");
	assert_string_equal(buf_text(&r.out[1]), "bad\n");
	record_done(&r);
}

static void
exit_codes_and_signals_are_reported_as_by_waitpid(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	run_shell(&r, "exit 42", slice_text(NULL), 0);
	assert_true(WIFEXITED(r.status));
	assert_int_equal(WEXITSTATUS(r.status), 42);
	record_done(&r);
	record_init(&r);
	run_shell(&r, "kill -USR2 $$", slice_text(NULL), 0);
	assert_true(WIFSIGNALED(r.status));
	assert_int_equal(WTERMSIG(r.status), SIGUSR2);
	record_done(&r);
}

static void
a_program_that_cannot_start_reports_why(void **state)
{
	static const struct {
		const char *path;
		int err;
	} cases[] = { { "/nonexistent/program", -ENOENT }, { "/etc/passwd", -EACCES },
		{ "/etc/passwd/x", -ENOTDIR } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *argv[] = { cases[i].path, NULL };
		struct record r;

		record_init(&r);
		start(&r, &(struct spawn_spec){ .argv = argv });
		assert_int_equal(r.calls, 0); /* never from inside spawn_run() */
		run_until_ended(&r, 1);
		assert_int_equal(r.status, cases[i].err);
		record_done(&r);
	}
}

static void
a_relative_path_or_too_many_bytes_are_refused_at_once(void **state)
{
	static char large[70000];
	const char *relative[] = { "sh", NULL }, *none[] = { NULL };
	const char *huge[] = { "/bin/true", large, NULL };
	struct spawn_child *c;

	(void)state;
	memset(large, 'x', sizeof large - 1);
	assert_int_equal(spawn_run(spawner, &(struct spawn_spec){ .argv = relative },
			     note_line, note_end, NULL, &c),
	    -EINVAL);
	assert_int_equal(spawn_run(spawner, &(struct spawn_spec){ .argv = none },
			     note_line, note_end, NULL, &c),
	    -EINVAL);
	assert_int_equal(spawn_run(spawner, &(struct spawn_spec){ .argv = huge },
			     note_line, note_end, NULL, &c),
	    -E2BIG);
}

static void
a_line_of_a_mebibyte_is_cut_at_4_kib(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	run_shell(&r, "head -c 1048576 /dev/zero | tr '\\0' x; echo; echo end",
	    slice_text(NULL), SIZE_MAX);
	assert_int_equal(r.longest, 4096);
	assert_int_equal(r.dropped, 1048576 - 4096);
	assert_int_equal(r.out[0].pos, 4097 + 4);
	record_done(&r);
}

static void
output_above_the_limit_is_dropped_and_counted(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	run_shell(&r, "i=0; while [ $i -lt 300 ]; do echo 123456789; i=$((i+1)); done",
	    slice_text(NULL), 1005);
	assert_int_equal(
	    r.out[0].pos, 1006); /* a hundred lines, half a line and its newline */
	assert_int_equal(r.dropped, 3000 - 1005);
	assert_int_equal(r.status, 0);
	record_done(&r);
}

static void
a_nul_byte_does_not_hide_the_rest_of_its_line(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	run_shell(&r, "printf 'a\\000b\\n'", slice_text(NULL), 0);
	assert_string_equal(buf_text(&r.out[0]), "a?b\n");
	record_done(&r);
}

static void
large_input_arrives_whole(void **state)
{
	size_t len = 1 << 20;
	uint8_t *data = test_malloc(len);
	struct record r;

	(void)state;
	memset(data, 'y', len);
	record_init(&r);
	run_shell(&r, "wc -c", (struct slice){ data, len }, 0);
	assert_int_equal(atoi(buf_text(&r.out[0])), (int)len);
	record_done(&r);
	test_free(data);
}

static void
input_that_nobody_reads_blocks_nothing(void **state)
{
	static const char *const scripts[] = { "exit 3", "exec <&-; echo closed; exit 3",
		"read line; exit 3" };
	size_t len = 1 << 20;
	uint8_t *data = test_calloc(1, len);

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		struct record r;

		memset(data, 'y', len);
		data[10] = '\n';
		record_init(&r);
		run_shell(&r, scripts[i], (struct slice){ data, len }, 0);
		assert_int_equal(WEXITSTATUS(r.status), 3);
		record_done(&r);
	}
	test_free(data);
}

static void
a_grandchild_that_holds_the_pipe_delays_the_end_by_one_second_and_is_killed(void **state)
{
	ev_tstamp before = ev_time();
	struct record r;

	(void)state;
	record_init(&r);
	run_shell(&r, "sleep 100 & echo $!; exit 5", slice_text(NULL), 0);
	assert_int_equal(WEXITSTATUS(r.status), 5);
	assert_true(ev_time() - before > 0.9);
	wait_until_gone(atoi(buf_text(&r.out[0])));
	record_done(&r);
}

static void
terminate_then_kill(struct record *r, const char *line)
{
	if (!strcmp(line, "ready"))
		assert_int_equal(spawn_kill(r->child, SIGTERM), 0);
	if (!strcmp(line, "ignored"))
		assert_int_equal(spawn_kill(r->child, SIGKILL), 0);
}

static void
a_program_that_ignores_sigterm_is_ended_by_sigkill_with_its_group(void **state)
{
	const char *script =
	    "sh -c 'trap \"\" TERM; echo child $$; exec sleep 100' &\n"
	    "trap 'echo ignored' TERM; echo ready; while :; do wait; done";
	struct record r;
	char *child;

	(void)state;
	record_init(&r);
	r.on_line = terminate_then_kill;
	run_shell(&r, script, slice_text(NULL), 0);
	assert_true(WIFSIGNALED(r.status));
	assert_int_equal(WTERMSIG(r.status), SIGKILL);
	assert_non_null(strstr(buf_text(&r.out[0]), "ignored\n"));
	child = strstr(buf_text(&r.out[0]), "child ");
	if (child)
		wait_until_gone(atoi(child + 6));
	record_done(&r);
}

static void
a_program_leads_its_own_group_and_has_only_three_descriptors(void **state)
{
	struct record r;
	int pid, group;

	(void)state;
	record_init(&r);
	run_shell(&r,
	    "read -r a b c d group e < /proc/$$/stat; echo $$ $group; ls /proc/$$/fd; "
	    "pwd",
	    slice_text(NULL), 0);
	assert_int_equal(sscanf(buf_text(&r.out[0]), "%d %d", &pid, &group), 2);
	assert_int_equal(pid, group);
	assert_string_equal(strchr(buf_text(&r.out[0]), '\n'), "\n0\n1\n2\n/\n");
	record_done(&r);
}

static void
two_hundred_programs_run_at_once(void **state)
{
	enum { N = 200 };
	static struct record r[N];

	(void)state;
	for (int i = 0; i < N; i++) {
		char number[16];
		const char *argv[] = { "/bin/sh", "-c", "read x; echo $x; exit $1", "sh",
			number, NULL };

		snprintf(number, sizeof number, "%d", i);
		record_init(&r[i]);
		start(&r[i],
		    &(struct spawn_spec){ .argv = argv, .input = slice_text(number) });
	}
	run_until_ended(r, N);
	for (int i = 0; i < N; i++) {
		assert_int_equal(r[i].calls, 1);
		assert_int_equal(WEXITSTATUS(r[i].status), i);
		assert_int_equal(atoi(buf_text(&r[i].out[0])), i);
		record_done(&r[i]);
	}
}

static void
stop_everything(struct record *r, const char *line)
{
	(void)line;
	r->calls++; /* ends run_until_ended(); done is not called any more */
	spawner_stop(spawner);
	spawner = NULL;
}

static void
the_spawner_may_be_stopped_from_a_callback(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.on_line = stop_everything;
	run_shell(&r, "echo $$; echo more; exec sleep 100", slice_text(NULL), 0);
	assert_null(spawner);
	assert_true(is_gone(atoi(buf_text(&r.out[0]))));
	record_done(&r);
}

static void
stopping_kills_what_ignores_sigterm(void **state)
{
	struct record r;

	(void)state;
	record_init(&r);
	r.on_line = stop_everything;
	run_shell(&r, "trap '' TERM; sleep 100 & echo $!; wait", slice_text(NULL), 0);
	wait_until_gone(atoi(buf_text(&r.out[0])));
	record_done(&r);
}

static void
stopping_lets_programs_end_orderly(void **state)
{
	char path[] = "/tmp/fogwatch-test-spawn-XXXXXX", script[128];
	int fd = mkstemp(path);
	struct record r;

	(void)state;
	assert_true(fd >= 0);
	record_init(&r);
	r.on_line = stop_everything;
	snprintf(script, sizeof script,
	    "trap 'echo bye > %s; exit' TERM; echo up; while :; do sleep 100 & wait; "
	    "done",
	    path);
	run_shell(&r, script, slice_text(NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	close(fd);
	unlink(path);
	record_done(&r);
}

static int up;

static void
count_up(struct record *r, const char *line)
{
	(void)line;
	r->calls++;
	up++;
}

/* Three of these requests fill the socket; nothing else makes the daemon look again. */
static void
requests_that_find_no_room_are_sent_when_there_is_some(void **state)
{
	enum { N = 12 };
	static struct record r[N];
	static char large[60000];
	const char *argv[] = { "/bin/sh", "-c", "echo up; exec sleep 100", large, NULL };
	struct record first;
	pid_t pid;

	(void)state;
	up = 0;
	memset(large, 'x', sizeof large - 1);
	record_init(&first);
	run_shell(&first, "echo $PPID", slice_text(NULL), 0);
	pid = atoi(buf_text(&first.out[0]));
	record_done(&first);
	kill(pid, SIGSTOP);
	for (int i = 0; i < N; i++) {
		record_init(&r[i]);
		r[i].on_line = i < N - 1 ? count_up : NULL;
		start(&r[i], &(struct spawn_spec){ .argv = argv });
	}
	assert_int_equal(spawn_kill(r[N - 1].child, SIGKILL), 0);
	assert_int_equal(spawn_kill(r[N - 1].child, SIGTERM), 0); /* does not soften it */
	kill(pid, SIGCONT);
	run_until_ended(r, N);
	assert_int_equal(up, N - 1);
	assert_int_equal(WTERMSIG(r[N - 1].status), SIGKILL);
	spawner_stop(TAKE(spawner));
	for (int i = 0; i < N; i++)
		record_done(&r[i]);
}

/* A daemon in its own process: starts a program, tells its pid, never ends by itself. */
static void
tell_pid(struct record *r, const char *line)
{
	int fd = (int)r->dropped;

	if (write(fd, line, strlen(line)) < 0)
		_exit(1);
}

static void
be_daemon(int report)
{
	const char *argv[] = { "/bin/sh", "-c", "echo $$; exec sleep 100", NULL };
	struct ev_loop *own = ev_loop_new(EVFLAG_AUTO);
	struct spawner *s;
	struct record r;

	record_init(&r);
	r.on_line = tell_pid;
	r.dropped = (size_t)report;
	if (spawner_start(&s) < 0 || spawner_attach(s, own) < 0 ||
	    spawn_run(s, &(struct spawn_spec){ .argv = argv }, note_line, note_end, &r,
		&r.child))
		_exit(1);
	ev_run(own, 0);
	_exit(1);
}

static void
programs_end_when_the_daemon_is_killed(void **state)
{
	char text[32] = "";
	int report[2];
	pid_t daemon;

	(void)state;
	assert_int_equal(pipe(report), 0);
	daemon = fork();
	if (daemon == 0)
		be_daemon(report[1]);
	assert_true(read(report[0], text, sizeof text - 1) > 0);
	assert_false(is_gone(atoi(text)));
	kill(daemon, SIGKILL);
	waitpid(daemon, NULL, 0);
	wait_until_gone(atoi(text));
	close(report[0]);
	close(report[1]);
}

static void
kill_spawner(struct record *r, const char *line)
{
	(void)r;
	if (!strncmp(line, "parent ", 7))
		kill(atoi(line + 7), SIGKILL);
}

static void
a_spawner_that_dies_is_reported_and_takes_its_programs_along(void **state)
{
	const char *argv[] = { "/bin/true", NULL };
	struct spawn_child *c;
	struct record r;

	(void)state;
	record_init(&r);
	r.on_line = kill_spawner;
	run_shell(&r, "echo $$; echo parent $PPID; exec sleep 100", slice_text(NULL), 0);
	assert_int_equal(r.status, -EPIPE);
	wait_until_gone(atoi(buf_text(&r.out[0])));
	assert_int_equal(spawn_run(spawner, &(struct spawn_spec){ .argv = argv },
			     note_line, note_end, &r, &c),
	    -EPIPE);
	record_done(&r);
}

static void
send_request(
    int sock, const struct spawn_request *head, const char *strings, size_t len, bool fds)
{
	uint8_t memory[256];
	struct buf b;

	buf_init_fixed(&b, memory, sizeof memory);
	buf_put(&b, head, sizeof *head);
	buf_put(&b, strings, len);
	assert_int_equal(
	    spawn_send(sock, buf_slice(&b), fds ? (const int[]){ 0, 1, 2 } : NULL), 0);
}

static void
expect_event(int sock, uint32_t what, uint32_t id, int value)
{
	struct spawn_event event = { 0 };

	assert_int_equal(recv(sock, &event, sizeof event, 0), sizeof event);
	assert_int_equal(event.what, what);
	assert_int_equal(event.id, id);
	assert_int_equal(event.value, value);
}

/* The spawner believes nothing that comes over its socket, and goes on afterwards. */
static void
malformed_requests_are_answered_with_einval(void **state)
{
	static const struct {
		bool fds;
		uint32_t argc, envc, size;
		const char *strings;
		size_t len;
	} cases[] = {
		{ false, 1, 0, 10, "/bin/true", 10 },	      /* no descriptors */
		{ true, 2, 0, 10, "/bin/true", 10 },	      /* a string is missing */
		{ true, 1, 0, 9, "/bin/true", 9 },	      /* not terminated */
		{ true, 1, 0, 99, "/bin/true", 10 },	      /* shorter than it says */
		{ true, 0, 1, 10, "/bin/true", 10 },	      /* no program */
		{ true, 1, 0, 5, "true", 5 },		      /* relative */
		{ true, 1, 0, 12, "/bin/true\0x", 12 },	      /* a string too many */
		{ true, UINT32_MAX, 1, 10, "/bin/true", 10 }, /* too many */
	};
	struct spawn_request good = {
		.op = SPAWN_START, .id = 99, .argc = 1, .size = 10
	};
	pid_t self = getpid(), pid;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	pid = fork();
	if (pid == 0)
		spawner_main(pair[1], self, NULL, 0);
	close(pair[1]);
	for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct spawn_request head = { .op = SPAWN_START,
			.id = i,
			.argc = cases[i].argc,
			.envc = cases[i].envc,
			.size = cases[i].size };

		send_request(
		    pair[0], &head, cases[i].strings, cases[i].len, cases[i].fds);
		expect_event(pair[0], SPAWN_FAILED, i, EINVAL);
	}
	assert_true(send(pair[0], "short", 5, 0) > 0);
	send_request(pair[0], &good, "/bin/true", 10, true);
	expect_event(pair[0], SPAWN_ENDED, 99, 0);
	close(pair[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

#define SPAWN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SPAWN_TEST(a_program_gets_arguments_input_and_exactly_its_environment),
		SPAWN_TEST(
		    stdout_and_stderr_are_told_apart_and_the_last_line_needs_no_newline),
		SPAWN_TEST(exit_codes_and_signals_are_reported_as_by_waitpid),
		SPAWN_TEST(a_program_that_cannot_start_reports_why),
		SPAWN_TEST(a_relative_path_or_too_many_bytes_are_refused_at_once),
		SPAWN_TEST(a_line_of_a_mebibyte_is_cut_at_4_kib),
		SPAWN_TEST(output_above_the_limit_is_dropped_and_counted),
		SPAWN_TEST(a_nul_byte_does_not_hide_the_rest_of_its_line),
		SPAWN_TEST(large_input_arrives_whole),
		SPAWN_TEST(input_that_nobody_reads_blocks_nothing),
		SPAWN_TEST(
		    a_grandchild_that_holds_the_pipe_delays_the_end_by_one_second_and_is_killed),
		SPAWN_TEST(
		    a_program_that_ignores_sigterm_is_ended_by_sigkill_with_its_group),
		SPAWN_TEST(a_program_leads_its_own_group_and_has_only_three_descriptors),
		SPAWN_TEST(two_hundred_programs_run_at_once),
		SPAWN_TEST(the_spawner_may_be_stopped_from_a_callback),
		SPAWN_TEST(stopping_lets_programs_end_orderly),
		SPAWN_TEST(requests_that_find_no_room_are_sent_when_there_is_some),
		SPAWN_TEST(stopping_kills_what_ignores_sigterm),
		TEST(programs_end_when_the_daemon_is_killed),
		SPAWN_TEST(a_spawner_that_dies_is_reported_and_takes_its_programs_along),
		TEST(malformed_requests_are_answered_with_einval),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
