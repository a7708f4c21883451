/* SPDX-License-Identifier: BSD-3-Clause */
/* Tables of layouts. */
#include "cmd/plan_print.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "text/json.h"
#include "estimate/interval.h"
#include "memory/fit.h"
#include "plan/plan_text.h"

enum { MOST_LOSSES = 3 };

static bool has_failures(const muir_plan_view *v)
{
    return muir_faults_has_failures(&v->scenario->faults);
}

static void print_head(const muir_plan_view *v, const muir_plan *plan)
{
    static const char *const by[] = {"step time", "time per token with expected goodput",
                                     "cost per token with expected goodput"};
    const muir_scenario *s = v->scenario;
    printf("%s on %s: %s chips, %s sequences of %s tokens per step, %s, faults %s\n", s->run.model,
           s->run.fleet, muir_count_text(muir_fleet_chips(&s->fleet)).s,
           muir_count_text(s->job.batch.global_batch_size).s, muir_count_text(s->job.batch.seq_len).s,
           muir_scenario_precision(s), s->run.faults);
    for (int i = 0; i < v->n_layout; i++) printf("%s%s", i ? " " : "fixed: ", v->layout[i]);
    printf("%s%s layouts divide evenly; %s of them fit in %s per chip; ranked by %s\n",
           v->n_layout ? "\n" : "", muir_count_text(plan->legal).s, muir_count_text(plan->fitting).s,
           muir_bytes_text(muir_chip_room(&s->fleet.chip)).s, by[v->by]);
    printf("(modelled, chips of speed 1; searched in %s on %d rank%s, %s layouts per second)\n",
           muir_time_text(plan->search_s).s, v->ranks, v->ranks == 1 ? "" : "s",
           muir_count_text((long long)((double)plan->legal / plan->search_s)).s);
}

/* The parts in which a layout loses most against the best, as shares of the best step. */
static void print_losses(const muir_plan_entry *e, const muir_plan_entry *best)
{
    bool is_said[MUIR_PART_COUNT] = {false};
    for (int n = 0; n < MOST_LOSSES; n++) {
        int most = -1;
        for (int i = 0; i < MUIR_PART_COUNT; i++)
            if (!is_said[i] && e->part_s[i] - best->part_s[i] > 0.0005 * best->step_s &&
                (most < 0 || e->part_s[i] - best->part_s[i] > e->part_s[most] - best->part_s[most]))
                most = i;
        if (most < 0) {
            if (n > 0) printf("\n");
            return;
        }
        is_said[most] = true;
        printf("%s%s %+.1f %%", n ? ", " : "       against the first: ", muir_part_name((muir_part)most),
               100.0 * (e->part_s[most] - best->part_s[most]) / best->step_s);
    }
    printf("\n");
}

/* By module where modules are chosen: "norm+activation". */
static const char *recompute_of(const muir_parallel *p, char text[MUIR_NAME_SIZE])
{
    const bool is_by_module =
        p->recompute == MUIR_RECOMPUTE_SELECTIVE && strcmp(p->recompute_modules, "auto") != 0;
    return is_by_module ? p->recompute_modules : muir_plan_choice("parallel.recompute", p->recompute, text);
}

static void print_titles(void)
{
    printf("\n%4s %7s %4s %5s %6s %5s %7s %3s %3s %3s %3s %3s %5s %3s %4s %-8s %-4s %1s %8s %5s\n", "no.",
           "step", "+-%", "MFU %", "$/Mtok", "good%", "power", "tp", "cp", "ep", "pp", "vpp", "dp", "mbs",
           "n", "schedule", "rec.", "Z", "memory", "free%");
}

