/*
 * Starts one program of user code: comes in as root, ends as an ordinary user with nothing left to give back.
 * Owns the order of the steps that drop rights. Must never go on after a step that failed, and must never
 * hand the program a descriptor other than 0 to 3 (3 is where a kernel writes its results).
 *
 *   launcher --uid N --gid N --nproc N --data BYTES --fsize BYTES --nofile N --seccomp FILE [--cwd DIR] [--guard]
 *     [--report] -- cmd args…
 *   launcher --kill-all --uid N
 *
 * A limit of 0 leaves the limit as it is. --guard gives a program of ours the rights of user code and a real uid that
 * nobody else has: once it has made that its saved uid too, user code can neither signal nor trace it. --report tells
 * what failed on fd 3 in place of fd 2, and the program does not get fd 3: its end without a word means that the program
 * has started. Exit codes: 125 bad argument, 126 a step failed, 127 the program could not be started; otherwise those
 * of the program.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Nobody else's. What ends user code ends what bears it too, so that agents on one machine need one each. */
#ifndef GUARD_ID
#define GUARD_ID 65533
#endif

enum { BAD_ARGUMENT = 125, STEP_FAILED = 126, NOT_STARTED = 127 };
enum { REPORT_FD = 3, FIRST_CLOSED_FD = 4, MAX_ID = 65532, MAX_INSTRUCTIONS = 4096 };

struct options {
  int kill_all, guard, report;
  unsigned long long uid, gid, nproc, data, fsize, nofile;
  const char *seccomp, *cwd;
  char **command;
};

struct number_option {
  const char *name;
  unsigned long long *value;
  unsigned long long min, max;
  int given;
};

static int failure_fd = 2;

static void fail(int code, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  dprintf(failure_fd, "launcher: ");
  vdprintf(failure_fd, format, arguments);
  dprintf(failure_fd, "\n");
  va_end(arguments);
  _exit(code);
}

static void step_failed(const char *step) { fail(STEP_FAILED, "%s: %s", step, strerror(errno)); }

/* ---- arguments ---- */

static void parse_number(struct number_option *option, const char *text) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (errno || end == text || *end || text[0] < '0' || text[0] > '9' || value < option->min || value > option->max)
    fail(BAD_ARGUMENT, "%s: \"%s\" is not a whole number from %llu to %llu", option->name, text, option->min, option->max);
  *option->value = value;
  option->given = 1;
}

static int take_text(const char *name, const char **target, char **argv, int *index) {
  if (strcmp(argv[*index], name)) return 0;
  const char *value = argv[*index + 1];
  if (!value || !*value) fail(BAD_ARGUMENT, "%s: a value is missing", name);
  *target = value;
  *index += 1;
  return 1;
}

static int take_number(struct number_option *option, char **argv, int *index) {
  if (strcmp(argv[*index], option->name)) return 0;
  if (!argv[*index + 1]) fail(BAD_ARGUMENT, "%s: a value is missing", option->name);
  parse_number(option, argv[*index + 1]);
  *index += 1;
  return 1;
}

static void parse_arguments(struct options *options, char **argv) {
  const unsigned long long most = ~0ULL >> 1;
  struct number_option numbers[] = {
      {"--uid", &options->uid, 1, MAX_ID, 0},  {"--gid", &options->gid, 1, MAX_ID, 0},
      {"--nproc", &options->nproc, 0, most, 0}, {"--data", &options->data, 0, most, 0},
      {"--fsize", &options->fsize, 0, most, 0}, {"--nofile", &options->nofile, 0, most, 0},
  };
  const int count = sizeof numbers / sizeof *numbers;
  for (int i = 1; argv[i]; i++) {
    if (!strcmp(argv[i], "--")) {
      options->command = argv + i + 1;
      break;
    }
    int known = take_text("--seccomp", &options->seccomp, argv, &i) || take_text("--cwd", &options->cwd, argv, &i);
    if (!known && !strcmp(argv[i], "--kill-all")) known = options->kill_all = 1;
    if (!known && !strcmp(argv[i], "--guard")) known = options->guard = 1;
    if (!known && !strcmp(argv[i], "--report")) known = options->report = 1;
    for (int n = 0; !known && n < count; n++) known = take_number(&numbers[n], argv, &i);
    if (!known) fail(BAD_ARGUMENT, "%s: unknown argument", argv[i]);
  }
  if (options->kill_all) {
    if (!numbers[0].given) fail(BAD_ARGUMENT, "--uid: missing");
    if (options->command) fail(BAD_ARGUMENT, "--kill-all: takes no command");
    return;
  }
  for (int n = 0; n < count; n++)
    if (!numbers[n].given) fail(BAD_ARGUMENT, "%s: missing", numbers[n].name);
  if (!options->seccomp) fail(BAD_ARGUMENT, "--seccomp: missing");
  if (!options->command || !options->command[0]) fail(BAD_ARGUMENT, "--: a command must follow");
}

