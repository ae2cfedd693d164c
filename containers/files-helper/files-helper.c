/*
 * Does one file operation with the rights of user code, for the agent, and ends. Owns the rule that nothing outside
 * the given roots is read or written. Must never be started with more rights than user code has.
 *
 *   files-helper read|write|write-parts|list|watch|stat|mkdir|move|remove ROOT…
 *
 * In by fd 0: the operation's fields, each ended by NUL, then for a write its bytes; for a write in parts, whose size
 * nobody knows yet, the size of each part as a field before its bytes, and 0 after the last. Out by fd 1: records, whose
 * fields end with NUL too, and for a read its bytes: `entry` type size mode mtime version path target uid gid · `error` what
 * which · `ready` · `end` more · `change` kind path, until fd 0 ends. Exit code 0 after success, 1 after an `error`, 2 for what cannot be told any more.
 *
 * A path is opened without effect (O_PATH), then the kernel is asked where what was opened lies: so a link that is
 * changed between check and use changes nothing, because what is used is what was checked. A directory that is moved
 * out of its root after its check can still be written to. That gives a sandbox nothing: it is its own user code that
 * moved it, to where user code can write by itself.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 8192, NUMBER_BYTES = 32, MAX_ROOTS = 4, BUFFER_BYTES = 256 * 1024 };
enum { MAX_REMOVE_DEPTH = 512, MAX_NAMES = 200000, PAGE_BYTES = 128 * 1024, SEND_BYTES = 1 << 20 };

static char roots[MAX_ROOTS][PATH_BYTES];
static const char *root_names[MAX_ROOTS];
static int root_count;
/* A file that is being written; gone again unless it is put in its place. */
static int unfinished_dir = -1;
static char unfinished_name[NAME_MAX + 1];

/* ---- what goes out ---- */

static void put(const char *text) {
  if (fwrite(text, 1, strlen(text) + 1, stdout) != strlen(text) + 1) _exit(2);
}

static void put_number(unsigned long long value) {
  char text[NUMBER_BYTES];
  snprintf(text, sizeof text, "%llu", value);
  put(text);
}

static void flush(void) {
  if (fflush(stdout)) _exit(2);
}

static void discard(void) {
  if (unfinished_dir >= 0) unlinkat(unfinished_dir, unfinished_name, 0);
  unfinished_dir = -1;
}

static void fail(const char *what, const char *which) {
  discard();
  put("error");
  put(what);
  put(which);
  flush();
  _exit(1);
}

static const char *name_of(int error) {
  switch (error) {
    case ENOENT: return "not_found";
    case ENOTDIR: return "not_directory";
    case EISDIR: return "is_directory";
    case EEXIST: return "exists";
    case ENOTEMPTY: return "not_empty";
    case EACCES:
    case EPERM: return "denied";
    case EROFS: return "read_only";
    case ENOSPC:
    case EDQUOT: return "no_space";
    case EFBIG: return "too_large";
    case ENAMETOOLONG: return "name_too_long";
    case ELOOP: return "loop";
    case EXDEV: return "other_disk";
    case EINVAL: return "into_itself";
    default: return NULL;
  }
}

static void fail_errno(const char *which) {
  const int error = errno;
  char text[NUMBER_BYTES];
  snprintf(text, sizeof text, "errno_%d", error);
  fail(name_of(error) ? name_of(error) : text, which);
}

/* ---- what comes in ---- */

/* Byte by byte: what follows the fields is not ours to take. */
static void take(char *field, size_t size) {
  for (size_t at = 0; at < size; at++) {
    if (read(0, field + at, 1) != 1) {
      discard();
      _exit(2);
    }
    if (!field[at]) return;
  }
  fail("name_too_long", "path");
}

static unsigned long long take_number(void) {
  char text[NUMBER_BYTES];
  take(text, sizeof text);
  return strtoull(text, NULL, 10);
}

/* ---- where things lie ---- */

static int is_below(const char *path, const char *root) {
  const size_t length = strlen(root);
  return !strncmp(path, root, length) && (path[length] == '/' || !path[length]);
}

/* Answers false for what cannot be told, too. */
static int place_of(int fd, char *place) {
  char link[NUMBER_BYTES + 16];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, place, PATH_BYTES - 1);
  if (length <= 0 || length >= PATH_BYTES - 1) return 0;
  place[length] = 0;
  return 1;
}