static void print_row(const char *place, const muir_plan_entry *e)
{
    char recompute[MUIR_NAME_SIZE];
    const muir_parallel *p = &e->parallel;
    printf("%4s %7s %4.0f %5.1f %6.4f %5.1f %7s %3lld %3lld %3lld %3lld %3lld %5lld %3lld %4lld %-8.8s "
           "%-4.4s %1lld "
           "%8s %5.1f\n",
           place, muir_time_text(e->step_s).s, 50.0 * log(e->high_s / e->low_s), 100.0 * e->mfu,
           e->usd_per_mtoken, 100.0 * e->goodput, muir_si(e->power_w, "W").s, (long long)p->tp,
           (long long)p->cp, (long long)p->ep, (long long)p->pp, (long long)p->vpp, (long long)p->dp,
           (long long)e->micro_batch_size, (long long)e->microbatches, p->schedule,
           recompute_of(p, recompute), (long long)p->zero_stage, muir_bytes_text(e->memory_bytes).s,
           100.0 * e->headroom_bytes / (e->memory_bytes + e->headroom_bytes));
}

static void print_own(const muir_plan_view *v, const muir_plan *plan)
{
    const muir_plan_entry *own = &plan->own, *best = &plan->entries[0];
    printf("\nthe layout of %s itself: place %s of %s, %.1f %% behind the first; its memory %s\n", v->own,
           muir_count_text(plan->better_than_own + 1).s, muir_count_text(plan->fitting).s,
           100.0 * (own->score / best->score - 1.0),
           own->verdict == MUIR_TIGHT ? "is tight" : muir_fit_verdict_name(own->verdict));
    print_row("own", own);
    print_losses(own, best);
}

void muir_plan_print(const muir_plan_view *v, const muir_plan *plan)
{
    print_head(v, plan);
    if (plan->n == 0) {
        printf("no layout fits\n");
        return;
    }
    print_titles();
    for (int i = 0; i < plan->n; i++) {
        char place[32];
        snprintf(place, sizeof place, "%d", i + 1);
        print_row(place, &plan->entries[i]);
        if (i > 0) print_losses(&plan->entries[i], &plan->entries[0]);
    }
    if (v->own) print_own(v, plan);
    printf("\n+-: half of the step's 80 %% interval; the figures of stack %s are %s.\n",
           v->scenario->run.stack, muir_basis_word(v->scenario));
    printf("--show K prints layout K as overrides to paste.%s\n",
           has_failures(v) ? "" : " Nothing fails here: faults=NAME ranks with failures.");
}

void muir_plan_show(const muir_plan_view *v, const muir_plan_entry *e)
{
    const muir_scenario *s = v->scenario;
    const muir_plan_overrides o = muir_plan_overrides_of(e);
    if (v->own) printf("%s ", v->own);
    printf("model=%s fleet=%s faults=%s precision=%s seq_len=%lld global_batch_size=%lld", s->run.model,
           s->run.fleet, s->run.faults, muir_scenario_precision(s), (long long)s->job.batch.seq_len,
           (long long)s->job.batch.global_batch_size);
    for (int i = 0; i < o.n; i++) printf(" %s", o.text[i]);
    printf("\n");
}

static void add_entry(muir_json *row, const muir_plan_entry *e)
{
    char text[MUIR_NAME_SIZE];
    const muir_parallel *p = &e->parallel;
    muir_json_real(row, "step_time_s", e->step_s);
    muir_json_real(row, "low_s", e->low_s);
    muir_json_real(row, "high_s", e->high_s);
    muir_json_real(row, "mfu", e->mfu);
    muir_json_real(row, "tokens_per_s", e->tokens_per_s);
    muir_json_real(row, "goodput", e->goodput);
    muir_json_maybe(row, "usd_per_mtoken", e->usd_per_mtoken);
    muir_json_real(row, "power_w", e->power_w);
    muir_json_count(row, "chips", e->chips);
    muir_json_real(row, "memory_bytes", e->memory_bytes);
    muir_json_real(row, "headroom_bytes", e->headroom_bytes);
    muir_json_is(row, "fits", e->is_fitting);
    muir_json_text(row, "memory_verdict", muir_fit_verdict_name(e->verdict));
    muir_json parallel = muir_json_object(row, "parallel");
    muir_json_count(&parallel, "tp", p->tp);
    muir_json_count(&parallel, "cp", p->cp);
    muir_json_count(&parallel, "ep", p->ep);
    muir_json_count(&parallel, "pp", p->pp);
    muir_json_count(&parallel, "vpp", p->vpp);
    muir_json_count(&parallel, "dp", p->dp);
    muir_json_text(&parallel, "schedule", p->schedule);
    muir_json_count(&parallel, "zero_stage", p->zero_stage);
    muir_json_text(&parallel, "recompute", muir_plan_choice("parallel.recompute", p->recompute, text));
    muir_json_text(&parallel, "recompute_modules", p->recompute_modules);
    muir_json_text(&parallel, "order", muir_plan_choice("parallel.order", p->order, text));
    muir_json_count(row, "micro_batch_size", e->micro_batch_size);
    muir_json_count(row, "microbatches", e->microbatches);
    muir_json parts = muir_json_object(row, "parts_s");
    for (int i = 0; i < MUIR_PART_COUNT; i++)
        muir_json_real(&parts, muir_part_name((muir_part)i), e->part_s[i]);
}

