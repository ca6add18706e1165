/* SPDX-License-Identifier: Apache-2.0 */
#include "base/daemon.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/test.h"

#define DEADLINE_S 20.0 /* only a failure takes so long */

static char dir[64];
static int manager = -1; /* plays the service manager */
static struct ev_loop *loop;

static int
set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "/tmp/fogwatch-test-daemon-XXXXXX");
	loop = ev_loop_new(EVFLAG_AUTO);
	return mkdtemp(dir) ? 0 : -1;
}

static int
tear_down(void **state)
{
	char command[128];

	(void)state;
	if (manager >= 0)
		close(manager);
	manager = -1;
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	ev_loop_destroy(loop);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

static void
listen_as_manager(const char *name)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	socklen_t len =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s", name);
	if (name[0] == '@')
		sa.sun_path[0] = '\0';
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
	    bind(manager, (struct sockaddr *)&sa, len + (name[0] == '/')), 0);
	setenv("NOTIFY_SOCKET", name, 1);
}

static const char *
path_in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return path;
}

/* The next message that the service manager got, "" if there is none. */
static const char *
heard(void)
{
	static char text[1024];
	ssize_t n = recv(manager, text, sizeof text - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

struct calls {
	int stops, reloads;
	bool late;
};

static void
count_stop(void *arg)
{
	((struct calls *)arg)->stops++;
}

static void
count_reload(void *arg)
{
	((struct calls *)arg)->reloads++;
}

static const struct daemon_ops ops = { .stop = count_stop, .reload = count_reload };

static void
on_deadline(struct ev_loop *l, ev_timer *w, int events)
{
	(void)events;
	((struct calls *)w->data)->late = true;
	ev_break(l, EVBREAK_ALL);
}

/* Until the number is reached or, when it is NULL, until the loop is broken. */
static void
run_until(struct calls *calls, const int *number, int wanted)
{
	ev_timer deadline;

	calls->late = false;
	ev_timer_init(&deadline, on_deadline, DEADLINE_S, 0.);
	deadline.data = calls;
	ev_timer_start(loop, &deadline);
	if (!number)
		ev_run(loop, 0);
	while (number && *number < wanted && !calls->late)
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &deadline);
	assert_false(calls->late);
}

/* -------------------------------------------------------------------------------------- */
static void
readiness_and_status_reach_the_service_manager(void **state)
{
	struct calls calls = { 0 };
	struct daemon *d;

	(void)state;
	listen_as_manager(path_in_dir("notify"));
	assert_int_equal(daemon_new(loop, &ops, &calls, &d), 0);
	daemon_ready(d, "3 controllers");
	assert_string_equal(heard(), "READY=1\nSTATUS=3 controllers");
	daemon_status("%d nodes\nREADY=0", 7);
	assert_string_equal(heard(), "STATUS=7 nodes READY=0");
	daemon_stopping();
	assert_string_equal(heard(), "STOPPING=1");
	daemon_free(d);
}

static void
an_abstract_notify_socket_works_too(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof name, "@fogwatch-test-%d", (int)getpid());
	listen_as_manager(name);
	daemon_stopping();
	assert_string_equal(heard(), "STOPPING=1");
}

static void
without_a_service_manager_nothing_is_said_and_nothing_fails(void **state)
{
	(void)state;
	daemon_status("alone");
	setenv("NOTIFY_SOCKET", "relative", 1);
	daemon_status("alone");
	setenv("NOTIFY_SOCKET", "", 1);
	daemon_status("alone");
	setenv("NOTIFY_SOCKET", path_in_dir("nobody"), 1);
	daemon_status("alone");
}

static int fed;

static void
on_manager(struct ev_loop *l, ev_io *w, int events)
{
	(void)l, (void)w, (void)events;
	fed += !strcmp(heard(), "WATCHDOG=1");
}

