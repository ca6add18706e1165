/* SPDX-License-Identifier: Apache-2.0
 *
 * A plug-in that means no good (S-21): evil_plugin ATTACK DIRECTORY HOST PORT. Attacks that end are
 * tried when it is first asked, and told by evil_ATTACK_done, 1 if it has worked; the others are on
 * their way when it is asked. "good" is none. Nobody runs it by hand: it does what it says. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static const char *directory, *host;
static int port;
static pid_t agent;

static int
tried(const char *what, bool worked)
{
	fprintf(stderr, "%s: %s\n", what, worked ? "it works" : strerror(errno));
	return worked;
}

static pid_t
parent_of(pid_t pid)
{
	char path[64], line[200];
	pid_t parent = -1;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			break;
	if (f)
		fclose(f);
	return parent;
}

static bool
open_file(const char *name, int flags)
{
	char path[600];
	int fd;

	snprintf(path, sizeof path, "%s/%s", directory, name);
	fd = open(path, flags | O_CLOEXEC, 0600);
	if (fd >= 0 && (flags & O_ACCMODE) != O_RDONLY && write(fd, "evil\n", 5) < 0) {
		close(fd);
		return false;
	}
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int
write_state(void)
{
	return tried("a file in the state directory",
		   open_file("evil", O_WRONLY | O_CREAT)) |
	    tried("the plan", open_file("time", O_WRONLY | O_CREAT | O_APPEND)) |
	    tried("beside it", open_file("../evil", O_WRONLY | O_CREAT));
}

static int
read_key(void)
{
	return tried("the key of the node", open_file("node.key", O_RDONLY));
}

static bool
dial(int family, const void *addr, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool worked = fd >= 0 && connect(fd, addr, len) == 0;

	if (fd >= 0)
		close(fd);
	return worked;
}

static int
connect_out(void)
{
	struct sockaddr_in6 to = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_un control = { .sun_family = AF_UNIX };

	inet_pton(AF_INET6, host, &to.sin6_addr);
	snprintf(control.sun_path, sizeof control.sun_path, "%s/../control", directory);
	return tried("a connection", dial(AF_INET6, &to, sizeof to)) |
	    tried("the control socket", dial(AF_UNIX, &control, sizeof control)) |
	    tried("another socket", socket(AF_NETLINK, SOCK_RAW, 0) >= 0);
}

static int
trace_agent(void)
{
	char path[64], byte;
	struct iovec iov = { &byte, 1 };
	struct iovec far = { (void *)0x400000, 1 };

	snprintf(path, sizeof path, "/proc/%d/mem", agent);
	return tried("ptrace", ptrace(PTRACE_ATTACH, agent, NULL, NULL) == 0) |
	    tried("process_vm_readv", process_vm_readv(agent, &iov, 1, &far, 1, 0) >= 0) |
	    tried("its memory", open(path, O_RDONLY | O_CLOEXEC) >= 0);
}

static int
write_much(const char *path)
{
	static char block[1 << 20];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t n = 0;
	size_t sum = 0;

	while (fd >= 0 && sum < (64 << 20) && (n = write(fd, block, sizeof block)) > 0)
		sum += (size_t)n;
	if (fd >= 0)
		close(fd);
	return tried(path, sum > 0);
}

static int
fill_disk(void)
{
	return write_much("/tmp/fogwatch-evil") | write_much("/var/tmp/fogwatch-evil") |
	    write_much("/dev/shm/fogwatch-evil") | write_much("/run/fogwatch-evil");
}

/* Never as root: should it not be held back, it would take all with it. */
static int
kill_agent(void)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0)
		return tried("it is root", true);
	return tried("SIGKILL to the agent", kill(agent, SIGKILL) == 0) |
	    tried("SIGKILL to the spawner", kill(getppid(), SIGKILL) == 0) |
	    tried("SIGSTOP to the agent", kill(agent, SIGSTOP) == 0) |
	    tried("no processor for the agent",
		prlimit(agent, RLIMIT_CPU, &none, NULL) == 0) |
	    tried("the last place for the agent",
		setpriority(PRIO_PROCESS, (id_t)agent, 19) == 0);
}

static void
fork_bomb(void)
{
	while (fork() >= 0)
		;
	pause();
}

static void
leave_group(void)
{
	if (fork() == 0) {
		if (tried("a session of its own", setsid() >= 0) ||
		    tried("a group of its own", setpgid(0, 0) == 0))
			_exit(0);
		pause();
	}
}

static void
print_much(const char *text)
{
	for (long sum = 0; sum < 1L << 30; sum += (long)strlen(text))
		if (fputs(text, stdout) == EOF)
			exit(1);
	exit(0);
}

static void
ignore_everything(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_IGN);
	leave_group();
	for (;;)
		pause();
}

static const struct {
	const char *name;
	int (*attempt)(void); /* NULL: it does not come back */
} attacks[] = { { "write_state", write_state }, { "read_key", read_key },
	{ "connect_out", connect_out }, { "trace_agent", trace_agent },
	{ "fill_disk", fill_disk }, { "kill_agent", kill_agent } };

static void
begin(const char *attack)
{
	if (!strcmp(attack, "fork_bomb"))
		fork_bomb();
	else if (!strcmp(attack, "flood"))
		print_much("evil_flood value=1\n");
	else if (!strcmp(attack, "garbage"))
		print_much("\x01\xd9\xd9\xf7 ,=\"\\ ,,== \x80 {\"a\": [1, 2]}\n");
	else if (!strcmp(attack, "endless_line"))
		print_much("evil_endless_line_value=1,");
	else if (!strcmp(attack, "ignore_term"))
		ignore_everything();
	else if (!strcmp(attack, "sleep"))
		for (;;)
			pause();
}

int
main(int argc, char **argv)
{
	char line[16];
	int done = -1;

	if (argc != 5)
		return 2;
	directory = argv[2];
	host = argv[3];
	port = atoi(argv[4]);
	agent = parent_of(getppid());
	while (fgets(line, sizeof line, stdin)) {
		begin(argv[1]);
		for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
			if (done < 0 && !strcmp(attacks[i].name, argv[1]))
				done = attacks[i].attempt();
		printf("%s%s done=%di\n", strcmp(argv[1], "good") ? "evil_" : "", argv[1],
		    done > 0);
		fflush(stdout);
	}
	return 0;
}
