/* SPDX-License-Identifier: BSD-3-Clause */
/* Loading of scenarios: files and overrides into one struct, autos resolved, everything checked. */
#include "scenario/scenario.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "models/program.h"
#include "scenario/catalogue.h"
#include "scenario/fault_log.h"
#include "scenario/inputs.h"
#include "scenario/overrides.h"
#include "scenario/stack.h"
#include "scenario/yaml.h"
#include "schedule/schedule.h"

#define OPTION MUIR_OPTION_ROW
#define MUIR_OPTION_OWNER muir_run_options
static const muir_option run_options[] = {
#include "scenario/run.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_batch
static const muir_option batch_options[] = {
#include "models/batch.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_parallel
static const muir_option parallel_options[] = {
#include "models/parallel.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_host_options
static const muir_option host_options[] = {
#include "scenario/host.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_telemetry_options
static const muir_option telemetry_options[] = {
#include "scenario/telemetry.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_power_options
static const muir_option power_options[] = {
#include "scenario/power.def"
};
#undef MUIR_OPTION_OWNER
#define MUIR_OPTION_OWNER muir_evaluation_options
static const muir_option evaluation_options[] = {
#include "scenario/evaluation.def"
};
#undef MUIR_OPTION_OWNER
#undef OPTION

static const muir_section sections[] = {
    MUIR_SECTION("", offsetof(muir_scenario, run), run_options),
    MUIR_SECTION("", offsetof(muir_scenario, job.batch), batch_options),
    MUIR_SECTION("parallel", offsetof(muir_scenario, job.parallel), parallel_options),
    MUIR_SECTION("host", offsetof(muir_scenario, host), host_options),
    MUIR_SECTION("telemetry", offsetof(muir_scenario, telemetry), telemetry_options),
    MUIR_SECTION("power", offsetof(muir_scenario, power), power_options),
    MUIR_SECTION("evaluation", offsetof(muir_scenario, evaluation), evaluation_options),
};
const muir_schema muir_scenario_schema = MUIR_SCHEMA("scenario", "scenarios", sections, muir_scenario);

/* A file that another one names. */
static muir_status load_named(muir_ctx *ctx, const muir_schema *schema, const char *name, const char *where,
                              const muir_overrides *list, void *file, char *path, size_t size)
{
    muir_status st = MUIR_OK;
    muir_loader loader;
    MUIR_TRY(muir_catalogue_find(ctx, schema->folder, name, where, path, size));
    MUIR_TRY(muir_yaml_load(ctx, schema, path, file, &loader));
    MUIR_TRY(muir_overrides_apply(ctx, &loader, list));
    MUIR_TRY(muir_yaml_finish(ctx, &loader));
done:
    return st;
}

static const char no_file[] = "defaults";

/* Who names a file, for messages: "rainier.yaml: model"; an argument where there is no scenario's file. */
static void say_where(char *where, size_t size, const char *path, const char *key)
{
    const bool is_file = strcmp(path, no_file) != 0;
    snprintf(where, size, "%s%s%s", is_file ? path : "", is_file ? ": " : "", key);
}

static bool is_overridden(const muir_overrides *list, const char *key)
{
    const size_t n = strlen(key);
    for (int i = 0; i < list->n; i++)
        if (strncmp(list->item[i], key, n) == 0 && list->item[i][n] == '=') return true;
    return false;
}

/* A path that a file names starts in that file's folder; one that an argument names in the current folder.
 * text  out  room for the path, [MUIR_PATH_SIZE] */
static const char *named_by(const char *file, const char *name, bool is_argument, char *text)
{
    const char *slash = strrchr(file, '/'), *dot = strrchr(name, '.');
    const bool is_path = strchr(name, '/') || (dot && strcmp(dot, ".yaml") == 0);
    if (!is_path || name[0] == '/' || is_argument || !slash) return name;
    snprintf(text, MUIR_PATH_SIZE, "%.*s/%s", (int)(slash - file), file, name);
    return text;
}

/* The chip and the library that the fleet's file names. */
static muir_status load_parts(muir_ctx *ctx, const char *fleet_path, const muir_overrides *list,
                              muir_fleet *fleet)
{
    muir_status st = MUIR_OK;
    char where[2 * MUIR_PATH_SIZE], path[MUIR_PATH_SIZE], text[MUIR_PATH_SIZE];
    const char *chip = named_by(fleet_path, fleet->top.chip, is_overridden(list, "fleet.chip"), text);
    say_where(where, sizeof where, fleet_path, "chip");
    MUIR_TRY(load_named(ctx, &muir_chip_schema, chip, where, list, &fleet->chip, path, sizeof path));
    const char *library =
        named_by(fleet_path, muir_fleet_library(fleet), is_overridden(list, "fleet.library"), text);
    say_where(where, sizeof where, fleet_path, "library");
    MUIR_TRY(load_named(ctx, &muir_library_schema, library, where, list, &fleet->library, path, sizeof path));
    MUIR_TRY(muir_library_check(ctx, path, fleet));
done:
    return st;
}

/* Who gives a figure of the stack means it. */
static void give_figures(muir_stack *stack, const muir_overrides *list)
{
    for (int i = 0; i < list->n; i++) {
        const char *key = NULL;
        char name[MUIR_NAME_SIZE];
        if (muir_input_owner(list->item[i], &key)->schema != &muir_stack_schema) continue;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(key, "="), key);
        muir_stack_give(stack, name);
    }
}

static void name_of(const char *path, char name[MUIR_NAME_SIZE])
{
    const char *slash = strrchr(path, '/');
    const char *start = slash ? slash + 1 : path;
    size_t length = strlen(start) - muir_catalogue_ending(start);
    if (length >= MUIR_NAME_SIZE) length = MUIR_NAME_SIZE - 1;
    memset(name, 0, MUIR_NAME_SIZE);
    memcpy(name, start, length);
}

/* Filling in what is auto. */

static muir_status resolve_dp(muir_ctx *ctx, muir_scenario *s)
{
    muir_parallel *p = &s->job.parallel;
    const double replica = (double)p->tp * (double)p->cp * (double)p->pp;
    const int64_t chips = muir_fleet_chips(&s->fleet);
    if (p->dp == 0) {
        p->dp = (int64_t)((double)chips / replica);
        while (p->dp > 1 && p->dp % muir_job_expert_replicas(&s->job) != 0) p->dp--;
        const int64_t sequences = s->job.batch.global_batch_size / s->job.batch.micro_batch_size;
        if (sequences > 0) { /* a fixed batch must divide: the largest dp that does */
            while (p->dp > 1 && (sequences % p->dp != 0 || p->dp % muir_job_expert_replicas(&s->job) != 0))
                p->dp--;
        }
    }
    if (p->dp >= 1 && replica * (double)p->dp <= (double)chips) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "tp=%lld x cp=%lld x pp=%lld x dp=%lld needs %.0f chips, but fleet %s has %lld",
                     (long long)p->tp, (long long)p->cp, (long long)p->pp, (long long)(p->dp ? p->dp : 1),
                     replica * (double)(p->dp ? p->dp : 1), s->run.fleet, (long long)chips);
}

static void resolve_model(muir_model *m)
{
    if (m->kv_heads == 0) m->kv_heads = m->heads;
    if (m->head_dim == 0) m->head_dim = m->hidden / m->heads > 0 ? m->hidden / m->heads : 1;
}

static void resolve_batch(muir_job *job)
{
    muir_batch *b = &job->batch;
    const muir_family *family = muir_family_find(job->model.family);
    if (b->seq_len == 0) b->seq_len = family && family->seq_len ? family->seq_len(&job->model) : 8192;
    if (b->global_batch_size == 0)
        b->global_batch_size = 2 * job->parallel.pp * job->parallel.dp * b->micro_batch_size;
}

/* Servers with a chip of the job come first, since chips are numbered through. */
static void resolve_spares(muir_scenario *s)
{
    const int64_t used = muir_job_chips(&s->job), per_server = s->fleet.server.chips;
    s->spare_chips = muir_fleet_chips(&s->fleet) - used;
    s->spare_servers = s->fleet.top.servers - (used + per_server - 1) / per_server;
    muir_fleet_slice(&s->fleet, used);
}

static muir_status check_run(muir_ctx *ctx, const muir_scenario *s)
{
    const muir_parallel *p = &s->job.parallel;
    if (s->run.steps != 0 && s->run.days != 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "steps=%lld and days=%g are both given, but one sets the other: give one of them",
                         (long long)s->run.steps, s->run.days);
    if (muir_scenario_peak_flop_per_s(s) <= 0.0)
        return muir_fail(ctx, MUIR_ERR_ARG, "precision=%s, but chip %s does not support it",
                         muir_scenario_precision(s), s->fleet.top.chip);
    if (!muir_schedule_find(p->schedule)) {
        char known[200] = "";
        size_t used = 0;
        for (int i = 0; i < muir_schedule_count() && used < sizeof known; i++)
            used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "",
                                     muir_schedule_at(i)->name);
        return muir_fail(ctx, MUIR_ERR_ARG, "parallel.schedule '%s' is unknown; known: %s", p->schedule,
                         known);
    }
    return MUIR_OK;
}

/* Some of what a step does is done for every chip, so a larger fleet would be silent for minutes. */
static muir_status check_fleet_size(muir_ctx *ctx, const muir_fleet *fleet)
{
    const int64_t most = 20 * 1000 * 1000;
    if (muir_fleet_chips(fleet) <= most) return MUIR_OK;
    return muir_fail(
        ctx, MUIR_ERR_ARG,
        "fleet.servers=%lld x fleet.server.chips=%lld are %s chips, more than the %s that muir models",
        (long long)fleet->top.servers, (long long)fleet->server.chips,
        muir_count_text(muir_fleet_chips(fleet)).s, muir_count_text(most).s);
}

static muir_status check_evaluation(muir_ctx *ctx, const muir_evaluation_options *e)
{
    if ((e->every > 0) != (e->time_s > 0.0))
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "evaluation.every=%lld and evaluation.time_s=%g: both are above 0, or neither",
                         (long long)e->every, e->time_s);
    if (e->every > 0 && e->gap_s > e->time_s)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "evaluation.gap_s=%g is longer than evaluation.time_s=%g, which it is a part of",
                         e->gap_s, e->time_s);
    return MUIR_OK;
}

