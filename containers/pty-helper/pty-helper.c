/*
 * Gives one program of user code a terminal: holds the terminal's other end and passes bytes. Must never do more with
 * what it reads than pass it on, and must never be started with more rights than user code has.
 *
 *   pty-helper COLS ROWS cmd args…
 *
 * In by fd 0: what is typed. Out by fd 1: what is shown. fd 3 is a socket: in, lines `COLS ROWS` that resize; out, the
 * line `started PID` or `failed WHY`, and at the end `ended CODE SIGNAL`. The program leads a session of its own, and
 * is hung up when this ends. Exit code 0 once all is told, 1 after `failed`, 2 for what cannot be told any more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum { CONTROL_FD = 3, BUFFER_BYTES = 16 * 1024, LINE_BYTES = 64, MAX_SIZE = 4096 };

static char typed[BUFFER_BYTES];
static size_t typed_size, typed_at;

static void fail(const char *what, int error) {
  dprintf(CONTROL_FD, "failed %s: %s\n", what, strerror(error));
  _exit(1);
}

/* A real uid of its own keeps user code from stopping or ending this; exec took it from the saved one. */
static void guard(void) {
  uid_t real, effective, saved;
  if (getresuid(&real, &effective, &saved)) _exit(2);
  if (real != effective && setresuid((uid_t)-1, (uid_t)-1, real)) _exit(2);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) _exit(2);
  signal(SIGPIPE, SIG_IGN);
}

static int resize(int master, const char *size) {
  struct winsize window = {0, 0, 0, 0};
  unsigned cols, rows;
  if (sscanf(size, "%u %u", &cols, &rows) != 2 || !cols || !rows || cols > MAX_SIZE || rows > MAX_SIZE) return 0;
  window.ws_col = (unsigned short)cols;
  window.ws_row = (unsigned short)rows;
  return !ioctl(master, TIOCSWINSZ, &window);
}

static void run_program(int terminal, int report, char **command, const sigset_t *mask) {
  const uid_t user = geteuid();
  /* From here on it is user code: no uid that user code has not. */
  if (!setresuid(user, user, user) && setsid() > 0 && !ioctl(terminal, TIOCSCTTY, 0) && dup2(terminal, 0) == 0 &&
      dup2(terminal, 1) == 1 && dup2(terminal, 2) == 2) {
    close(CONTROL_FD);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, mask, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    execvp(command[0], command);
  }
  const int error = errno;
  if (write(report, &error, sizeof error) != sizeof error) _exit(2);
  _exit(1);
}

static pid_t start(int master, char **command, const sigset_t *mask) {
  int report[2], error;
  const int terminal = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (terminal < 0) fail("terminal", errno);
  if (pipe2(report, O_CLOEXEC)) fail("pipe", errno);
  const pid_t child = fork();
  if (child < 0) fail("fork", errno);
  if (child == 0) run_program(terminal, report[1], command, mask);
  close(terminal);
  close(report[1]);
  if (read(report[0], &error, sizeof error) == sizeof error) fail(command[0], error);
  close(report[0]);
  return child;
}

static void pass_on(const char *bytes, size_t size) {
  for (size_t at = 0; at < size;) {
    const ssize_t written = write(1, bytes + at, size - at);
    if (written <= 0) _exit(2);
    at += (size_t)written;
  }
}

/* Answers false when there is nothing to show for now. */
static int show(int master) {
  static char shown[BUFFER_BYTES];
  const ssize_t got = read(master, shown, sizeof shown);
  if (got <= 0) return 0;
  pass_on(shown, (size_t)got);
  return 1;
}

/* What the program does not take yet waits; meanwhile nothing more is read. */
static void type(int master) {
  const ssize_t written = write(master, typed + typed_at, typed_size - typed_at);
  if (written < 0 && errno != EAGAIN) typed_at = typed_size;
  if (written > 0) typed_at += (size_t)written;
}

static void control(int master) {
  static char line[LINE_BYTES];
  static size_t size;
  char byte;
  if (read(CONTROL_FD, &byte, 1) != 1) _exit(2);
  if (byte != '\n') {
    if (size < sizeof line - 1) line[size++] = byte;
    return;
  }
  line[size] = 0;
  size = 0;
  resize(master, line);
}

static void end_of(int master, int deaths, pid_t child) {
  struct signalfd_siginfo told;
  int status;
  while (read(deaths, &told, sizeof told) > 0) {
  }
  if (waitpid(child, &status, WNOHANG) != child) return;
  while (show(master)) {
  }
  const int by_signal = WIFSIGNALED(status);
  dprintf(CONTROL_FD, "ended %d %d\n", by_signal ? 0 : WEXITSTATUS(status), by_signal ? WTERMSIG(status) : 0);
  _exit(0);
}

static void serve(int master, int deaths, pid_t child) {
  int input_open = 1;
  for (;;) {
    const int waits = typed_at < typed_size;
    struct pollfd watched[] = {
        {master, (short)(POLLIN | (waits ? POLLOUT : 0)), 0},
        {input_open && !waits ? 0 : -1, POLLIN, 0},
        {CONTROL_FD, POLLIN, 0},
        {deaths, POLLIN, 0},
    };
    if (poll(watched, 4, -1) < 0 && errno != EINTR) _exit(2);
    if (watched[0].revents & POLLOUT) type(master);
    /* Hung up without bytes: the program has closed its terminal, and its end is awaited without a busy loop. */
    if (watched[0].revents & POLLIN) show(master);
    else if (watched[0].revents & POLLHUP) poll(&watched[3], 1, 50);
    if (watched[1].revents) {
      const ssize_t got = read(0, typed, sizeof typed);
      input_open = got > 0;
      typed_at = 0;
      typed_size = got > 0 ? (size_t)got : 0;
    }
    if (watched[2].revents) control(master);
    end_of(master, deaths, child);
  }
}

int main(int argc, char **argv) {
  sigset_t child_ends, before;
  if (argc < 4) return 2;
  guard();
  sigemptyset(&child_ends);
  sigaddset(&child_ends, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &child_ends, &before)) return 2;
  const int deaths = signalfd(-1, &child_ends, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) || deaths < 0) return 2;
  const int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  if (master < 0 || unlockpt(master)) fail("terminal", errno);
  char size[LINE_BYTES];
  snprintf(size, sizeof size, "%.20s %.20s", argv[1], argv[2]);
  if (!resize(master, size)) fail("size", EINVAL);
  const pid_t child = start(master, argv + 3, &before);
  dprintf(CONTROL_FD, "started %d\n", (int)child);
  serve(master, deaths, child);
}
