/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of recorded histories. */
#include "scenario/fault_log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/mem.h"
#include "base/text.h"

/* Names of servers in the order of their first appearance; open addressing. */
typedef struct names {
    const char **slot; /* [size] NULL: free */
    int32_t *number;   /* [size] */
    size_t size;
    int32_t n;
} names;

static uint64_t digest_of(const char *text, size_t n)
{
    uint64_t sum = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < n; i++) sum = (sum ^ (unsigned char)text[i]) * 0x100000001b3u;
    return sum;
}

static int32_t number_of_name(names *t, const char *name)
{
    size_t at = digest_of(name, strlen(name)) % t->size;
    while (t->slot[at] && strcmp(t->slot[at], name) != 0) at = (at + 1) % t->size;
    if (!t->slot[at]) {
        t->slot[at] = name;
        t->number[at] = t->n++;
    }
    return t->number[at];
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 10;
}

/* A cell that holds a number at least 0; `missing` where it is empty. */
static muir_status read_number(muir_ctx *ctx, const char *path, const muir_csv *csv, int row,
                               const char *column, double missing, double *value)
{
    const char *text = muir_csv_get(csv, row, column);
    char *end = NULL;
    *value = missing;
    if (text[0] == '\0' || strcmp(text, "nan") == 0) return MUIR_OK;
    *value = strtod(text, &end);
    if (*end != '\0' || !isfinite(*value) || *value < 0.0 || *value > 9.0e9)
        return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: %s is '%s', but must be a number from 0 to 9e9", path,
                         csv->lines[row], column, text);
    return MUIR_OK;
}

static muir_status read_kind(muir_ctx *ctx, const char *path, const muir_csv *csv, int row, int32_t *kind)
{
    const char *text = muir_csv_get(csv, row, "kind"), *known[MUIR_KIND_COUNT];
    *kind = muir_kind_find(text);
    if (*kind < MUIR_KIND_COUNT) return MUIR_OK;
    for (int k = 0; k < MUIR_KIND_COUNT; k++) known[k] = muir_kind_name(k);
    const char *meant = muir_closest(text, known, MUIR_KIND_COUNT);
    return muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: kind '%s' is unknown%s%s%s (muir help faults lists them)",
                     path, csv->lines[row], text, meant ? ", did you mean '" : "", meant ? meant : "",
                     meant ? "'?" : "");
}

static bool needs_server(int kind)
{
    return kind < MUIR_CAUSE_COUNT || kind == MUIR_KIND_slow_compute || kind == MUIR_KIND_slow_network ||
           kind == MUIR_KIND_flap;
}

static muir_status read_entry(muir_ctx *ctx, const char *path, const muir_csv *csv, int row, names *table,
                              bool has_names, muir_log_entry *e)
{
    muir_status st = MUIR_OK;
    double start_s, until_s;
    const char *server = muir_csv_get(csv, row, "server");
    const char *outcome = muir_csv_get(csv, row, "consequence");
    MUIR_TRY(read_kind(ctx, path, csv, row, &e->kind));
    MUIR_TRY(read_number(ctx, path, csv, row, "time_s", -1.0, &start_s));
    MUIR_TRY(read_number(ctx, path, csv, row, "until_s", -1.0, &until_s));
    MUIR_TRY(read_number(ctx, path, csv, row, "severity", NAN, &e->severity));
    if ((e->kind == MUIR_KIND_slow_compute && e->severity < 1.0) ||
        (e->kind == MUIR_KIND_slow_network && (e->severity == 0.0 || e->severity > 1.0)) ||
        (e->kind == MUIR_KIND_flap && e->severity > 1.0))
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG,
                      "%s:%d: severity=%g, but must be a slowdown of at least 1 for slow_compute, a share "
                      "of the rate above 0 for slow_network, a share of time for flap",
                      path, csv->lines[row], e->severity));
    if (start_s < 0.0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: time_s is missing", path, csv->lines[row]));
    if (until_s >= 0.0 && until_s < start_s)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: until_s=%g is before time_s=%g", path, csv->lines[row],
                           until_s, start_s));
    if (needs_server(e->kind) && server[0] == '\0')
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s:%d: server is missing, but kind %s hits one", path,
                           csv->lines[row], muir_kind_name(e->kind)));
    e->start_ns = llrint(start_s * 1e9);
    e->until_ns = until_s < 0.0 ? -1 : llrint(until_s * 1e9);
    e->server = !needs_server(e->kind) ? -1
                : has_names            ? number_of_name(table, server)
                                       : (int32_t)strtol(server, NULL, 10);
    e->outcome = strcmp(outcome, "in_place") == 0  ? MUIR_LOG_IN_PLACE
                 : strcmp(outcome, "drained") == 0 ? MUIR_LOG_DRAINED
                                                   : MUIR_LOG_UNKNOWN;
done:
    return st;
}

static int by_time(const void *a, const void *b)
{
    const muir_log_entry *x = a, *y = b;
    if (x->start_ns != y->start_ns) return x->start_ns < y->start_ns ? -1 : 1;
    if (x->server != y->server) return x->server < y->server ? -1 : 1;
    return x->kind - y->kind;
}

