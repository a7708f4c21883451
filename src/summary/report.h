/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run prints: progress and the closing summary, for people and as JSON. */
#ifndef MUIR_SUMMARY_REPORT_H
#define MUIR_SUMMARY_REPORT_H

#include "text/json.h"
#include "run/run.h"
#include "memory/fit.h"

/* Progress on rank 0: one line that is written over on a terminal, a plain line now and then elsewhere. */
typedef struct muir_progress_line {
    bool is_terminal;
    double begin_s; /* of the start */
    double shown_s; /* when the last line was printed */
    double interval_s;
    bool is_open; /* a line without its end stands on the terminal */
} muir_progress_line;

muir_progress_line muir_progress_line_make(void);

/* A muir_observer; data is a muir_progress_line. */
void muir_progress_show(const muir_progress *progress, void *data);

/* What a start is at, with the time it has taken so far; data is a muir_progress_line. For muir_ctx. */
void muir_progress_phase(const char *phase, void *data);

/* Shows a text of one's own, as often as progress is shown; `is_last`: also out of turn on a terminal. */
void muir_progress_text(muir_progress_line *line, const char *text, bool is_last);

/* Ends an open line. */
void muir_progress_end(muir_progress_line *line);

/* The closing summary, a page that can be pasted into a mail.
 * path  in   of the telemetry file; NULL: none
 * Local; call on rank 0. */
void muir_report_print(const muir_scenario *scenario, const muir_program *program, const muir_memory *memory,
                       const muir_summary *summary, const char *path);

/* What a power trace comes to: swing, lines, bands, ramps, limits. Local; call on rank 0. */
void muir_report_power(const muir_scenario *scenario, const muir_power_summary *power);

/* The same as JSON under the key "power"; null without a trace. Local; call on rank 0. */
void muir_power_json(muir_json *object, const muir_power_summary *power);

/* The summary as JSON, in the shape that muir's DESIGN fixes.
 * path  in   of the JSON file, "-": standard output
 * Local; call on rank 0. As muir_json_end. */
muir_status muir_report_json(muir_ctx *ctx, const muir_scenario *scenario, const muir_summary *summary,
                             const char *path);

#endif