static int is_inside(int fd) {
  char place[PATH_BYTES];
  if (!place_of(fd, place)) return 0;
  for (int n = 0; n < root_count; n++)
    if (is_below(place, roots[n])) return 1;
  return 0;
}

static void find_roots(char **names) {
  for (; names[root_count]; root_count++) {
    if (root_count == MAX_ROOTS) _exit(2);
    root_names[root_count] = names[root_count];
    const int fd = open(names[root_count], O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || !place_of(fd, roots[root_count])) _exit(2);
    close(fd);
  }
}

static int is_root(const char *path) {
  for (int n = 0; n < root_count; n++)
    if (!strcmp(path, root_names[n])) return 1;
  return 0;
}

/* Follows links; opens without effect, so that a device or a pipe hears nothing. */
static int locate(const char *path, int flags, const char *which) {
  const int fd = open(path, O_PATH | O_CLOEXEC | flags);
  if (fd < 0) fail_errno(which);
  if (!is_inside(fd)) fail("outside", which);
  return fd;
}

/* The directory that holds the last name of a path; the name itself is not followed. */
static int locate_parent(const char *path, const char **name, const char *which) {
  char parent[PATH_BYTES];
  const char *slash = strrchr(path, '/');
  if (!slash || is_root(path)) fail("is_root", which);
  *name = slash + 1;
  snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
  return locate(parent, O_DIRECTORY, which);
}

/* Makes what is missing of a directory's path, from the top down. */
static int locate_or_make(const char *path, const char *which) {
  char prefix[PATH_BYTES];
  int fd = -1;
  for (size_t at = 1;; at++) {
    if (path[at] && path[at] != '/') continue;
    snprintf(prefix, sizeof prefix, "%.*s", (int)at, path);
    int next = open(prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (next < 0 && errno == ENOENT && fd >= 0) {
      if (!is_inside(fd)) fail("outside", which);
      if (mkdirat(fd, strrchr(prefix, '/') + 1, 0755) && errno != EEXIST) fail_errno(which);
      next = open(prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
    }
    if (next < 0) fail_errno(which);
    if (fd >= 0) close(fd);
    fd = next;
    if (!path[at]) break;
  }
  if (!is_inside(fd)) fail("outside", which);
  return fd;
}

/* ---- what is told of a file ---- */

static unsigned long long nanoseconds(struct timespec time) {
  return (unsigned long long)time.tv_sec * 1000000000ULL + (unsigned long long)time.tv_nsec;
}

/* Whatever changes a file gives it another version; user code cannot set the time of the change back. */
static void version_of(const struct stat *facts, char *version, size_t size) {
  snprintf(version, size, "%llx-%llx-%llx", (unsigned long long)facts->st_ino, nanoseconds(facts->st_ctim),
           (unsigned long long)facts->st_size);
}

static const char *type_of(mode_t mode) {
  return S_ISREG(mode) ? "file" : S_ISDIR(mode) ? "directory" : S_ISLNK(mode) ? "symlink" : "other";
}

static size_t put_entry(const char *path, const struct stat *facts, const char *target) {
  char version[3 * NUMBER_BYTES];
  version_of(facts, version, sizeof version);
  put("entry");
  put(type_of(facts->st_mode));
  put_number((unsigned long long)facts->st_size);
  put_number(facts->st_mode & 07777);
  put_number(nanoseconds(facts->st_mtim) / 1000000ULL);
  put(version);
  put(path);
  put(target);
  put_number(facts->st_uid);
  put_number(facts->st_gid);
  return strlen(path) + strlen(target);
}

/* What the name itself is, not what a link leads to. False when it is gone. */
static int describe(int dir, const char *name, struct stat *facts, char *target) {
  *target = 0;
  if (fstatat(dir, name, facts, AT_SYMLINK_NOFOLLOW)) return 0;
  if (S_ISLNK(facts->st_mode)) {
    const ssize_t length = readlinkat(dir, name, target, PATH_BYTES - 1);
    if (length < 0) return 0;
    target[length] = 0;
  }
  return 1;
}

/* ---- the operations ---- */

static void read_file(void) {
  char path[PATH_BYTES], link[NUMBER_BYTES + 16];
  struct stat facts;
  take(path, sizeof path);
  const int place = locate(path, 0, "path");
  if (fstat(place, &facts)) fail_errno("path");
  if (S_ISDIR(facts.st_mode)) fail("is_directory", "path");
  if (!S_ISREG(facts.st_mode)) fail("not_file", "path");
  snprintf(link, sizeof link, "/proc/self/fd/%d", place);
  const int fd = open(link, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &facts)) fail_errno("path");
  put_entry(path, &facts, "");
  flush();
  /* Which part is wanted is said once the size is known. */
  off_t offset = (off_t)take_number();
  unsigned long long left = take_number();
  while (left > 0) {
    const ssize_t sent = sendfile(1, fd, &offset, left < SEND_BYTES ? left : SEND_BYTES);
    /* 0 is a file that has become shorter: less than was said is a failure, never an end. */
    if (sent <= 0) _exit(2);
    left -= (unsigned long long)sent;
  }
}

/* A file is replaced where it lies: a link to it stays a link. */
static int locate_target(const char *path, char *name, mode_t *mode) {
  char real[PATH_BYTES];
  const char *base = strrchr(path, '/') + 1;
  struct stat facts;
  const int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) {
    char parent[PATH_BYTES];
    snprintf(parent, sizeof parent, "%.*s", (int)(base - 1 - path), path);
    const int dir = locate_or_make(parent, "path");
    /* Something is there that leads to nothing. */
    if (!fstatat(dir, base, &facts, AT_SYMLINK_NOFOLLOW)) fail(S_ISLNK(facts.st_mode) ? "dangling" : "exists", "path");
    snprintf(name, NAME_MAX + 1, "%s", base);
    return dir;
  }
  if (fd < 0 || fstat(fd, &facts)) fail_errno("path");
  if (!is_inside(fd)) fail("outside", "path");
  if (S_ISDIR(facts.st_mode)) fail("is_directory", "path");
  if (!S_ISREG(facts.st_mode)) fail("not_file", "path");
  if (facts.st_nlink == 0) fail("not_found", "path");
  *mode = facts.st_mode & 0777;
  if (!place_of(fd, real)) fail("outside", "path");
  close(fd);
  const int dir = locate_parent(real, &base, "path");
  snprintf(name, NAME_MAX + 1, "%s", base);
  return dir;
}

