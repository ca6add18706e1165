/* SPDX-License-Identifier: Apache-2.0
 *
 * A sandbox is for life, so each case lives in a child process, which tells by its exit status. */
#include "base/sandbox.h"

#include <config.h> /* the build's, not ours */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/tempdir.h"
#include "tests/support/test.h"

#ifdef HAVE_SECCOMP
#define CALLS_ARE_DENIED true
#else
#define CALLS_ARE_DENIED false
#endif
enum { GOOD, BAD, NO_LANDLOCK = 77 };

static char *top;
static char own[200], etc[200], ca[200], run[200];
static struct sandbox_state state;

static void
write_file(const char *dir, const char *name)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs("secret\n", f);
	fclose(f);
}

static int
set_up(void **arg)
{
	const struct {
		char *dst;
		const char *name;
	} dir[] = { { own, "own" }, { etc, "etc" }, { ca, "ca" }, { run, "run" } };

	(void)arg;
	top = tempdir_new();
	for (size_t i = 0; i < ARRAY_LEN(dir); i++) {
		snprintf(dir[i].dst, sizeof own, "%s/%s", top, dir[i].name);
		assert_int_equal(mkdir(dir[i].dst, 0700), 0);
		write_file(dir[i].dst, "file");
	}
	return 0;
}

static int
tear_down(void **arg)
{
	(void)arg;
	tempdir_remove(top);
	return 0;
}

/* --- a process of one's own ------------------------------------------------------------------- */
static int
enter(bool exec)
{
	const char *const read_write[] = { own, NULL };
	const char *const read_only[] = { SANDBOX_SYSTEM, etc, "/there/is/nothing",
		NULL };
	const char *const remove_only[] = { run, NULL };
	const struct sandbox_paths paths = { read_write, read_only, remove_only };

	return sandbox_enter(&paths, exec, &state);
}