enum { MOST_SAMPLES = 20 * 1000 * 1000 };

muir_status muir_scenario_check_sampling(muir_ctx *ctx, const muir_power_options *p)
{
    if (p->window_s * p->sample_hz <= MOST_SAMPLES) return MUIR_OK;
    return muir_fail(ctx, MUIR_ERR_ARG,
                     "power.window_s=%g x power.sample_hz=%g are more samples than the %d of a trace",
                     p->window_s, p->sample_hz, (int)MOST_SAMPLES);
}

static muir_status check_power(muir_ctx *ctx, const muir_power_options *p, const muir_chip *chip)
{
    if (p->cap > 0.0 && (p->cap <= chip->idle_power || p->cap >= chip->compute_power || p->cap < p->floor))
        return muir_fail(
            ctx, MUIR_ERR_ARG,
            "power.cap=%g: must lie between the chip's idle_power=%g and compute_power=%g, and not "
            "below power.floor=%g",
            p->cap, chip->idle_power, chip->compute_power, p->floor);
    const bool is_smoothed = p->storage_j_per_chip > 0.0 || p->ramp_up_w_per_s > 0.0 ||
                             p->ramp_down_w_per_s > 0.0 || p->lead_s > 0.0 || p->every > 0 || p->start > 0;
    if (p->window_s == 0.0 && is_smoothed)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "power.start, every, lead_s, storage_j_per_chip and ramp_*_w_per_s would change "
                         "nothing: power.window_s=0 asks for no trace");
    return muir_scenario_check_sampling(ctx, p);
}