static muir_status read_rows(muir_ctx *ctx, const char *path, const muir_csv *csv, names *table,
                             muir_fault_log *log)
{
    bool has_names = false;
    for (int r = 0; r < csv->n_rows; r++) {
        const char *server = muir_csv_get(csv, r, "server");
        has_names = has_names || (server[0] != '\0' && strcmp(server, "-1") != 0 && !is_number(server));
    }
    for (int r = 0; r < csv->n_rows; r++) {
        muir_log_entry *e = &log->entries[log->n];
        const muir_status st = read_entry(ctx, path, csv, r, table, has_names, e);
        if (st != MUIR_OK) return st;
        if (e->kind == MUIR_KIND_spike || e->kind == MUIR_KIND_eviction) continue; /* the job's own */
        if (!has_names && e->server >= log->servers) log->servers = e->server + 1;
        if (e->start_ns > log->length_ns) log->length_ns = e->start_ns;
        log->n++;
    }
    if (has_names) log->servers = table->n;
    qsort(log->entries, (size_t)log->n, sizeof *log->entries, by_time);
    return MUIR_OK;
}

muir_status muir_fault_log_read(muir_ctx *ctx, const char *path, muir_fault_log **out)
{
    muir_status st = MUIR_OK;
    muir_fault_log *log = NULL;
    muir_csv *csv = NULL;
    char *text = NULL;
    size_t length = 0;
    names table = {NULL, NULL, 0, 0};
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *log, "a log of faults", &log));
    MUIR_TRY(muir_text_read(ctx, path, &text, &length));
    log->digest = digest_of(text, length);
    MUIR_TRY(muir_csv_read(ctx, path, &csv));
    if (!muir_csv_has(csv, "time_s") || !muir_csv_has(csv, "kind"))
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "%s: column %s is missing; a log has time_s, kind, server, "
                           "until_s, consequence, severity",
                           path, muir_csv_has(csv, "kind") ? "time_s" : "kind"));
    table.size = 2 * (size_t)csv->n_rows + 1;
    MUIR_TRY(
        muir_alloc(ctx, (size_t)csv->n_rows + 1, sizeof *log->entries, "a log of faults", &log->entries));
    MUIR_TRY(muir_alloc(ctx, table.size, sizeof *table.slot, "a log of faults", &table.slot));
    MUIR_TRY(muir_alloc(ctx, table.size, sizeof *table.number, "a log of faults", &table.number));
    MUIR_TRY(read_rows(ctx, path, csv, &table, log));
    *out = log;
    log = NULL;
done:
    free(text);
    free(table.slot);
    free(table.number);
    muir_csv_destroy(&csv);
    muir_fault_log_destroy(&log);
    return st;
}

void muir_fault_log_destroy(muir_fault_log **log)
{
    if (!*log) return;
    free((*log)->entries);
    free(*log);
    *log = NULL;
}

bool muir_faults_has_log(const muir_faults *faults)
{
    return faults->top.log[0] != '\0';
}

/* What the log amounts to, by day. */
static void count_log(const muir_fault_log *log, double days, int64_t chips, muir_faults *f)
{
    double failures = 0.0, in_place = 0.0, known = 0.0, of[MUIR_KIND_COUNT] = {0.0};
    for (int i = 0; i < log->n; i++) {
        const muir_log_entry *e = &log->entries[i];
        of[e->kind] += 1.0;
        if (e->kind >= MUIR_CAUSE_COUNT) continue;
        failures += 1.0;
        in_place += e->outcome == MUIR_LOG_IN_PLACE;
        known += e->outcome != MUIR_LOG_UNKNOWN;
    }
    for (int c = 0; c < MUIR_CAUSE_COUNT; c++) f->causes.weight[c] = of[c];
    f->top.rate = 1000.0 * failures / (days * (double)chips);
    if (known > 0.0) f->top.in_place = in_place / known;
    f->top.planned = of[MUIR_KIND_planned] / days;
    f->slow.compute = f->slow.network = f->slow.flap = 0.0; /* episodes are in the log, with their lengths */
    f->job.crash = of[MUIR_KIND_crash] / days;
    f->job.hang = of[MUIR_KIND_job_hang] / days;
    f->job.deployment = of[MUIR_KIND_deployment] / days;
    f->job.loss_spike = of[MUIR_KIND_loss_spike] / days;
    f->job.data_stall = of[MUIR_KIND_data_stall] / days;
    f->job.window_days = 0.0;
}

muir_status muir_faults_apply_log(muir_ctx *ctx, const char *where, int64_t servers, int64_t chips,
                                  muir_faults *f)
{
    muir_status st = MUIR_OK;
    muir_fault_log *log = NULL;
    char digest[MUIR_NAME_SIZE] = "";
    if (!muir_faults_has_log(f)) return MUIR_OK;
    MUIR_TRY(muir_fault_log_read(ctx, f->top.log, &log));
    snprintf(digest, sizeof digest, "%016llx", (unsigned long long)log->digest);
    if (strcmp(f->top.log_digest, "auto") != 0 && strcmp(f->top.log_digest, digest) != 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG,
                           "%s: faults.log=%s has the checksum %s, but faults.log_digest is %s", where,
                           f->top.log, digest, f->top.log_digest));
    memset(f->top.log_digest, 0, sizeof f->top.log_digest);
    memcpy(f->top.log_digest, digest, strlen(digest));
    if (log->servers > servers)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "%s: faults.log=%s names %d servers, but the fleet has %lld",
                           where, f->top.log, (int)log->servers, (long long)servers));
    if (log->n == 0 || log->length_ns == 0)
        MUIR_TRY(
            muir_fail(ctx, MUIR_ERR_ARG, "%s: faults.log=%s has no rows after time 0", where, f->top.log));
    count_log(log, 1e-9 * (double)log->length_ns / 86400.0 * f->top.log_scale, chips, f);
done:
    muir_fault_log_destroy(&log);
    return st;
}