/* Runs body in a sandboxed child, and returns how it exited. */
static int
confined(bool exec, int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(enter(exec) ? BAD : body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define REQUIRE(condition)                                                            \
	do {                                                                          \
		if (!(condition)) {                                                   \
			fprintf(stderr, "# line %d: %s (%s)\n", __LINE__, #condition, \
			    strerror(errno));                                         \
			return BAD;                                                   \
		}                                                                     \
	} while (0)

static void
skip_without(bool needed, int result)
{
	if (needed && result == NO_LANDLOCK) {
		print_message("# this kernel has no Landlock\n");
		skip();
	}
	assert_int_equal(result, GOOD);
}

static int
open_in(const char *dir, const char *name, int flags)
{
	char path[300];

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

/* --- what is denied ----------------------------------------------------------------------------- */
static unsigned probes, open_doors;

static void
count_probe(void *arg, const char *what, bool denied)
{
	(void)arg;
	probes++;
	if (denied || (!state.landlock && strchr(what, ' ')))
		return;
	open_doors++;
	fprintf(stderr, "# %s is not denied\n", what);
}

static int
probe_all(void)
{
	sandbox_probe(count_probe, NULL);
	REQUIRE(probes > 30);
	REQUIRE(!open_doors);
	return GOOD;
}

static void
everything_that_is_tried_is_denied_S_33(void **arg)
{
	(void)arg;
	if (!CALLS_ARE_DENIED)
		skip();
	assert_int_equal(confined(false, probe_all), GOOD);
}

static int
count_without_sandbox(void)
{
	sandbox_probe(count_probe, NULL);
	return open_doors > 10 ? GOOD : BAD;
}

/* Else the probes would say nothing. */
static void
without_a_sandbox_the_probes_find_open_doors(void **arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(freopen("/dev/null", "w", stderr) ? count_without_sandbox() : BAD);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A number that the kernel of this architecture does not have is no door. */
static int
call_all(void)
{
	static const struct {
		const char *name;
		long number;
	} call[] = { { "execve", SYS_execve }, { "ptrace", SYS_ptrace },
		{ "setuid", SYS_setuid }, { "setns", SYS_setns },
		{ "keyctl", SYS_keyctl }, { "memfd_create", SYS_memfd_create } };

	for (size_t i = 0; i < ARRAY_LEN(call); i++) {
		if (sandbox_spares(call[i].name))
			continue;
		errno = 0;
		REQUIRE(syscall(call[i].number, -1, 0, 0, 0, 0, 0) == -1);
		REQUIRE(errno == EPERM);
	}
	return GOOD;
}

static void
a_denied_call_fails_with_EPERM_and_kills_nobody(void **arg)
{
	(void)arg;
	if (!CALLS_ARE_DENIED)
		skip();
	assert_int_equal(confined(false, call_all), GOOD);
}

static void *
try_in_thread(void *arg)
{
	(void)arg;
	errno = 0;
	return syscall(SYS_unshare, 0) == -1 && errno == EPERM ? arg : NULL;
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *
wait_and_try(void *arg)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return try_in_thread(arg);
}

static int
confine_older_thread(void)
{
	pthread_t thread;
	void *result;

	pthread_mutex_lock(&gate);
	REQUIRE(pthread_create(&thread, NULL, wait_and_try, &gate) == 0);
	REQUIRE(enter(false) == 0); /* once more, now with a thread beside us */
	pthread_mutex_unlock(&gate);
	REQUIRE(pthread_join(thread, &result) == 0);
	REQUIRE(result == &gate);
	return GOOD;
}

static void
threads_that_were_there_before_are_confined_too(void **arg)
{
	int status;
	pid_t pid;

	(void)arg;
	if (!CALLS_ARE_DENIED)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(confine_older_thread());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void *
read_in_thread(void *arg)
{
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	if (sandbox_enter_thread())
		return NULL;
	errno = 0;
	return open_in(ca, "file", O_RDONLY) == -1 && errno == EACCES &&
		open_in(own, "file", O_RDWR) >= 0
	    ? arg
	    : NULL;
}

static int
confine_files_of_thread(void)
{
	pthread_t thread;
	void *result;

	pthread_mutex_lock(&gate);
	REQUIRE(pthread_create(&thread, NULL, read_in_thread, &gate) == 0);
	REQUIRE(enter(false) == 0);
	pthread_mutex_unlock(&gate);
	REQUIRE(pthread_join(thread, &result) == 0);
	if (!state.landlock)
		return NO_LANDLOCK;
	REQUIRE(result == &gate);
	return GOOD;
}

static void
a_thread_gives_up_the_files_by_itself(void **arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(confine_files_of_thread());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	skip_without(true, WEXITSTATUS(status));
}

static int
touch_foreign_files(void)
{
	char path[300];

	if (!state.landlock)
		return NO_LANDLOCK;
	REQUIRE(open_in(ca, "file", O_RDONLY) < 0 && errno == EACCES);
	REQUIRE(open_in(ca, "new", O_WRONLY | O_CREAT) < 0 && errno == EACCES);
	REQUIRE(open(ca, O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	REQUIRE(open(top, O_RDONLY | O_DIRECTORY) < 0 && errno == EACCES);
	snprintf(path, sizeof path, "%s/file", ca);
	REQUIRE(unlink(path) < 0 && errno == EACCES);
	REQUIRE(rename(path, own) < 0);
	if (state.landlock >= 3)
		REQUIRE(truncate(path, 0) < 0 && errno == EACCES);
	return GOOD;
}

static void
the_key_of_the_CA_cannot_be_reached(void **arg)
{
	(void)arg;
	skip_without(true, confined(false, touch_foreign_files));
}

static int
touch_configuration(void)
{
	char text[16];
	int fd = open_in(etc, "file", O_RDONLY);

	REQUIRE(read(fd, text, sizeof text) == 7);
	if (!state.landlock)
		return NO_LANDLOCK;
	REQUIRE(open_in(etc, "file", O_WRONLY) < 0 && errno == EACCES);
	REQUIRE(open_in(etc, "new", O_WRONLY | O_CREAT) < 0 && errno == EACCES);
	return GOOD;
}

static void
the_configuration_can_be_read_and_not_written(void **arg)
{
	(void)arg;
	skip_without(true, confined(false, touch_configuration));
}

static int
remove_socket(void)
{
	char path[300];

	snprintf(path, sizeof path, "%s/file", run);
	REQUIRE(!state.landlock || (open(path, O_RDONLY) < 0 && errno == EACCES));
	REQUIRE(unlink(path) == 0);
	return GOOD;
}

static void
a_socket_can_be_removed_from_where_nothing_can_be_read(void **arg)
{
	(void)arg;
	assert_int_equal(confined(false, remove_socket), GOOD);
	write_file(run, "file");
}

static int
gain_privileges(void)
{
	REQUIRE(state.no_new_privs);
	REQUIRE(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	return GOOD;
}

static void
there_are_no_new_privileges(void **arg)
{
	(void)arg;
	assert_int_equal(confined(false, gain_privileges), GOOD);
}

/* --- what still works --------------------------------------------------------------------------- */
static int
write_own_files(void)
{
	char from[300], to[300];
	int fd = open_in(own, "new", O_RDWR | O_CREAT | O_TRUNC);

	snprintf(from, sizeof from, "%s/new", own);
	snprintf(to, sizeof to, "%s/sub/moved", own);
	REQUIRE(write(fd, "x", 1) == 1 && fsync(fd) == 0 && ftruncate(fd, 0) == 0);
	snprintf(to, sizeof to, "%s/sub", own);
	REQUIRE(mkdir(to, 0700) == 0);
	snprintf(to, sizeof to, "%s/moved", own);
	REQUIRE(rename(from, to) == 0);
	fd = open(own, O_RDONLY | O_DIRECTORY);
	REQUIRE(fd >= 0 && fsync(fd) == 0);
	REQUIRE(unlink(to) == 0);
	snprintf(to, sizeof to, "%s/sub", own);
	REQUIRE(rmdir(to) == 0);
	return GOOD;
}

static void
files_of_the_state_directory_are_written_synced_and_renamed(void **arg)
{
	(void)arg;
	assert_int_equal(confined(false, write_own_files), GOOD);
}

static int
use_the_rest(void)
{
	int pair[2];
	char bytes[8];
	pthread_t thread;
	int fd;

	REQUIRE(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	REQUIRE(fd >= 0 || errno == EAFNOSUPPORT);
	REQUIRE(pthread_create(&thread, NULL, try_in_thread, NULL) == 0);
	REQUIRE(pthread_join(thread, NULL) == 0);
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	REQUIRE(fd >= 0 && read(fd, bytes, sizeof bytes) == sizeof bytes);
	REQUIRE(open("/dev/null", O_RDWR | O_CLOEXEC) >= 0);
	return GOOD;
}

static void
threads_sockets_randomness_and_proc_still_work(void **arg)
{
	(void)arg;
	assert_int_equal(confined(false, use_the_rest), GOOD);
}

/* The spawner's: files stay as they are, because what it starts has others. */
static int
start_program(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(BAD);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	REQUIRE(status == 0);
	errno = 0;
	REQUIRE(!CALLS_ARE_DENIED || (syscall(SYS_keyctl, -1) < 0 && errno == EPERM));
	REQUIRE(syscall(SYS_unshare, 0) == 0); /* "ip netns exec" of a hook's program */
	return GOOD;
}

static void
a_spawner_starts_programs_and_has_no_use_for_more(void **arg)
{
	int status;
	pid_t pid = fork();

	(void)arg;
	if (pid == 0)
		_exit(sandbox_enter(NULL, true, &state) ? BAD : start_program());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void
a_description_says_what_could_be_had(void **arg)
{
	const struct sandbox_state all = { true, true, 7 }, nothing = { 0 };
	char text[96];

	(void)arg;
	assert_string_equal(sandbox_describe(&all, text, sizeof text),
	    "no new privileges, Landlock ABI 7, seccomp");
	assert_string_equal(sandbox_describe(&nothing, text, sizeof text),
	    "privileges can be had, no Landlock, no seccomp");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(everything_that_is_tried_is_denied_S_33),
		TEST(without_a_sandbox_the_probes_find_open_doors),
		TEST(a_denied_call_fails_with_EPERM_and_kills_nobody),
		TEST(threads_that_were_there_before_are_confined_too),
		TEST(a_thread_gives_up_the_files_by_itself),
		TEST(the_key_of_the_CA_cannot_be_reached),
		TEST(the_configuration_can_be_read_and_not_written),
		TEST(a_socket_can_be_removed_from_where_nothing_can_be_read),
		TEST(there_are_no_new_privileges),
		TEST(files_of_the_state_directory_are_written_synced_and_renamed),
		TEST(threads_sockets_randomness_and_proc_still_work),
		TEST(a_spawner_starts_programs_and_has_no_use_for_more),
		TEST(a_description_says_what_could_be_had),
	};

	return RUN_TESTS(tests, set_up, tear_down);
}
