/* SPDX-License-Identifier: BSD-3-Clause */
/* The cases of a study, one after the other, each shared by all ranks. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/checksum.h"
#include "plan/plan_bounds.h"
#include "plan/plan_text.h"
#include "study/study_store.h"

/* Words of several texts, which it copies. */
typedef struct word_list {
    char text[MUIR_STUDY_WORDS][2 * MUIR_NAME_SIZE];
    const char *words[MUIR_STUDY_WORDS];
    int n;
} word_list;

static muir_status add_words(muir_ctx *ctx, word_list *list, const char *text)
{
    for (const char *p = text + strspn(text, " \n\t"); *p; p += strspn(p, " \n\t")) {
        const size_t length = strcspn(p, " \n\t");
        if (list->n == MUIR_STUDY_WORDS || length >= sizeof list->text[0])
            return muir_fail(ctx, MUIR_ERR_ARG, "'%.60s' is too long, or one of more than %d overrides", p,
                             (int)MUIR_STUDY_WORDS);
        snprintf(list->text[list->n], sizeof list->text[0], "%.*s", (int)length, p);
        list->words[list->n] = list->text[list->n];
        list->n++;
        p += length;
    }
    return MUIR_OK;
}

/* The low or high value of a key: "0.05 0.15". */
static muir_status add_end(muir_ctx *ctx, const muir_study_value *v, bool is_high, word_list *list)
{
    char low[MUIR_NAME_SIZE], high[MUIR_NAME_SIZE], text[3 * MUIR_NAME_SIZE];
    if (sscanf(v->overrides, "%63s %63s", low, high) != 2)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "sensitivity of %s is '%.60s', but must be a low and a high value", v->label,
                         v->overrides);
    snprintf(text, sizeof text, "%s=%s", v->label, is_high ? high : low);
    return add_words(ctx, list, text);
}

static muir_status words_of(muir_ctx *ctx, const muir_study *study, const muir_study_case *c, word_list *list)
{
    muir_status st = MUIR_OK;
    list->n = 0;
    MUIR_TRY(add_words(ctx, list, study->overrides));
    for (int a = 0; a < study->n_axes; a++)
        MUIR_TRY(add_words(ctx, list, study->axes[a].values[c->at[a]].overrides));
    if (c->key >= 0) MUIR_TRY(add_end(ctx, &study->sensitivity.values[c->key], c->is_high, list));
done:
    return st;
}

/* The planner's first layout of the case, within the study's bounds, added to the overrides. */
static muir_status add_best(muir_ctx *ctx, const muir_study *study, const muir_scenario *scenario,
                            word_list *list)
{
    muir_status st = MUIR_OK;
    word_list *texts = NULL;
    muir_plan *plan = NULL;
    muir_plan_bound bounds[MUIR_STUDY_WORDS];
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *texts, "the study", &texts));
    MUIR_TRY(add_words(ctx, texts, study->bounds));
    for (int i = 0; i < texts->n; i++) MUIR_TRY(muir_plan_bound_read(ctx, texts->words[i], &bounds[i]));
    const muir_plan_request request = {.base = scenario,
                                       .limits = scenario,
                                       .keep = 1,
                                       .by = study->by,
                                       .bounds = bounds,
                                       .n_bounds = texts->n,
                                       .is_own_unplaced = true};
    MUIR_TRY(muir_plan_create(ctx, &request, &plan));
    if (plan->n == 0)
        MUIR_TRY(muir_fail(ctx, MUIR_ERR_ARG, "none of %lld layouts fits into the chips' memory",
                           (long long)plan->legal));
    const muir_plan_overrides o = muir_plan_overrides_of(&plan->entries[0]);
    for (int i = 0; i < o.n; i++) MUIR_TRY(add_words(ctx, list, o.text[i]));
done:
    muir_plan_destroy(&plan);
    free(texts);
    return st;
}

/* Keys of money change neither what the fleet does nor, unless it ranks by cost, the search. The PUE is
 * power. */
static bool is_money(const char *key)
{
    static const char prefix[] = "fleet.site.";
    static const char *const keys[] = {
#define MONEY(key, unit, basis) [MUIR_MONEY_##key] = #key,
#include "power/money.def"
#undef MONEY
    };
    if (strncmp(key, prefix, sizeof prefix - 1) != 0) return false;
    for (int i = 0; i < MUIR_MONEY_COUNT; i++)
        if (i != MUIR_MONEY_pue && strcmp(key + sizeof prefix - 1, keys[i]) == 0) return true;
    return false;
}