muir_status muir_plan_json(muir_ctx *ctx, const muir_plan_view *v, const muir_plan *plan, const char *path)
{
    muir_json_notes notes = {.not_numbers = 0};
    muir_json root = muir_json_begin(&notes);
    muir_json_text(&root, "model", v->scenario->run.model);
    muir_json_text(&root, "fleet", v->scenario->run.fleet);
    muir_json_text(&root, "basis", muir_basis_word(v->scenario));
    muir_json_count(&root, "chips", muir_fleet_chips(&v->scenario->fleet));
    muir_json_count(&root, "legal", plan->legal);
    muir_json_count(&root, "fitting", plan->fitting);
    muir_json_real(&root, "search_s", plan->search_s);
    muir_json layouts = muir_json_list(&root, "layouts");
    for (int i = 0; i < plan->n; i++) {
        muir_json row = muir_json_item(&layouts);
        add_entry(&row, &plan->entries[i]);
    }
    if (v->own) {
        muir_json own = muir_json_object(&root, "own");
        add_entry(&own, &plan->own);
        muir_json_count(&root, "own_place", plan->better_than_own + 1);
    }
    return muir_json_end(ctx, &root, path);
}

muir_status muir_plan_csv(muir_ctx *ctx, const muir_plan *plan, const char *path)
{
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    if (!file) return muir_fail(ctx, MUIR_ERR_FILE, "%s: the CSV cannot be written", path);
    fprintf(
        file,
        "place,step_time_s,low_s,high_s,mfu,tokens_per_s,goodput,usd_per_mtoken,power_w,chips,tp,cp,ep,pp,"
        "vpp,"
        "dp,schedule,zero_stage,recompute,recompute_modules,order,micro_batch_size,microbatches,memory_bytes,"
        "headroom_bytes\n");
    for (int i = 0; i < plan->n; i++) {
        const muir_plan_entry *e = &plan->entries[i];
        const muir_parallel *p = &e->parallel;
        char recompute[MUIR_NAME_SIZE], order[MUIR_NAME_SIZE];
        fprintf(file,
                "%d,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%.17g,%lld,%lld,%lld,%lld,%lld,%lld,%lld,%s,%"
                "lld,%s,%s,"
                "%s,%lld,%lld,%.17g,%.17g\n",
                i + 1, e->step_s, e->low_s, e->high_s, e->mfu, e->tokens_per_s, e->goodput, e->usd_per_mtoken,
                e->power_w, (long long)e->chips, (long long)p->tp, (long long)p->cp, (long long)p->ep,
                (long long)p->pp, (long long)p->vpp, (long long)p->dp, p->schedule, (long long)p->zero_stage,
                muir_plan_choice("parallel.recompute", p->recompute, recompute), p->recompute_modules,
                muir_plan_choice("parallel.order", p->order, order), (long long)e->micro_batch_size,
                (long long)e->microbatches, e->memory_bytes, e->headroom_bytes);
    }
    const bool is_written = !ferror(file) && (file == stdout ? fflush(file) : fclose(file)) == 0;
    return is_written ? MUIR_OK : muir_fail(ctx, MUIR_ERR_FILE, "%s: the CSV cannot be written", path);
}
