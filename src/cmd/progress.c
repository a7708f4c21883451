/* SPDX-License-Identifier: BSD-3-Clause */
/* The progress line. */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "cmd/report.h"

muir_progress_line muir_progress_line_make(void)
{
    const bool is_terminal = isatty(STDERR_FILENO) == 1;
    return (muir_progress_line){
        .is_terminal = is_terminal, .interval_s = is_terminal ? 0.1 : 10.0, .shown_s = muir_now_s()};
}

static void format(const muir_progress *p, char *text, size_t size)
{
    const double done = (double)(p->next_step - p->first_step), left = (double)(p->steps - p->next_step);
    const double rate = p->elapsed_s > 0.0 ? done / p->elapsed_s : 0.0;
    snprintf(text, size, "step %s of %s  %5.1f %%  %s  left %s  fleet time %s  step %s  MFU %.1f %%",
             muir_count_text(p->next_step).s, muir_count_text(p->steps).s,
             100.0 * (double)p->next_step / (double)p->steps, muir_si(rate, "step/s").s,
             rate > 0.0 ? muir_time_text(left / rate).s : "?", muir_time_text(p->fleet_time_s).s,
             muir_time_text(p->row->step_s).s, 100.0 * p->row->mfu);
}

void muir_progress_show(const muir_progress *progress, void *data)
{
    muir_progress_line *line = data;
    const double now_s = muir_now_s();
    const bool is_last = progress->next_step == progress->steps;
    if (now_s - line->shown_s < line->interval_s && !(is_last && line->is_terminal)) return;
    char text[600];
    format(progress, text, sizeof text);
    fprintf(stderr, line->is_terminal ? "\r%s\033[K" : "%s\n", text);
    fflush(stderr);
    line->is_open = line->is_terminal;
    line->shown_s = now_s;
}

void muir_progress_end(muir_progress_line *line)
{
    if (line->is_open) fputc('\n', stderr);
    line->is_open = false;
}