/* The layout that was found for the first cell: its overrides beyond those that it started from. */
static muir_status add_first_layout(muir_ctx *ctx, const muir_study *study, muir_study_case *first,
                                    word_list *list)
{
    muir_status st = MUIR_OK;
    word_list *all = NULL;
    MUIR_TRY_MPI(MPI_Bcast(first->overrides, sizeof first->overrides, MPI_CHAR, 0, ctx->comm));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *all, "the study", &all));
    MUIR_TRY(words_of(ctx, study, first, all));
    const int n_start = all->n;
    all->n = 0;
    MUIR_TRY(add_words(ctx, all, first->overrides));
    for (int i = n_start; i < all->n; i++) MUIR_TRY(add_words(ctx, list, all->words[i]));
done:
    free(all);
    return st;
}

static void fill_case(const muir_scenario *s, const muir_ensemble *e, muir_study_case *c)
{
    const double rent = s->fleet.site.rent_usd_per_chip_hour;
    memcpy(c->values, e->values, (size_t)e->seeds * MUIR_MEASURE_COUNT * sizeof *c->values);
    memcpy(c->spread, e->spread, sizeof c->spread);
    c->chips = muir_fleet_chips(&s->fleet);
    c->job_chips = muir_job_chips(&s->job);
    c->rent_usd_per_chip_hour = rent > 0.0 ? rent : NAN;
    c->tokens_per_step = (double)(s->job.batch.global_batch_size * s->job.batch.seq_len);
    c->parallel = s->job.parallel;
    c->micro_batch_size = s->job.batch.micro_batch_size;
    c->investment = muir_investment_of(s, e->spread[MUIR_MEASURE_power_w].mean,
                                       e->spread[MUIR_MEASURE_tokens_per_s].mean);
    c->is_done = true;
}

static muir_status note_overrides(muir_ctx *ctx, const word_list *list, muir_study_case *c)
{
    size_t used = 0;
    for (int i = 0; i < list->n && used < sizeof c->overrides; i++)
        used += (size_t)snprintf(c->overrides + used, sizeof c->overrides - used, "%s%s", i ? " " : "",
                                 list->words[i]);
    if (used < sizeof c->overrides) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG, "its overrides are longer than %d characters together",
                     (int)sizeof c->overrides);
}

/* What the case starts from, data files included: a case of the file is only that of the same inputs. */
static muir_status check_inputs(muir_ctx *ctx, const muir_scenario *scenario, muir_study_case *c)
{
    muir_status st = MUIR_OK;
    char *text = NULL;
    MUIR_TRY(muir_scenario_text(ctx, scenario, false, &text));
    const int64_t inputs = (int64_t)muir_checksum(text, strlen(text));
    if (c->is_done && c->inputs != inputs)
        MUIR_TRY(muir_fail(
            ctx, MUIR_ERR_ARG,
            "the file has this case from other inputs (a data file has changed): give another name"));
    c->inputs = inputs;
done:
    free(text);
    return st;
}

static muir_status run_case(muir_ctx *ctx, const muir_study_request *r, muir_study_case *first,
                            muir_study_case *c)
{
    muir_status st = MUIR_OK;
    const muir_study *study = r->study;
    muir_scenario *scenario = NULL;
    word_list *list = NULL;
    muir_ensemble *ensemble = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *scenario, "the study", &scenario));
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *list, "the study", &list));
    MUIR_TRY(words_of(ctx, study, c, list));
    MUIR_TRY(muir_scenario_load(ctx, study->scenario, list->words, list->n, scenario));
    MUIR_TRY(check_inputs(ctx, scenario, c));
    MUIR_TRY(muir_money_inputs(ctx, scenario, c->money));
    if (c->is_done) goto done;
    if (study->is_best) {
        const bool is_found = c->key >= 0 && study->by != MUIR_PLAN_BY_COST &&
                              is_money(study->sensitivity.values[c->key].label);
        MUIR_TRY(is_found ? add_first_layout(ctx, study, first, list) : add_best(ctx, study, scenario, list));
        MUIR_TRY(muir_scenario_load(ctx, study->scenario, list->words, list->n, scenario));
    }
    MUIR_TRY(note_overrides(ctx, list, c));
    const muir_ensemble_request request = {
        .scenario = scenario, .seeds = study->seeds, .until = -1, .stop = r->stop};
    MUIR_TRY(muir_ensemble_run(ctx, &request, &ensemble));
    fill_case(scenario, ensemble, c);