/* `condition` is empty, the version that must stand there, `*` for any, or `-` for nothing. */
static void check_condition(int dir, const char *name, const char *condition) {
  char version[3 * NUMBER_BYTES] = "";
  struct stat facts;
  const int is_there = !fstatat(dir, name, &facts, AT_SYMLINK_NOFOLLOW);
  if (!*condition) return;
  if (is_there) version_of(&facts, version, sizeof version);
  const int is_meant = !strcmp(condition, "*") || !strcmp(condition, version);
  if (!strcmp(condition, "-") ? is_there : !is_there || !is_meant) fail("changed", "path");
}

static void receive(int fd, unsigned long long left) {
  static char buffer[BUFFER_BYTES];
  while (left > 0) {
    const ssize_t got = read(0, buffer, left < sizeof buffer ? left : sizeof buffer);
    if (got <= 0) {
      discard();
      _exit(2);
    }
    for (ssize_t at = 0; at < got;) {
      const ssize_t written = write(fd, buffer + at, (size_t)(got - at));
      if (written < 0) fail_errno("path");
      at += written;
    }
    left -= (unsigned long long)got;
  }
}

static void receive_parts(int fd) {
  for (unsigned long long size = take_number(); size > 0; size = take_number()) receive(fd, size);
}

static void write_whole(int in_parts) {
  char path[PATH_BYTES], condition[PATH_BYTES], name[NAME_MAX + 1], go;
  unsigned long long noise;
  mode_t mode = 0644;
  struct stat facts;
  take(path, sizeof path);
  const unsigned long long size = in_parts ? 0 : take_number();
  take(condition, sizeof condition);
  if (is_root(path)) fail("is_directory", "path");
  const int dir = locate_target(path, name, &mode);
  check_condition(dir, name, condition);
  if (getrandom(&noise, sizeof noise, 0) != sizeof noise) _exit(2);
  snprintf(unfinished_name, sizeof unfinished_name, ".upload-%016llx", noise);
  const int fd = openat(dir, unfinished_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) fail_errno("path");
  unfinished_dir = dir;
  /* A disk that is too small says so before the bytes come. Some file systems cannot, and say it later. */
  if (size > 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) && errno != EOPNOTSUPP) fail_errno("path");
  put("ready");
  flush();
  if (in_parts) receive_parts(fd);
  else receive(fd, size);
  /* Whoever sent the bytes has checked them and says so; an end without a word takes everything back. */
  if (read(0, &go, 1) != 1) {
    discard();
    _exit(2);
  }
  check_condition(dir, name, condition);
  if (fchmod(fd, mode) || renameat(dir, unfinished_name, dir, name)) fail_errno("path");
  unfinished_dir = -1;
  if (fstat(fd, &facts)) fail_errno("path");
  put_entry(path, &facts, "");
}

