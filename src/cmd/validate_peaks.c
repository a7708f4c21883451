/* SPDX-License-Identifier: BSD-3-Clause */
/* Printing and writing what the model says of memory. */
#include "cmd/validate_peaks.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double gib = 1073741824.0;

static bool is_measured(const muir_validate_row *row)
{
    return !row->is_skipped && row->peak.is_measured;
}

/* Errors of measured rows. */
typedef struct errors {
    int n;
    double mean_abs, max_abs, mean;
} errors;

static void add_error(errors *e, double error)
{
    e->n++;
    e->mean_abs += (fabs(error) - e->mean_abs) / e->n;
    e->mean += (error - e->mean) / e->n;
    e->max_abs = fmax(e->max_abs, fabs(error));
}

static void print_errors(const char *name, const errors *e)
{
    if (e->n > 0)
        printf("  %-44s %5d %9.1f %9.1f %+9.1f\n", name, e->n, 100.0 * e->mean_abs, 100.0 * e->max_abs,
               100.0 * e->mean);
}

static void print_rows(const muir_validate_row *rows, int n)
{
    printf("\n%-60s %-9s %9s %11s %8s  %s\n", "peak of memory", "measured", "real GiB", "modelled", "error %",
           "at");
    for (int i = 0; i < n; i++) {
        const muir_validate_peak *p = &rows[i].peak;
        if (is_measured(&rows[i]))
            printf("%-60s %-9s %9.2f %11.2f %+8.1f  stage %d, %s\n", rows[i].id, muir_peak_kind_name(p->kind),
                   p->real_gib, p->predicted_gib, 100.0 * p->error, p->memory.stage,
                   muir_memory_moment_name(p->memory.moment));
    }
}

/* By source, in the order of the table; the first row of a source prints it. */
static void print_sources(const muir_validate_row *rows, int n)
{
    for (int i = 0; i < n; i++) {
        errors e = {0, 0.0, 0.0, 0.0};
        bool is_first = is_measured(&rows[i]);
        for (int k = 0; k < i; k++)
            is_first &= !is_measured(&rows[k]) || strcmp(rows[k].family, rows[i].family) != 0;
        if (!is_first) continue;
        for (int k = i; k < n; k++)
            if (is_measured(&rows[k]) && strcmp(rows[k].family, rows[i].family) == 0)
                add_error(&e, rows[k].peak.error);
        print_errors(rows[i].family, &e);
    }
}

static errors all_errors(const muir_validate_row *rows, int n, muir_validate_filter filter)
{
    errors e = {0, 0.0, 0.0, 0.0};
    for (int i = 0; i < n; i++)
        if (is_measured(&rows[i]) && (!filter || filter(&rows[i], NULL))) add_error(&e, rows[i].peak.error);
    return e;
}

/* A part counts where what was measured holds it: allocated peaks lack the allocator and all beyond it. */
static bool is_in(muir_memory_part part, muir_peak_kind kind)
{
    const bool is_beside = part == MUIR_MEMORY_communication || part == MUIR_MEMORY_context;
    if (kind == MUIR_PEAK_ALLOCATED) return !is_beside && part != MUIR_MEMORY_fragmentation;
    return kind == MUIR_PEAK_DRIVER || !is_beside;
}

static void print_parts(const muir_validate_row *rows, int n)
{
    printf("\nwithout one part of the model                     rows  mean |%%|   max |%%|   mean %%\n");
    for (int part = 0; part < MUIR_MEMORY_PARTS; part++) {
        errors e = {0, 0.0, 0.0, 0.0};
        double most = 0.0;
        for (int i = 0; i < n; i++) {
            const muir_validate_peak *p = &rows[i].peak;
            if (!is_measured(&rows[i])) continue;
            const double bytes = is_in((muir_memory_part)part, p->kind) ? p->memory.part[part] / gib : 0.0;
            most = fmax(most, bytes);
            add_error(&e, (p->predicted_gib - bytes) / p->real_gib - 1.0);
        }
        if (most > 0.0) print_errors(muir_memory_part_name((muir_memory_part)part), &e);
    }
}

static void count_verdicts(const muir_validate_row *rows, int n, muir_validate_filter filter, int count[3])
{
    memset(count, 0, 3 * sizeof *count);
    for (int i = 0; i < n; i++)
        if (!rows[i].is_skipped && (!filter || filter(&rows[i], NULL))) count[rows[i].peak.fit.verdict]++;
}