static muir_status check_schedule(muir_ctx *ctx, const muir_scenario *s)
{
    const muir_parallel *p = &s->job.parallel;
    if (s->job.microbatches > 1000000)
        return muir_fail(ctx, MUIR_ERR_ARG, "%lld microbatches per replica are too many (at most 1,000,000)",
                         (long long)s->job.microbatches);
    const muir_shape shape = {(int)p->pp, (int)p->vpp, (int)s->job.microbatches};
    const muir_status st = muir_schedule_check_size(ctx, shape);
    return st != MUIR_OK ? st : muir_schedule_find(p->schedule)->check(ctx, shape);
}

static muir_status resolve(muir_ctx *ctx, muir_scenario *s)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(check_run(ctx, s));
    s->job.place = muir_schedule_find(s->job.parallel.schedule)->place;
    MUIR_TRY(check_evaluation(ctx, &s->evaluation));
    MUIR_TRY(check_fleet_size(ctx, &s->fleet));
    MUIR_TRY(muir_faults_check_often(ctx, &s->faults, muir_fleet_chips(&s->fleet)));
    MUIR_TRY(check_power(ctx, &s->power, &s->fleet.chip));
    resolve_model(&s->job.model);
    MUIR_TRY(muir_model_check(ctx, &s->job.model));
    MUIR_TRY(resolve_dp(ctx, s));
    resolve_batch(&s->job);
    MUIR_TRY(muir_job_check(ctx, &s->job));
    s->job.microbatches =
        s->job.batch.global_batch_size / (s->job.parallel.dp * s->job.batch.micro_batch_size);
    MUIR_TRY(check_schedule(ctx, s));
    resolve_spares(s);