done:
    muir_ensemble_destroy(&ensemble);
    free(list);
    free(scenario);
    return st;
}

/* "Rainier, same batch: " before the cause. */
static muir_status name_failure(muir_ctx *ctx, const muir_study *study, const muir_study_case *c,
                                muir_status st)
{
    char cause[MUIR_MESSAGE_SIZE], labels[MUIR_TEXT_SIZE] = "";
    const bool is_agreed = ctx->is_agreed;
    snprintf(cause, sizeof cause, "%s", ctx->message);
    for (int a = 0; a < study->n_axes; a++) {
        const size_t used = strlen(labels);
        snprintf(labels + used, sizeof labels - used, "%s%s", a ? ", " : "",
                 study->axes[a].values[c->at[a]].label);
    }
    muir_ctx_clear(ctx);
    st = muir_fail(ctx, st, "%s%s%s: %.700s", labels, c->key >= 0 ? ", " : "",
                   c->key >= 0 ? study->sensitivity.values[c->key].label : "", cause);
    ctx->is_agreed = is_agreed;
    return st;
}

static int count_cells(const muir_study *study)
{
    int n = 1;
    for (int a = 0; a < study->n_axes; a++) n *= study->axes[a].n;
    return n;
}

static void place_cases(const muir_study *study, muir_study_result *r)
{
    for (int i = 0; i < r->n; i++) {
        muir_study_case *c = &r->cases[i];
        const int end = i - r->n_cells;
        c->values = r->values + (size_t)i * (size_t)study->seeds * MUIR_MEASURE_COUNT;
        c->key = end < 0 ? -1 : end / 2;
        c->is_high = end >= 0 && end % 2 == 1;
        int rest = end < 0 ? i : 0; /* sensitivities are of the first cell */
        for (int a = study->n_axes - 1; a >= 0; a--) {
            c->at[a] = rest % study->axes[a].n;
            rest /= study->axes[a].n;
        }
    }
}

static muir_status make_result(muir_ctx *ctx, const muir_study *study, muir_study_result **out)
{
    muir_status st = MUIR_OK;
    muir_study_result *r = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *r, "the study", &r));
    r->n_cells = count_cells(study);
    r->n = r->n_cells + 2 * study->sensitivity.n;
    MUIR_TRY(muir_alloc(ctx, (size_t)r->n, sizeof *r->cases, "the study", &r->cases));
    MUIR_TRY(muir_alloc(ctx, (size_t)r->n * (size_t)study->seeds * MUIR_MEASURE_COUNT, sizeof *r->values,
                        "the study", &r->values));
    place_cases(study, r);
    *out = r;
    r = NULL;
done:
    muir_study_result_destroy(&r);
    return st;
}

static muir_status run_cases(muir_ctx *ctx, const muir_study_request *request, muir_study_store *store,
                             muir_study_result *r)
{
    muir_status st = MUIR_OK;
    for (int i = 0; i < r->n; i++) {
        const bool was_done = r->cases[i].is_done;
        st = run_case(ctx, request, &r->cases[0], &r->cases[i]);
        if (st != MUIR_OK) MUIR_TRY(name_failure(ctx, request->study, &r->cases[i], st));
        if (!was_done) MUIR_TRY(muir_study_store_save(ctx, store, r));
        if (muir_is_root(ctx) && request->observer) request->observer(i + 1, r->n, request->data);
    }
done:
    return st;
}

muir_status muir_study_run(muir_ctx *ctx, const muir_study_request *request, muir_study_result **out)
{
    muir_status st = MUIR_OK;
    muir_study_result *r = NULL;
    muir_study_store *store = NULL;
    MUIR_TRY(muir_agree(ctx, make_result(ctx, request->study, &r)));
    if (request->claim) MUIR_TRY(muir_study_store_create(ctx, request, r, &store));
    MUIR_TRY(run_cases(ctx, request, store, r));
    *out = r;
    r = NULL;
done:
    muir_study_store_destroy(&store);
    muir_study_result_destroy(&r);
    return st;
}

void muir_study_result_destroy(muir_study_result **result)
{
    if (!*result) return;
    free((*result)->cases);
    free((*result)->values);
    free(*result);
    *result = NULL;
}