static void write_file(void) { write_whole(0); }
static void write_parts(void) { write_whole(1); }

static void stat_path(void) {
  char path[PATH_BYTES], target[PATH_BYTES];
  const char *name = "";
  struct stat facts;
  take(path, sizeof path);
  const int is_top = is_root(path);
  const int dir = is_top ? locate(path, O_DIRECTORY, "path") : locate_parent(path, &name, "path");
  if (is_top ? fstat(dir, &facts) || (*target = 0) : !describe(dir, name, &facts, target)) fail_errno("path");
  put_entry(path, &facts, target);
}

static void make_directory(void) {
  char path[PATH_BYTES];
  struct stat facts;
  take(path, sizeof path);
  if (fstat(locate_or_make(path, "path"), &facts)) fail_errno("path");
  put_entry(path, &facts, "");
}

static void move_path(void) {
  char from[PATH_BYTES], to[PATH_BYTES], overwrite[2], target[PATH_BYTES];
  const char *from_name, *to_name;
  struct stat facts;
  take(from, sizeof from);
  take(to, sizeof to);
  take(overwrite, sizeof overwrite);
  const int from_dir = locate_parent(from, &from_name, "from"), to_dir = locate_parent(to, &to_name, "to");
  if (!describe(from_dir, from_name, &facts, target)) fail_errno("from");
  if (renameat2(from_dir, from_name, to_dir, to_name, *overwrite == '1' ? 0 : RENAME_NOREPLACE)) fail_errno("to");
  if (!describe(to_dir, to_name, &facts, target)) fail_errno("to");
  put_entry(to, &facts, target);
}

static void remove_tree(int dir, const char *name, int depth) {
  if (!unlinkat(dir, name, 0) || errno == ENOENT) return;
  if (errno != EISDIR) fail_errno("path");
  if (depth > MAX_REMOVE_DEPTH) fail("too_deep", "path");
  const int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  DIR *entries = fd < 0 ? NULL : fdopendir(fd);
  if (!entries) fail_errno("path");
  for (struct dirent *entry; (entry = readdir(entries));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) remove_tree(fd, entry->d_name, depth + 1);
  closedir(entries);
  if (unlinkat(dir, name, AT_REMOVEDIR) && errno != ENOENT) fail_errno("path");
}

static void remove_path(void) {
  char path[PATH_BYTES], recursive[2], target[PATH_BYTES];
  const char *name;
  struct stat facts;
  take(path, sizeof path);
  take(recursive, sizeof recursive);
  const int dir = locate_parent(path, &name, "path");
  if (!describe(dir, name, &facts, target)) fail_errno("path");
  if (*recursive == '1') remove_tree(dir, name, 0);
  else if (unlinkat(dir, name, S_ISDIR(facts.st_mode) ? AT_REMOVEDIR : 0)) fail_errno("path");
  put("end");
  put("0");
}

/* ---- a list, in the order of its paths ---- */

struct page {
  char after[PATH_BYTES];
  unsigned long long limit, count, bytes;
  int more;
};

/* A directory stands before what is in it, and that before the directory's next neighbour. */
static int compare_paths(const char *one, const char *other) {
  for (; *one && *one == *other; one++, other++) {
  }
  const int a = *one == '/' ? 1 : (unsigned char)*one + 1, b = *other == '/' ? 1 : (unsigned char)*other + 1;
  return (*one ? a : 0) - (*other ? b : 0);
}

static int compare_names(const void *one, const void *other) {
  return strcmp(*(char *const *)one, *(char *const *)other);
}

static char **names_in(DIR *entries, size_t *count) {
  char **names = NULL;
  *count = 0;
  for (struct dirent *entry; (entry = readdir(entries));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    if (*count == MAX_NAMES) fail("too_many", "path");
    if (*count % 1024 == 0) names = realloc(names, (*count + 1024) * sizeof *names);
    if (!names || !(names[*count] = strdup(entry->d_name))) _exit(2);
    *count += 1;
  }
  if (*count) qsort(names, *count, sizeof *names, compare_names);
  return names;
}

