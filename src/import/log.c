/* SPDX-License-Identifier: BSD-3-Clause */
/* A framework's training log -> a row of a table of measured runs, as `muir validate` reads it. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/statistics.h"
#include "import/launch.h"
#include "import/log.h"

enum { FIRST_STEPS = 256, MOST_STEPS = 10000000, LINE = 4096, LEAST_STEPS = 5 };
static const double mebi_per_gibi = 1024.0;
/* A step this far from the middle belongs to the start; one so many spreads from it is an outlier. */
static const double warm_up = 0.1, outlier = 5.0, least_spread = 0.004, mad_sigma = 1.4826;

/* What says how long a step took: a phrase, then a number. */
static const struct {
    const char *phrase;
    double scale; /* to seconds; 0: tokens per second and chip */
    const char *metric;
} phrases[] = {{"elapsed time per iteration (ms): ", 1e-3, "elapsed time per iteration"},
               {"elapsed time per iteration (s): ", 1.0, "elapsed time per iteration"},
               {"train_step_timing in s: ", 1.0, "train_step_timing"},
               {", seconds: ", 1.0, "seconds of a completed step"},
               {"iter time (s): ", 1.0, "iter time"},
               {"tps: ", 0.0, "tokens per second and chip"}};

/* The number behind a phrase, digits in groups of three allowed; NaN where the line lacks it. */
static double number_after(const char *line, const char *phrase)
{
    char digits[32];
    size_t n = 0;
    const char *at = strstr(line, phrase);
    if (!at) return NAN;
    at += strlen(phrase);
    while (*at == ' ') at++;
    for (; *at && n + 1 < sizeof digits && (isdigit((unsigned char)*at) || strchr(".,eE+-", *at)); at++)
        if (*at != ',') digits[n++] = *at;
    digits[n] = '\0';
    char *end = NULL;
    const double value = strtod(digits, &end);
    return end != digits && isfinite(value) ? value : NAN;
}

static muir_status add_step(muir_ctx *ctx, muir_log *log, double value, double batch)
{
    if (!(value > 0.0) || value > 1e9) {
        log->unread++;
        return MUIR_OK;
    }
    if (log->n >= MOST_STEPS) return muir_fail(ctx, MUIR_ERR_ARG, "more than %d steps", MOST_STEPS);
    if (log->n == log->room) {
        const int room = log->room ? 2 * log->room : FIRST_STEPS;
        muir_log_step *more = realloc(log->steps, (size_t)room * sizeof *more);
        if (!more) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the steps of a log");
        log->steps = more;
        log->room = room;
    }
    log->steps[log->n++] = (muir_log_step){value, batch};
    return MUIR_OK;
}

/* "  tensor_model_parallel_size ...................... 8", as Megatron-LM prints its arguments. */
static muir_status read_argument(muir_ctx *ctx, const char *line, muir_pairs *pairs)
{
    char name[96], value[200];
    const char *dots = strstr(line, " ..");
    if (!dots) return MUIR_OK;
    const char *end = dots, *start = end;
    while (start > line && (isalnum((unsigned char)start[-1]) || start[-1] == '_' || start[-1] == '-'))
        start--;
    const char *text = dots + 1 + strspn(dots + 1, ".");
    if (end == start || *text != ' ') return MUIR_OK;
    text += strspn(text, " ");
    snprintf(name, sizeof name, "%.*s", (int)(end - start < 95 ? end - start : 95), start);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(text, " \t\r\n"), text);
    if (!value[0] || strcmp(value, "None") == 0) return MUIR_OK;
    return muir_pairs_add(ctx, pairs, name, value);
}

