/* SPDX-License-Identifier: BSD-3-Clause */
/* Published campaigns (tests/data/campaigns.csv), each with the inputs that its publication gives: P10, P50
 * and P90 over seeds next to the published figure. Prints the table of docs/reliability.md. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/statistics.h"
#include "check.h"
#include "programs.h"
#include "reliability/events.h"

enum { MOST_KEYS = 64, MOST_SEEDS = 100, LEAST_HELD = 9 };

typedef struct campaign {
    const char *name, *figure, *bound, *basis;
    double published, days, step_s, params;
    int seeds;
} campaign;

static muir_scenario load(const char *scenario, char *keys, int seed)
{
    const char *list[MOST_KEYS];
    char text[32], *rest = NULL;
    int n = 0;
    snprintf(text, sizeof text, "seed=%d", seed);
    list[n++] = text;
    for (char *k = strtok_r(keys, " ", &rest); k && n + 1 < MOST_KEYS; k = strtok_r(NULL, " ", &rest))
        list[n++] = k;
    list[n] = NULL;
    return scenario_of(scenario, list);
}

static muir_goodput drive(const muir_scenario *s, const campaign *c)
{
    muir_events *e = NULL;
    muir_attempt a = {.end_ns = 0};
    CU_ASSERT_EQUAL_FATAL(muir_events_create(muir_test_ctx(), s, c->params, c->step_s, &e), MUIR_OK);
    for (int64_t row = 0; (double)a.end_ns < c->days * 86400e9; row++) {
        muir_disturbance d;
        muir_events_begin(e, row, &d);
        muir_events_end(e, c->step_s * d.common * (1.0 + d.extra) + d.wait_s, &a);
    }
    const muir_goodput g = *muir_events_goodput(e);
    muir_events_destroy(&e);
    return g;
}

/* uptime: share of the time in which the job trained, kept or not, or saved. */
static double figure_of(const muir_goodput *g, const char *figure)
{
    const double total = (double)g->total_ns;
    if (strcmp(figure, "stops") == 0) return (double)g->interruptions;
    if (strcmp(figure, "mtti_h") == 0) return muir_goodput_mtti_s(g) / 3600.0;
    if (strcmp(figure, "saving") == 0) return (double)g->class_ns[MUIR_CLASS_checkpoint_save] / total;
    if (strcmp(figure, "chains") == 0)
        return g->interruptions > 0 ? 1.0 - (double)g->rescues / (double)g->interruptions : NAN;
    if (strcmp(figure, "uptime") == 0)
        return (double)(g->class_ns[MUIR_CLASS_productive] + g->class_ns[MUIR_CLASS_missing_replicas] +
                        g->class_ns[MUIR_CLASS_checkpoint_save] + g->class_ns[MUIR_CLASS_wasted_progress]) /
               total;
    CU_ASSERT_STRING_EQUAL_FATAL(figure, "goodput");
    return muir_goodput_share(g);
}

/* Whether P10 to P90 hold the figure; a lower bound is held by the median. */
static bool is_held(const campaign *c, double low, double middle, double high)
{
    return strcmp(c->bound, ">=") == 0 ? middle >= c->published : low <= c->published && c->published <= high;
}

static bool run_row(const muir_csv *csv, int row)
{
    double x[MOST_SEEDS];
    const campaign c = {.name = muir_csv_get(csv, row, "name"),
                        .figure = muir_csv_get(csv, row, "figure"),
                        .bound = muir_csv_get(csv, row, "bound"),
                        .basis = muir_csv_get(csv, row, "basis"),
                        .published = atof(muir_csv_get(csv, row, "published")),
                        .days = atof(muir_csv_get(csv, row, "days")),
                        .step_s = atof(muir_csv_get(csv, row, "step_s")),
                        .params = atof(muir_csv_get(csv, row, "params")),
                        .seeds = atoi(muir_csv_get(csv, row, "seeds"))};
    CU_ASSERT_FATAL(c.seeds >= 20 && c.seeds <= MOST_SEEDS && c.days > 0.0 && c.step_s > 0.0);
    for (int seed = 1; seed <= c.seeds; seed++) {
        char *keys = strdup(muir_csv_get(csv, row, "keys"));
        const muir_scenario s = load(muir_csv_get(csv, row, "scenario"), keys, seed);
        const muir_goodput g = drive(&s, &c);
        x[seed - 1] = figure_of(&g, c.figure);
        free(keys);
    }
    muir_sort(x, (size_t)c.seeds);
    const double low = muir_percentile(x, (size_t)c.seeds, 0.1),
                 middle = muir_percentile(x, (size_t)c.seeds, 0.5),
                 high = muir_percentile(x, (size_t)c.seeds, 0.9);
    const bool holds = is_held(&c, low, middle, high);
    printf("| %-26s | %-7s | %2s %-7g | %-8.4g | %-8.4g | %-8.4g | %-7s | %s |\n", c.name, c.figure,
           strcmp(c.bound, ">=") == 0 ? ">" : "", c.published, low, middle, high, c.basis,
           holds ? "yes" : "no");
    return holds && strcmp(c.basis, "check") == 0;
}

static void published_campaigns_are_held(void)
{
    muir_csv *csv = NULL;
    int held = 0;
    CU_ASSERT_EQUAL_FATAL(
        muir_csv_read(muir_test_ctx(), MUIR_DATA_SOURCE "/../tests/data/campaigns.csv", &csv), MUIR_OK);
    printf("\n| campaign | figure | published | P10 | P50 | P90 | basis | held |\n");
    for (int row = 0; row < csv->n_rows; row++) held += run_row(csv, row);
    printf("held: %d checks\n", held);
    CU_ASSERT(held >= LEAST_HELD);
    muir_csv_destroy(&csv);
}

int main(int argc, char **argv)
{
    CU_TestInfo tests[] = {
        {"published campaigns are held", published_campaigns_are_held},
        CU_TEST_INFO_NULL,
    };
    return muir_test_main(argc, argv, "campaigns", tests);
}