static void list_directory(int fd, const char *path, int depth, struct page *page);

static void list_name(int dir, const char *name, const char *path, int depth, struct page *page) {
  char below[PATH_BYTES], target[PATH_BYTES];
  struct stat facts;
  if (snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", name) >= (int)sizeof below) return;
  const int is_new = compare_paths(below, page->after) > 0;
  /* Of what is not new only the directories on the way to the page's begin are looked into. */
  if (!is_new && !is_below(page->after, below)) return;
  if (!describe(dir, name, &facts, target)) return;
  if (is_new && (page->count == page->limit || page->bytes > PAGE_BYTES)) {
    page->more = 1;
    return;
  }
  if (is_new) {
    page->bytes += put_entry(below, &facts, target);
    page->count += 1;
  }
  if (depth <= 1 || !S_ISDIR(facts.st_mode)) return;
  const int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) list_directory(fd, below, depth - 1, page);
}

/* Takes the descriptor. */
static void list_directory(int fd, const char *path, int depth, struct page *page) {
  DIR *entries = fdopendir(fd);
  if (!entries) fail_errno("path");
  size_t count = 0;
  char **names = names_in(entries, &count);
  for (size_t n = 0; n < count; n++) {
    if (!page->more) list_name(fd, names[n], path, depth, page);
    free(names[n]);
  }
  free(names);
  closedir(entries);
}

static void list_path(void) {
  static struct page page;
  char path[PATH_BYTES];
  take(path, sizeof path);
  const int depth = (int)take_number();
  page.limit = take_number();
  take(page.after, sizeof page.after);
  const int place = locate(path, O_DIRECTORY, "path");
  const int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail_errno("path");
  list_directory(fd, "", depth, &page);
  put("end");
  put(page.more ? "1" : "0");
}

/* ---- changes ---- */

enum { MAX_WATCHED = 512, EVENTS_BYTES = 64 * 1024 };
enum { WATCH_MASK = IN_CREATE | IN_MODIFY | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR };

/* No descriptor is kept: a directory that is held open never tells that it is gone. */
static struct watched {
  int wd;
  char *path;
} watched[MAX_WATCHED];
static char watched_root[PATH_BYTES];
static int watched_count, watching, watches_below;

static void put_change(const char *kind, const char *path) {
  put("change");
  put(kind);
  put(path);
}

/* Whoever listens must know that what follows would not be all. */
static void lose(void) {
  put_change("lost", "");
  flush();
  _exit(0);
}

static void watch_directory(int fd, const char *path, int is_new);

