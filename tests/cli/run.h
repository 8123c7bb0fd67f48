/* run.h - for tests alone: runs the program in a folder as a shell does, and keeps what it says. */
#ifndef MEWL_TESTS_RUN_H
#define MEWL_TESTS_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

typedef struct ran {
    int code;
    char out[1 << 19], err[1 << 16]; /* their beginning, where they are longer */
} ran;

static inline void run_read(char *to, size_t size, const char *folder, const char *name)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s cannot be read", path);
    }
    to[fread(to, 1, size - 1, file)] = '\0';
    (void)fclose(file);
}

/* Runs a shell line in `folder`, where out.txt and err.txt are left. What is returned holds until the next run. */
__attribute__((format(printf, 2, 3))) static inline const ran *run_in(const char *folder, const char *format, ...)
{
    static ran r;
    char line[8192], command[12800];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    assert_in_range(length, 1, sizeof line - 1);
    (void)snprintf(command, sizeof command, "cd '%s' && { %s\n} </dev/null >out.txt 2>err.txt", folder, line);
    const int status = system(command); /* NOLINT: the point is to run it as a shell does */
    assert_true(WIFEXITED(status));
    r.code = WEXITSTATUS(status);
    run_read(r.out, sizeof r.out, folder, "out.txt");
    run_read(r.err, sizeof r.err, folder, "err.txt");
    return &r;
}

/* The code, and what must stand in what was said (NULL: anything may). `words` is for the message. */
static inline void run_expect(const ran *r, const char *words, int code, const char *in_out, const char *in_err)
{
    if (r->code != code || (in_out != NULL && strstr(r->out, in_out) == NULL) ||
        (in_err != NULL && strstr(r->err, in_err) == NULL)) {
        fail_msg("mewl %s: exit %d, not %d, out \"%.600s\", err \"%.600s\"", words, r->code, code, r->out, r->err);
    }
}

/* One line of a table of uses: the words, the exit code, and what must stand in what was said on either stream. */
typedef struct run_row {
    const char *words;
    int code;
    const char *said;
} run_row;

static inline void run_expect_rows(const ran *(*run)(const char *words), const run_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const ran *r = run(rows[i].words);
        const char *none = strstr(r->out, rows[i].said) == NULL ? rows[i].said : NULL;
        run_expect(r, rows[i].words, rows[i].code, NULL, none);
    }
}

static inline int run_clean(const char *folder)
{
    char command[512];
    (void)snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command); /* NOLINT */
}

#endif