done:
    return st;
}

/* The scenario's own file; without one, the defaults. */
static muir_status load_own(muir_ctx *ctx, const char *name, muir_scenario *s, muir_loader *loader,
                            char path[MUIR_PATH_SIZE])
{
    muir_status st = MUIR_OK;
    if (!name) {
        snprintf(path, MUIR_PATH_SIZE, "%s", no_file);
        return muir_yaml_begin(ctx, &muir_scenario_schema, path, s, loader);
    }
    MUIR_TRY(muir_catalogue_find(ctx, "scenarios", name, "scenario", path, MUIR_PATH_SIZE));
    MUIR_TRY(muir_yaml_load(ctx, &muir_scenario_schema, path, s, loader));
done:
    return st;
}

static muir_status load_on_root(muir_ctx *ctx, const char *name, const char *const *given, int n_given,
                                muir_scenario *s)
{
    muir_status st = MUIR_OK;
    muir_overrides list = {NULL, NULL, NULL, 0, 0};
    muir_loader loader, stack_loader;
    char path[MUIR_PATH_SIZE], where[2 * MUIR_PATH_SIZE], fleet_path[MUIR_PATH_SIZE],
        other_path[MUIR_PATH_SIZE];
    MUIR_TRY(load_own(ctx, name, s, &loader, path));
    MUIR_TRY(muir_overrides_make(ctx, s->run.overrides, "the scenario's overrides", given, n_given, &list));
    muir_overrides_choose_length(&list, s);
    MUIR_TRY(muir_overrides_apply(ctx, &loader, &list));
    say_where(where, sizeof where, path, "fleet");
    MUIR_TRY(load_named(ctx, &muir_fleet_schema, s->run.fleet, where, &list, &s->fleet, fleet_path,
                        sizeof fleet_path));
    MUIR_TRY(muir_fleet_check(ctx, fleet_path, &s->fleet));
    MUIR_TRY(load_parts(ctx, fleet_path, &list, &s->fleet));
    say_where(where, sizeof where, path, "model");
    MUIR_TRY(load_named(ctx, &muir_model_schema, s->run.model, where, &list, &s->job.model, other_path,
                        sizeof other_path));
    if (strcmp(s->run.stack, "auto") == 0) memcpy(s->run.stack, s->fleet.chip.stack, sizeof s->run.stack);
    say_where(where, sizeof where, path, "stack");
    MUIR_TRY(muir_stack_load(ctx, s->run.stack, where, &s->job.stack, &stack_loader));
    MUIR_TRY(muir_overrides_apply(ctx, &stack_loader, &list));
    give_figures(&s->job.stack, &list);
    MUIR_TRY(muir_overrides_apply_settings(ctx, &loader, s->run.stack, s->job.stack.settings));
    say_where(where, sizeof where, path, "faults");
    MUIR_TRY(load_named(ctx, &muir_faults_schema, s->run.faults, where, &list, &s->faults, other_path,
                        sizeof other_path));
    MUIR_TRY(muir_faults_apply_log(ctx, other_path, s->fleet.top.servers, muir_fleet_chips(&s->fleet),
                                   &s->faults));
    MUIR_TRY(muir_faults_check(ctx, other_path, &s->faults));
    name_of(path, s->name);
    MUIR_TRY(resolve(ctx, s));
done:
    muir_overrides_free(&list);
    return st;
}

muir_status muir_scenario_load(muir_ctx *ctx, const char *name, const char *const *overrides, int n_overrides,
                               muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    muir_scenario *s = calloc(1, sizeof *s);
    if (!s)
        st = muir_fail(ctx, MUIR_ERR_MEM, "no memory for the scenario");
    else if (muir_is_root(ctx))
        st = load_on_root(ctx, name, overrides, n_overrides, s);
    MUIR_TRY(muir_agree(ctx, st));
    if (ctx->size > 1) MUIR_TRY_MPI(MPI_Bcast(s, (int)sizeof *s, MPI_BYTE, 0, ctx->comm));
    *scenario = *s;
done:
    free(s);
    return st;
}
