/* SPDX-License-Identifier: BSD-3-Clause */
/* The progress line. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "summary/report.h"

enum { COLUMNS = 79 }; /* of a terminal of 80, less the one that wraps */

/* Name and parent of a process; false where /proc does not tell. */
static bool process_of(long pid, char name[64], long *parent)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file) return false;
    const bool is_read = fscanf(file, "%*d (%63[^)]) %*c %ld", name, parent) == 2;
    fclose(file);
    return is_read;
}

/* Launchers hand a rank's output on through pipes, so what counts is where the launcher's own goes. */
static bool launcher_has_terminal(void)
{
    static const char *const launchers[] = {"mpirun", "mpiexec", "orterun", "prterun", "hydra_", "srun"};
    char name[64], path[64], target[64];
    long pid = getppid(), parent = 0, top = 0;
    while (pid > 1 && process_of(pid, name, &parent)) {
        bool is_launcher = false;
        for (size_t i = 0; i < sizeof launchers / sizeof launchers[0]; i++)
            is_launcher = is_launcher || strncmp(name, launchers[i], strlen(launchers[i])) == 0;
        if (!is_launcher) break;
        top = pid;
        pid = parent;
    }
    snprintf(path, sizeof path, "/proc/%ld/fd/2", top);
    const ssize_t n = top > 0 ? readlink(path, target, sizeof target - 1) : -1;
    if (n < 0) return false;
    target[n] = '\0';
    return strncmp(target, "/dev/pts/", 9) == 0 || strncmp(target, "/dev/tty", 8) == 0;
}

muir_progress_line muir_progress_line_make(void)
{
    const bool is_terminal = isatty(STDERR_FILENO) == 1 || launcher_has_terminal();
    const double now_s = muir_now_s();
    return (muir_progress_line){.is_terminal = is_terminal,
                                .interval_s = is_terminal ? 0.1 : 10.0,
                                .begin_s = now_s,
                                .shown_s = now_s};
}

/* Done so far, and the share of it that this launch began with. */
static double share_of(const muir_progress *p, double *first)
{
    *first = p->limit_s > 0.0 ? p->first_fleet_time_s / p->limit_s : (double)p->first_step / (double)p->steps;
    return p->limit_s > 0.0 ? fmin(1.0, p->fleet_time_s / p->limit_s)
                            : (double)p->next_step / (double)p->steps;
}

/* What a line says, the most important first; as much of it as fits is said, in this order. */
typedef struct line_text {
    char s[COLUMNS + 1];
    size_t used;
} line_text;

static void add(line_text *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(line_text *line, const char *format, ...)
{
    char part[COLUMNS + 1];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(part, sizeof part, format, args);
    va_end(args);
    const size_t gap = line->used > 0 ? 2 : 0;
    if (n < 0 || line->used + gap + (size_t)n > COLUMNS) return;
    line->used +=
        (size_t)snprintf(line->s + line->used, sizeof line->s - line->used, "%*s%s", (int)gap, "", part);
}

static line_text format(const muir_progress *p)
{
    line_text line = {"", 0};
    double first = 0.0;
    const double done = share_of(p, &first), steps = (double)(p->next_step - p->first_step);
    const double rate = p->elapsed_s > 0.0 ? steps / p->elapsed_s : 0.0;
    int64_t events = 0;
    for (int k = 0; k < MUIR_KIND_COUNT; k++) events += p->goodput->events[k];
    if (p->limit_s == 0.0)
        add(&line, "step %s of %s", muir_count_text(p->next_step).s, muir_count_text(p->steps).s);
    else
        add(&line, "step %s", muir_count_text(p->next_step).s);
    add(&line, "%.1f %%", 100.0 * done);
    if (done > first) add(&line, "left %s", muir_time_text(p->elapsed_s * (1.0 - done) / (done - first)).s);
    if (events > 0) add(&line, "goodput %.1f %%", 100.0 * muir_goodput_share(p->goodput));
    add(&line, "MFU %.1f %%", 100.0 * p->row->mfu);
    add(&line, "step time %s", muir_time_text(p->row->attempt_s).s);
    add(&line, "%s", muir_si(rate, "step/s").s);
    if (events > 0) add(&line, "%s event%s", muir_count_text(events).s, events == 1 ? "" : "s");
    add(&line, "fleet time %s", muir_time_text(p->fleet_time_s).s);
    return line;
}

static bool is_due(const muir_progress_line *line, bool is_last)
{
    return muir_now_s() - line->shown_s >= line->interval_s || (is_last && line->is_terminal);
}

void muir_progress_text(muir_progress_line *line, const char *text, bool is_last)
{
    if (!is_due(line, is_last)) return;
    fprintf(stderr, line->is_terminal ? "\r%s\033[K" : "%s\n", text);
    fflush(stderr);
    line->is_open = line->is_terminal;
    line->shown_s = muir_now_s();
}

void muir_progress_phase(const char *phase, void *data)
{
    muir_progress_line *line = data;
    char text[300];
    snprintf(text, sizeof text, "starting: %s (%s so far)", phase,
             muir_time_text(muir_now_s() - line->begin_s).s);
    muir_progress_text(line, text, false);
}

void muir_progress_show(const muir_progress *progress, void *data)
{
    const bool is_last = progress->next_step == progress->steps;
    if (is_due(data, is_last)) muir_progress_text(data, format(progress).s, is_last);
}

void muir_progress_end(muir_progress_line *line)
{
    if (line->is_open) fputc('\n', stderr);
    line->is_open = false;
}