/* Of rows that do not say what was computed again the least of what they may have needed counts. */
static void print_verdicts(const muir_validate_row *rows, int n)
{
    int count[3];
    count_verdicts(rows, n, NULL, count);
    printf("\nverdicts on jobs that all really ran: %d fit, %d tight, %d would not fit\n", count[MUIR_FITS],
           count[MUIR_TIGHT], count[MUIR_DOES_NOT_FIT]);
    for (int i = 0; i < n; i++) {
        const muir_validate_peak *p = &rows[i].peak;
        if (!rows[i].is_skipped && p->fit.verdict == MUIR_DOES_NOT_FIT)
            printf("  %-60s needs %.1f of %.1f GiB%s\n", rows[i].id, p->memory.needed / gib,
                   p->fit.room / gib, p->is_recompute_open ? "; its recomputation is not known" : "");
    }
}

void muir_peaks_print(const muir_validate_row *rows, int n)
{
    const errors all = all_errors(rows, n, NULL);
    if (all.n > 0) {
        print_rows(rows, n);
        printf("\npeaks of memory, modelled against measured        rows  mean |%%|   max |%%|   mean %%\n");
        print_sources(rows, n);
        for (int kind = 0; kind < MUIR_PEAK_KINDS; kind++) {
            errors e = {0, 0.0, 0.0, 0.0};
            for (int i = 0; i < n; i++)
                if (is_measured(&rows[i]) && (int)rows[i].peak.kind == kind)
                    add_error(&e, rows[i].peak.error);
            print_errors(muir_peak_kind_name((muir_peak_kind)kind), &e);
        }
        print_errors("all", &all);
        print_parts(rows, n);
    }
    print_verdicts(rows, n);
}

void muir_peak_add_json(json_t *object, const muir_validate_peak *peak)
{
    static const char *const verdicts[] = {"fits", "tight", "does not fit"};
    json_t *parts = json_object();
    for (int i = 0; i < MUIR_MEMORY_PARTS; i++)
        json_object_set_new(parts, muir_memory_part_name((muir_memory_part)i),
                            json_real(peak->memory.part[i] / gib));
    if (peak->is_measured) {
        json_object_set_new(object, "real_gib", json_real(peak->real_gib));
        json_object_set_new(object, "memory_error", json_real(peak->error));
        json_object_set_new(object, "memory_kind", json_string(muir_peak_kind_name(peak->kind)));
    }
    json_object_set_new(object, "predicted_gib", json_real(peak->predicted_gib));
    json_object_set_new(object, "allocated_gib", json_real(peak->memory.allocated / gib));
    json_object_set_new(object, "reserved_gib", json_real(peak->memory.reserved / gib));
    json_object_set_new(object, "needed_gib", json_real(peak->memory.needed / gib));
    json_object_set_new(object, "total_gib", json_real(peak->memory.total / gib));
    json_object_set_new(object, "room_gib", json_real(peak->fit.room / gib));
    json_object_set_new(object, "verdict", json_string(verdicts[peak->fit.verdict]));
    json_object_set_new(object, "failing", json_real(peak->fit.failing));
    json_object_set_new(object, "stage", json_integer(peak->memory.stage));
    json_object_set_new(object, "moment", json_string(muir_memory_moment_name(peak->memory.moment)));
    json_object_set_new(object, "parts_gib", parts);
}

void muir_peaks_add_json(json_t *object, const muir_validate_row *rows, int n, muir_validate_filter filter)
{
    const errors e = all_errors(rows, n, filter);
    int count[3];
    count_verdicts(rows, n, filter, count);
    if (e.n > 0) {
        json_object_set_new(object, "mean_abs_memory_error", json_real(e.mean_abs));
        json_object_set_new(object, "max_abs_memory_error", json_real(e.max_abs));
        json_object_set_new(object, "mean_memory_error", json_real(e.mean));
    }
    json_object_set_new(object, "memory_rows", json_integer(e.n));
    json_object_set_new(object, "tight", json_integer(count[MUIR_TIGHT]));
    json_object_set_new(object, "impossible", json_integer(count[MUIR_DOES_NOT_FIT]));
}
