/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Another page, without cursor; home and what was there cleared; back again. */
#define ENTER "\033[?1049h\033[?25l\033[2J"
#define HOME  "\033[H"
#define LEAVE "\033[?25h\033[?1049l"

static struct {
	struct termios before;
	volatile sig_atomic_t active, resized;
} screen;

unsigned
screen_columns(FILE *to)
{
	struct winsize w;

	return ioctl(fileno(to), TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
}

bool
screen_is_possible(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

void
screen_size(unsigned *ret_columns, unsigned *ret_rows)
{
	struct winsize w = { .ws_col = 0 };

	(void)ioctl(STDOUT_FILENO, TIOCGWINSZ, &w);
	*ret_columns = w.ws_col ? w.ws_col : 80;
	*ret_rows = w.ws_row ? w.ws_row : 24;
}

/* --- there and back ------------------------------------------------------------------------------ */

/* Also from a signal: write(2) and tcsetattr(3) may be called there. */
void
screen_end(void)
{
	if (!screen.active)
		return;
	screen.active = 0;
	(void)!write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1);
	(void)tcsetattr(STDIN_FILENO, TCSANOW, &screen.before);
}

static int
take_over(void)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &screen.before) < 0)
		return -errno;
	t = screen.before;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t) < 0)
		return -errno;
	screen.active = 1;
	(void)!write(STDOUT_FILENO, ENTER, sizeof ENTER - 1);
	return 0;
}

/* A daemon that does not answer must not keep us: it ends here and now. */
static void
on_end(int signal)
{
	screen_end();
	if (signal == SIGINT)
		_exit(0);
	(void)sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
	(void)raise(signal);
}

static void
on_resize(int signal)
{
	(void)signal;
	screen.resized = 1;
}

static void
on_stop(int signal)
{
	(void)signal;
	screen_end();
	(void)raise(SIGSTOP);
}

static void
on_continue(int signal)
{
	int saved = errno;

	(void)signal;
	if (!screen.active)
		(void)take_over();
	screen.resized = 1;
	errno = saved;
}

int
screen_begin(void)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	int err = take_over();

	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		(void)sigaction(
		    ends[i], &(struct sigaction){ .sa_handler = on_end }, NULL);
	(void)sigaction(SIGWINCH,
	    &(struct sigaction){ .sa_handler = on_resize, .sa_flags = SA_RESTART }, NULL);
	(void)sigaction(SIGTSTP, &(struct sigaction){ .sa_handler = on_stop }, NULL);
	(void)sigaction(SIGCONT, &(struct sigaction){ .sa_handler = on_continue }, NULL);
	return 0;
}

/* --- what is on it ------------------------------------------------------------------------------- */
static void
write_all(struct slice text)
{
	while (text.len) {
		ssize_t n = write(STDOUT_FILENO, text.data, text.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		text.data += n;
		text.len -= (size_t)n;
	}
}

/* In one piece, and line over line, so that nothing flickers. */
void
screen_draw(struct slice text)
{
	struct buf out;

	buf_init(&out, 1u << 20);
	buf_puts(&out, HOME);
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\n')
			buf_puts(&out, "\033[K\r\n");
		else
			buf_put_u8(&out, text.data[i]);
	}
	buf_puts(&out, "\033[K\033[J");
	write_all(buf_slice(&out));
	buf_done(&out);
}

enum screen_event
screen_wait(int64_t ms, char *ret_key)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	int n = screen.resized ? 0 : poll(&p, 1, ms > 0 ? (int)ms : 0);

	if (screen.resized) {
		screen.resized = 0;
		return SCREEN_RESIZED;
	}
	if (n > 0 && read(STDIN_FILENO, ret_key, 1) == 1)
		return SCREEN_KEY;
	if (n > 0) { /* nobody types there any more */
		*ret_key = 'q';
		return SCREEN_KEY;
	}
	return SCREEN_TIME;
}