static muir_status read_line(muir_ctx *ctx, const char *line, muir_log *log, muir_pairs *pairs)
{
    const double memory = number_after(line, "max allocated: "), titan = number_after(line, "memory: "),
                 flop = number_after(line, "TFLOP/s/GPU): ");
    double batch = number_after(line, "global batch size:");
    if (isnan(batch)) batch = number_after(line, "global_batch_size: ");
    if (memory > 0.0) log->memory_gib = fmax(log->memory_gib, memory / mebi_per_gibi);
    if (titan > 0.0 && strstr(line, "GiB(")) log->memory_gib = fmax(log->memory_gib, titan);
    if (flop > 0.0) log->flop_t = flop;
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++) {
        const double value = number_after(line, phrases[i].phrase);
        if (isnan(value)) {
            log->unread += strstr(line, phrases[i].phrase) != NULL;
            continue;
        }
        if (log->n == 0) {
            log->metric = phrases[i].metric;
            log->scale = phrases[i].scale;
        }
        if (strcmp(log->metric, phrases[i].metric) != 0) continue;
        return add_step(ctx, log, log->scale > 0.0 ? value * log->scale : value, batch > 0.0 ? batch : 0.0);
    }
    return read_argument(ctx, line, pairs);
}

muir_status muir_log_read(muir_ctx *ctx, const char *text, muir_log *log, muir_pairs *pairs)
{
    char line[LINE];
    for (const char *at = text; *at;) {
        const size_t length = strcspn(at, "\n"), n = length < LINE - 1 ? length : LINE - 1;
        memcpy(line, at, n);
        line[n] = '\0';
        at += length + (at[length] != '\0');
        const muir_status st = read_line(ctx, line, log, pairs);
        if (st != MUIR_OK) return st;
    }
    return MUIR_OK;
}

void muir_log_free(muir_log *log)
{
    free(log->steps);
    *log = (muir_log){.steps = NULL};
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* values are sorted on the way. */
static double middle(double *values, int n)
{
    qsort(values, (size_t)n, sizeof *values, by_size);
    return n % 2 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

/* Drops all but the steps of the last batch size; frameworks ramp it up. */
static void keep_last_batch(muir_log *log)
{
    int kept = 0;
    const double last = log->n > 0 ? log->steps[log->n - 1].batch : 0.0;
    for (int i = 0; i < log->n; i++)
        if (log->steps[i].batch == last || log->steps[i].batch == 0.0) log->steps[kept++] = log->steps[i];
    log->ramp = log->n - kept;
    log->n = kept;
    log->batch = last;
}

muir_status muir_log_summarise(muir_ctx *ctx, muir_log *log)
{
    muir_status st = MUIR_OK;
    keep_last_batch(log);
    const int n = log->n;
    double *values = calloc((size_t)n + 1, sizeof *values), sum = 0.0, square = 0.0;
    if (!values) return muir_fail(ctx, MUIR_ERR_MEM, "no memory for the steps of a log");
    if (n < LEAST_STEPS)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%d lines with the time of a step: at least %d are needed", n,
                           LEAST_STEPS));
    for (int i = 0; i < n; i++) values[i] = log->steps[i].value;
    const double median = middle(values, n);
    for (int i = 0; i < n; i++) values[i] = fabs(log->steps[i].value - median);
    const double spread = fmax(mad_sigma * middle(values, n), least_spread * median);
    int first = 0;
    while (first < n / 2 && fabs(log->steps[first].value / median - 1.0) > warm_up) first++;
    if (first == 0) first = 1; /* the first step compiles, allocates, connects */
    log->warm_up = first;
    for (int i = first; i < n; i++) {
        const double value = log->steps[i].value;
        if (fabs(value - median) > outlier * spread) {
            log->outliers++;
            continue;
        }
        log->kept++;
        sum += value;
        square += value * value;
    }
    if (log->kept < LEAST_STEPS - 1)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "only %d of %d steps are alike: the step time is unclear",
                           log->kept, n));
    log->mean = sum / log->kept;
    log->median = median;
    log->deviation = sqrt(fmax(square / log->kept - log->mean * log->mean, 0.0));
done:
    free(values);
    return st;
}