/* ---- steps ---- */

static void report_failures(void) {
  if (fcntl(REPORT_FD, F_SETFD, FD_CLOEXEC)) step_failed("fd 3");
  failure_fd = REPORT_FD;
}

static struct sock_fprog read_filter(const char *path) {
  struct stat facts;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &facts)) fail(STEP_FAILED, "seccomp file %s: %s", path, strerror(errno));
  const size_t size = (size_t)facts.st_size, width = sizeof(struct sock_filter);
  if (!S_ISREG(facts.st_mode) || size == 0 || size % width || size / width > MAX_INSTRUCTIONS)
    fail(STEP_FAILED, "seccomp file %s: %zu bytes are no filter", path, size);
  struct sock_filter *instructions = malloc(size);
  if (!instructions || read(fd, instructions, size) != (ssize_t)size)
    fail(STEP_FAILED, "seccomp file %s: cannot be read whole", path);
  close(fd);
  return (struct sock_fprog){(unsigned short)(size / width), instructions};
}

static void prefer_for_oom_kill(void) {
  /* Best effort: without CAP_SYS_RESOURCE user code can set it back, and some hosts refuse the write. */
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;
  if (write(fd, "1000", 4) != 4) { /* nothing depends on it */
  }
  close(fd);
}

static void limit(const char *name, int resource, unsigned long long value) {
  struct rlimit now;
  if (getrlimit(resource, &now)) step_failed(name);
  /* Never above what the host allows: raising needs a capability that we do not have and do not want. */
  const rlim_t wanted = value < now.rlim_max ? (rlim_t)value : now.rlim_max;
  const struct rlimit next = {wanted, wanted};
  if (setrlimit(resource, &next)) step_failed(name);
}

static void limit_unless_zero(const char *name, int resource, unsigned long long value) {
  if (value) limit(name, resource, value);
}

static void reset_signals(void) {
  sigset_t none;
  sigemptyset(&none);
  for (int number = 1; number < NSIG; number++)
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL); /* refused for libc's own two */
  if (sigprocmask(SIG_SETMASK, &none, NULL)) step_failed("signal mask");
}

static void drop_bounding_set(void) {
  for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)) step_failed("capability bounding set");
}

static void drop_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0, 0, 0}, {0, 0, 0}};
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)) step_failed("ambient capabilities");
  if (syscall(SYS_capset, &header, none)) step_failed("capabilities");
}

static void become(uid_t real, uid_t effective, gid_t gid) {
  if (setgroups(0, NULL)) step_failed("supplementary groups");
  if (setresgid(gid, gid, gid)) step_failed("gid");
  if (setresuid(real, effective, real)) step_failed("uid");
}

static void die_with(pid_t parent) {
  /* A change of uid clears the signal, so it is set after it; the parent may have gone before that. */
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) step_failed("parent death signal");
  if (getppid() != parent) fail(STEP_FAILED, "parent: it has already gone");
}

static int kill_everything_of(uid_t uid) {
  /* Real and saved uid are one that nobody else has: so user code can neither signal nor trace this
     process, while the effective uid lets kill(-1) reach user code. It reaches those that run with --guard as well,
     whose real uid is the same: a file operation under way fails then, and whoever asked for it is told. */
  become(GUARD_ID, uid, GUARD_ID);
  drop_capabilities();
  if (kill(-1, SIGKILL) && errno != ESRCH) step_failed("kill");
  return 0;
}

int main(int argc, char **argv) {
  (void)argc;
  const pid_t parent = getppid();
  struct options options = {0};
  parse_arguments(&options, argv);
  if (options.kill_all) return kill_everything_of((uid_t)options.uid);

  if (options.report) report_failures();
  if (syscall(SYS_close_range, FIRST_CLOSED_FD, ~0U, 0)) step_failed("close_range");
  struct sock_fprog filter = read_filter(options.seccomp);
  prefer_for_oom_kill();
  limit("RLIMIT_CORE", RLIMIT_CORE, 0);
  limit_unless_zero("RLIMIT_NPROC", RLIMIT_NPROC, options.nproc);
  limit_unless_zero("RLIMIT_DATA", RLIMIT_DATA, options.data);
  limit_unless_zero("RLIMIT_FSIZE", RLIMIT_FSIZE, options.fsize);
  limit_unless_zero("RLIMIT_NOFILE", RLIMIT_NOFILE, options.nofile);
  reset_signals();
  umask(022);

  drop_bounding_set();
  become(options.guard ? GUARD_ID : (uid_t)options.uid, (uid_t)options.uid, (gid_t)options.gid);
  drop_capabilities();
  die_with(parent);
  if (options.cwd && chdir(options.cwd)) fail(STEP_FAILED, "cwd %s: %s", options.cwd, strerror(errno));
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) step_failed("no_new_privs");
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0)) step_failed("seccomp");
  execvp(options.command[0], options.command);
  fail(NOT_STARTED, "%s: %s", options.command[0], strerror(errno));
}