/* Of a directory that has come by itself, what is in it already is new too. */
static void watch_names(int fd, const char *path, int is_new) {
  const int reading = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *entries = reading < 0 ? NULL : fdopendir(reading);
  size_t count = 0;
  if (!entries) return;
  char **names = names_in(entries, &count);
  for (size_t n = 0; n < count; n++) {
    char below[PATH_BYTES];
    struct stat facts;
    const int fits = snprintf(below, sizeof below, "%s%s%s", path, *path ? "/" : "", names[n]) < (int)sizeof below;
    if (fits && !fstatat(fd, names[n], &facts, AT_SYMLINK_NOFOLLOW)) {
      if (is_new) put_change("create", below);
      const int next = S_ISDIR(facts.st_mode) ? openat(fd, names[n], O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
      if (next >= 0) watch_directory(next, below, is_new);
    }
    free(names[n]);
  }
  free(names);
  closedir(entries);
}

/* Takes the descriptor. */
static void watch_directory(int fd, const char *path, int is_new) {
  char link[NUMBER_BYTES + 16];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const int wd = inotify_add_watch(watching, link, WATCH_MASK);
  int known = 0;
  for (int n = 0; n < watched_count; n++) known = known || watched[n].wd == wd;
  if (wd < 0 && !watched_count) fail_errno("path");
  if (wd < 0 && errno == ENOSPC) lose();
  if (wd >= 0 && !known) {
    if (watched_count == MAX_WATCHED) lose();
    char *kept = strdup(path);
    if (!kept) _exit(2);
    watched[watched_count++] = (struct watched){wd, kept};
    if (watches_below) watch_names(fd, path, is_new);
  }
  close(fd);
}

static void forget_directory(int wd) {
  for (int n = 0; n < watched_count; n++) {
    if (watched[n].wd != wd) continue;
    /* The directory itself is gone: there is nothing more to tell. */
    if (!*watched[n].path) {
      put("end");
      put("0");
      flush();
      _exit(0);
    }
    free(watched[n].path);
    watched[n] = watched[--watched_count];
    return;
  }
}

/* Its watches would go on telling names that are not there any more; where it comes back, it is watched anew. */
static void forget_below(const char *path) {
  for (int n = watched_count - 1; n >= 0; n--) {
    if (!is_below(watched[n].path, path)) continue;
    inotify_rm_watch(watching, watched[n].wd);
    free(watched[n].path);
    watched[n] = watched[--watched_count];
  }
}

static const char *change_of(unsigned mask) {
  if (mask & (IN_CREATE | IN_MOVED_TO)) return "create";
  if (mask & IN_MODIFY) return "write";
  if (mask & IN_DELETE) return "remove";
  if (mask & IN_MOVED_FROM) return "rename";
  return mask & IN_ATTRIB ? "chmod" : NULL;
}

/* By its name from the top: it may have been moved out since, or be another by now. */
static void watch_new(const char *below) {
  char path[2 * PATH_BYTES];
  snprintf(path, sizeof path, "%s/%s", watched_root, below);
  const int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  if (is_inside(fd)) watch_directory(fd, below, 1);
  else close(fd);
}

static void tell_event(const struct inotify_event *event) {
  char path[PATH_BYTES];
  const char *change = change_of(event->mask);
  if (event->mask & IN_Q_OVERFLOW) lose();
  if (event->mask & IN_IGNORED) forget_directory(event->wd);
  for (int n = 0; change && event->len && n < watched_count; n++) {
    const struct watched in = watched[n];
    if (in.wd != event->wd) continue;
    if (snprintf(path, sizeof path, "%s%s%s", in.path, *in.path ? "/" : "", event->name) >= (int)sizeof path) return;
    put_change(change, path);
    if (!watches_below || !(event->mask & IN_ISDIR)) return;
    if (event->mask & IN_MOVED_FROM) forget_below(path);
    if (!strcmp(change, "create")) watch_new(path);
    return;
  }
}

static void watch_path(void) {
  static char events[EVENTS_BYTES] __attribute__((aligned(__alignof__(struct inotify_event))));
  take(watched_root, sizeof watched_root);
  watches_below = take_number() == 1;
  watching = inotify_init1(IN_CLOEXEC);
  if (watching < 0) fail_errno("path");
  watch_directory(locate(watched_root, O_DIRECTORY, "path"), "", 0);
  put("ready");
  flush();
  for (;;) {
    struct pollfd sources[] = {{watching, POLLIN, 0}, {0, POLLIN, 0}};
    if (poll(sources, 2, -1) < 0) _exit(2);
    if (sources[1].revents) _exit(0);
    const ssize_t got = read(watching, events, sizeof events);
    if (got <= 0) _exit(2);
    for (ssize_t at = 0; at < got;) {
      const struct inotify_event *event = (const struct inotify_event *)(events + at);
      tell_event(event);
      at += (ssize_t)(sizeof *event + event->len);
    }
    flush();
  }
}

/* ---- */

/* A real uid of its own keeps user code from stopping or ending this; exec took it from the saved one. */
static void guard(void) {
  uid_t real, effective, saved;
  if (getresuid(&real, &effective, &saved)) _exit(2);
  if (real != effective && setresuid((uid_t)-1, (uid_t)-1, real)) _exit(2);
  if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)) _exit(2);
  /* Too large a file, or a reader that has gone, is told by the call that meets it. */
  signal(SIGXFSZ, SIG_IGN);
  signal(SIGPIPE, SIG_IGN);
}

static const struct {
  const char *name;
  void (*run)(void);
} operations[] = {
    {"read", read_file}, {"write", write_file},    {"list", list_path},     {"stat", stat_path},
    {"move", move_path}, {"mkdir", make_directory}, {"remove", remove_path},  {"write-parts", write_parts},
    {"watch", watch_path},
};

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  guard();
  umask(022);
  find_roots(argv + 2);
  for (size_t n = 0; n < sizeof operations / sizeof *operations; n++) {
    if (strcmp(argv[1], operations[n].name)) continue;
    operations[n].run();
    flush();
    return 0;
  }
  return 2;
}