static void
the_watchdog_is_fed_while_the_loop_turns(void **state)
{
	struct calls calls = { 0 };
	struct daemon *d;
	ev_io io;
	char pid[16];

	(void)state;
	fed = 0;
	listen_as_manager(path_in_dir("notify"));
	snprintf(pid, sizeof pid, "%d", (int)getpid());
	setenv("WATCHDOG_USEC", "40000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	ev_io_init(&io, on_manager, manager, EV_READ);
	ev_io_start(loop, &io);
	assert_int_equal(daemon_new(loop, &ops, &calls, &d), 0);
	daemon_ready(d, "up");
	run_until(&calls, &fed, 3);
	ev_io_stop(loop, &io);
	daemon_free(d);
}

/* Long enough for a timer of half a microsecond. */
static void
run_for_some_turns(void)
{
	for (int i = 0; i < 100; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static void
a_watchdog_of_another_process_is_not_ours(void **state)
{
	struct calls calls = { 0 };
	struct daemon *d;

	(void)state;
	listen_as_manager(path_in_dir("notify"));
	setenv("WATCHDOG_USEC", "1", 1);
	setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(daemon_new(loop, &ops, &calls, &d), 0);
	daemon_ready(d, "up");
	run_for_some_turns();
	assert_string_equal(heard(), "READY=1\nSTATUS=up");
	assert_string_equal(heard(), "");
	daemon_free(d);
}

static void
sighup_reloads_and_tells_when_it_began_and_ended(void **state)
{
	struct calls calls = { 0 };
	struct daemon *d;
	long long usec = 0;

	(void)state;
	listen_as_manager(path_in_dir("notify"));
	assert_int_equal(daemon_new(loop, &ops, &calls, &d), 0);
	kill(getpid(), SIGHUP);
	run_until(&calls, &calls.reloads, 1);
	assert_int_equal(sscanf(heard(), "RELOADING=1\nMONOTONIC_USEC=%lld", &usec), 1);
	assert_true(usec > 0);
	assert_string_equal(heard(), "READY=1");
	assert_int_equal(calls.stops, 0);
	daemon_free(d);
}

static void
the_first_signal_stops_orderly_and_the_second_at_once(void **state)
{
	static const int signals[][2] = { { SIGTERM, SIGTERM }, { SIGINT, SIGTERM },
		{ SIGTERM, SIGINT } };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct calls calls = { 0 };
		struct daemon *d;

		assert_int_equal(daemon_new(loop, &ops, &calls, &d), 0);
		kill(getpid(), signals[i][0]);
		run_until(&calls, &calls.stops, 1);
		kill(getpid(), signals[i][1]);
		run_until(&calls, NULL, 0); /* returns only when the loop is broken */
		assert_int_equal(calls.stops, 1);
		daemon_free(d);
	}
}

/* What changes the process for good is tried in a child, which tells by its exit status. */
static int
in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static int
prepare_without_descriptors(void)
{
	struct rlimit core;
	int fds[2];

	for (int fd = 0; fd < 3; fd++)
		close(fd);
	daemon_prepare();
	for (int fd = 0; fd < 3; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			return 1;
	if (prctl(PR_GET_DUMPABLE) != 0)
		return 2;
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur || core.rlim_max)
		return 3;
	if (pipe(fds) < 0 || close(fds[0]) < 0 || write(fds[1], "x", 1) >= 0 ||
	    errno != EPIPE)
		return 4; /* or dead of SIGPIPE */
	return 0;
}

static void
preparing_closes_the_usual_holes_S_29(void **state)
{
	(void)state;
	assert_int_equal(in_child(prepare_without_descriptors), 0);
}

static void
the_directory_of_the_socket_is_made_and_what_is_there_is_left(void **state)
{
	char run[600], socket[700], state_dir[600];
	struct stat st;

	(void)state;
	snprintf(run, sizeof run, "%s/run", dir);
	snprintf(socket, sizeof socket, "%s/control", run);
	snprintf(state_dir, sizeof state_dir, "%s/state", dir);
	assert_int_equal(daemon_make_directories(NULL, socket, state_dir), 0);
	assert_int_equal(stat(run, &st), 0);
	assert_int_equal(access(state_dir, F_OK), -1);
	assert_int_equal(chmod(run, 0750), 0);
	assert_int_equal(daemon_make_directories(NULL, socket, state_dir), 0);
	assert_int_equal(stat(run, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0750);
	assert_int_equal(daemon_make_directories(NULL, "control", state_dir), 0);
	assert_int_equal(
	    daemon_make_directories(NULL, "/nonexistent/run/control", state_dir),
	    -ENOENT);
}

static void
a_state_directory_belongs_to_one_instance(void **state)
{
	char path[128];
	struct stat st;
	int lock = -1, other = -1;

	(void)state;
	snprintf(path, sizeof path, "%s", path_in_dir("state"));
	assert_int_equal(daemon_state_dir(path, &lock), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(daemon_state_dir(path, &other), -EWOULDBLOCK);
	assert_int_equal(other, -1);
	close(lock);
	assert_int_equal(daemon_state_dir(path, &lock), 0);
	close(lock);
}

static void
a_state_directory_where_others_may_write_is_refused(void **state)
{
	int lock = -1;
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s", path_in_dir("state"));
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0770), 0);
	assert_int_equal(daemon_state_dir(path, &lock), -EPERM);
	assert_int_equal(daemon_state_dir(path_in_dir("no/such/parent"), &lock), -ENOENT);
	assert_int_equal(lock, -1);
}

static int
drop_to_nobody(void)
{
	gid_t groups[64] = { 0, 4711 };
	uid_t r, e, s;
	int n;

	if (setgroups(2, groups) < 0)
		return 6;
	if (daemon_drop_privileges("nobody") < 0)
		return 1;
	if (getresuid(&r, &e, &s) < 0 || !r || r != e || e != s)
		return 2;
	n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		if (groups[i] == 0 || groups[i] == 4711)
			return 3;
	if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return 4;
	/* an ordinary user cannot change to another one */
	return daemon_drop_privileges("nobody") == -EPERM ? 0 : 5;
}

static void
privileges_are_dropped_for_good(void **state)
{
	(void)state;
	assert_int_equal(daemon_drop_privileges(NULL), 0);
	if (geteuid() != 0)
		skip();
	assert_int_equal(in_child(drop_to_nobody), 0);
	assert_int_equal(daemon_drop_privileges("no-such-user-here"), -ESRCH);
	assert_int_equal(daemon_drop_privileges("root"), -EINVAL);
	assert_int_equal(geteuid(), 0);
}

static void
expect_content(const char *path, const char *text)
{
	char content[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fread(content, 1, sizeof content - 1, f), strlen(text));
	fclose(f);
	assert_string_equal(content, text);
}

static void
a_file_is_replaced_whole_and_is_private(void **state)
{
	char path[128];
	struct stat st;

	(void)state;
	snprintf(path, sizeof path, "%s", path_in_dir("file"));
	assert_int_equal(daemon_write_file(path, "a longer first version", 22), 0);
	assert_int_equal(daemon_write_file(path, "second", 6), 0);
	expect_content(path, "second");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(path_in_dir("file.tmp"), F_OK), -1);
	assert_int_equal(daemon_write_file(path_in_dir("none/file"), "x", 1), -ENOENT);
}

static void
a_file_is_read_as_far_as_there_is_room(void **state)
{
	char path[128], got[10] = "";

	(void)state;
	snprintf(path, sizeof path, "%s", path_in_dir("read"));
	assert_int_equal(daemon_read_file(path, got, sizeof got), -ENOENT);
	assert_int_equal(daemon_write_file(path, "sixteen letters.", 16), 0);
	assert_int_equal(daemon_read_file(path, got, 9), 9);
	assert_string_equal(got, "sixteen l");
	assert_int_equal(daemon_write_file(path, "six", 3), 0);
	assert_int_equal(daemon_read_file(path, got, sizeof got), 3);
	assert_memory_equal(got, "sixteen l", 9); /* and no more is written */
	assert_int_equal(daemon_read_file(path_in_dir("."), got, sizeof got), -EISDIR);
}

static void
a_file_made_once_is_never_replaced(void **state)
{
	char path[128];
	struct stat st;

	(void)state;
	snprintf(path, sizeof path, "%s", path_in_dir("once"));
	assert_int_equal(daemon_create_file(path, "first", 5), 0);
	assert_int_equal(daemon_create_file(path, "second", 6), -EEXIST);
	expect_content(path, "first");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(access(path_in_dir("once.tmp"), F_OK), -1);
}

static int
write_beyond_the_file_size_limit(void)
{
	struct rlimit size = { 10, 10 };
	static char large[100];

	signal(SIGXFSZ, SIG_IGN);
	if (setrlimit(RLIMIT_FSIZE, &size) < 0)
		return 1;
	return daemon_write_file(path_in_dir("file"), large, sizeof large) == -EFBIG ? 0
										     : 2;
}

static void
a_write_that_fails_leaves_the_old_file_and_no_litter(void **state)
{
	(void)state;
	assert_int_equal(daemon_write_file(path_in_dir("file"), "old", 3), 0);
	assert_int_equal(in_child(write_beyond_the_file_size_limit), 0);
	expect_content(path_in_dir("file"), "old");
	assert_int_equal(access(path_in_dir("file.tmp"), F_OK), -1);
}

#define DAEMON_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		DAEMON_TEST(readiness_and_status_reach_the_service_manager),
		DAEMON_TEST(an_abstract_notify_socket_works_too),
		DAEMON_TEST(without_a_service_manager_nothing_is_said_and_nothing_fails),
		DAEMON_TEST(the_watchdog_is_fed_while_the_loop_turns),
		DAEMON_TEST(a_watchdog_of_another_process_is_not_ours),
		DAEMON_TEST(sighup_reloads_and_tells_when_it_began_and_ended),
		DAEMON_TEST(the_first_signal_stops_orderly_and_the_second_at_once),
		DAEMON_TEST(preparing_closes_the_usual_holes_S_29),
		DAEMON_TEST(
		    the_directory_of_the_socket_is_made_and_what_is_there_is_left),
		DAEMON_TEST(a_state_directory_belongs_to_one_instance),
		DAEMON_TEST(a_state_directory_where_others_may_write_is_refused),
		DAEMON_TEST(privileges_are_dropped_for_good),
		DAEMON_TEST(a_file_is_replaced_whole_and_is_private),
		DAEMON_TEST(a_file_is_read_as_far_as_there_is_room),
		DAEMON_TEST(a_file_made_once_is_never_replaced),
		DAEMON_TEST(a_write_that_fails_leaves_the_old_file_and_no_litter),
	};

	return RUN_TESTS(tests, NULL, NULL);
}
