/* SPDX-License-Identifier: BSD-3-Clause */
/* What the telemetry file holds once: the launch, the host, collectives, what numbers mean. */
#include <math.h>
#include <stdlib.h>

#include "base/mem.h"
#include "run/calibrate.h"
#include "run/describe_memory.h"

static void add_constant(muir_describe *d, const char *group, const char *dimension, muir_value_type type,
                         const void *values, muir_label label)
{
    const muir_constant constant = {group, label, type, dimension, values};
    muir_describe_constant(d, &constant);
}

size_t muir_record_frequencies(const muir_scenario *scenario)
{
    const muir_power_options *o = &scenario->power;
    const double segment = fmin(o->segment_s, o->window_s) * o->sample_hz * (1.0 + 1e-12);
    return segment < 2.0 ? 2 : (size_t)segment / 2 + 1;
}

static muir_status add_power(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    const size_t n = muir_record_frequencies(scenario);
    if (scenario->power.window_s <= 0.0) return MUIR_OK;
    MUIR_TRY(muir_alloc(ctx, n, sizeof(double), "telemetry", &d->frequency_hz));
    for (size_t k = 0; k < n; k++)
        d->frequency_hz[k] = (double)k * scenario->power.sample_hz / (2.0 * (double)(n - 1));
    muir_describe_add_table(d, MUIR_TABLE_POWER, 8192);
    muir_describe_add_table(d, MUIR_TABLE_POWER_WINDOW, 16);
    const muir_dimension frequency = {
        .group = "power_window",
        .label = {"frequency", "Hz", "frequency of the spectral density", MUIR_MODELLED},
        .size = n,
        .values = d->frequency_hz};
    muir_describe_add_dimension(d, &frequency);
done:
    return st;
}

/* All that only this launch knows is `measured`: found out once, reused. */
static void add_fact(muir_describe *d, const char *group, const char *dimension, muir_value_type type,
                     const void *values, const char *name, const char *units, const char *long_name)
{
    add_constant(d, group, dimension, type, values, (muir_label){name, units, long_name, MUIR_MEASURED});
}

static void add_rank_facts(muir_describe *d)
{
    static const char *const names[MUIR_MESH_AXES] = {"mesh_tp", "mesh_cp", "mesh_dp", "mesh_pp"};
    const muir_launch *l = d->launch;
    if (d->index[MUIR_TABLE_RANK] < 0) return;
    add_fact(d, "rank", "rank", MUIR_I64, l->first_replica, "first_replica", "1",
             "rank map: first replica of the rank");
    add_fact(d, "rank", "rank", MUIR_I64, l->replicas, "replicas", "1", "rank map: replicas of the rank");
    for (int a = 0; a < MUIR_MESH_AXES; a++)
        add_fact(d, "rank", "rank", MUIR_I64, l->mesh[a], names[a], "1",
                 "rank map: place along this axis of the host clock's mesh, -1 means none");
}

static void add_host_facts(muir_describe *d)
{
    const muir_launch *l = d->launch;
    if (d->index[MUIR_TABLE_HOST] < 0) return;
    add_fact(d, "host", "rank", MUIR_TEXT, l->node, "node", "1", "name of the rank's node");
    add_fact(d, "host", "rank", MUIR_F64, l->peak_flop_per_s, "peak_flop_per_s", "FLOP/s",
             "multiply-add peak of the rank's cores in the job's precision");
    add_fact(d, "host", NULL, MUIR_TEXT, l->host.kernel, "kernel", "1", "matrix product kernel of rank 0");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.shrink.factor, "shrink_factor", "1",
             "dimensions are divided by it, bytes by its square");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.shrink.layers, "shrink_layers", "1",
             "layers of the job per executed layer");
    add_fact(d, "host", NULL, MUIR_F64, &l->host.shrink.microbatches, "shrink_microbatches", "1",
             "microbatches of the job per executed microbatch");
    add_fact(d, "host", NULL, MUIR_F64, &l->shrink_bytes, "shrink_bytes", "1",
             "bytes of messages, collectives and memory streams are divided by it");
    if (l->host.snapshot.job_bytes > 0.0) {
        add_fact(d, "host", NULL, MUIR_F64, &l->host.snapshot.job_bytes, "checkpoint_job_bytes", "byte",
                 "size of the job's checkpoint, which real ones represent");
        add_fact(d, "host", NULL, MUIR_F64, &l->host.snapshot.divisor, "checkpoint_divisor", "1",
                 "bytes of the job's checkpoint per byte really written");
    }
    add_fact(d, "host", NULL, MUIR_F64, &l->host.planned_step_s, "planned_step_s", "s",
             "dilated: planned length of a step of rank 0; 0 means as fast as possible");
    add_fact(
        d, "host", NULL, MUIR_F64, &l->host.exposed_off_s, "exposed_off_s", "s",
        "collectives that the job hides, when they block: measured in a step before the run, slowest rank");
    add_fact(
        d, "host", NULL, MUIR_F64, &l->host.exposed_on_s, "exposed_on_s", "s",
        "the part of them that is exposed with overlap: measured in a step before the run, slowest rank");
    add_fact(d, "host", NULL, MUIR_TEXT, muir_host_progress_text(l->is_overlapped), "progress", "1",
             "who progresses MPI while products run");
    add_fact(d, "host", "rank", MUIR_TEXT, l->binding, "binding", "1", "what the rank runs on");
    add_constant(d, "program", "op", MUIR_TEXT, l->op_name,
                 (muir_label){"name", "1", "what the op is", MUIR_INPUT});
    add_constant(d, "program", "op", MUIR_TEXT, l->op_kind,
                 (muir_label){"kind", "1", "product, memory, or the collective", MUIR_INPUT});
    add_constant(
        d, "program", "op", MUIR_F64, l->op_s,
        (muir_label){"time_s", "s", "time of the op in the job, on chips of speed 1", MUIR_MODELLED});
    add_fact(d, "host", NULL, MUIR_F64, &l->host.empty_step_s, "empty_step_s", "s",
             "the host clock's own time: a step with everything but the work of its ops");
}

static void add_coll_facts(muir_describe *d)
{
    const muir_launch *l = d->launch;
    const char *group = "collectives", *across = "collective";
    if (d->index[MUIR_TABLE_COLLECTIVES] < 0) return;
    add_fact(d, group, across, MUIR_TEXT, l->coll_op, "op", "1", "operation");
    add_fact(d, group, across, MUIR_TEXT, l->coll_algorithm, "algorithm", "1", "algorithm");
    add_fact(d, group, across, MUIR_TEXT, l->coll_axis, "axis", "1", "parallel axis");
    add_fact(d, group, across, MUIR_TEXT, l->coll_purpose, "purpose", "1", "what the job exchanges");
    add_fact(d, group, across, MUIR_I64, l->coll_ranks, "ranks", "1", "ranks of the group");
    add_fact(d, group, across, MUIR_F64, l->coll_bytes, "bytes", "byte",
             "size as nccl-tests counts it, shrunk");
    add_fact(d, group, across, MUIR_TEXT, l->coll_chosen, "chosen", "1",
             "where the algorithm comes from: forced, measured, reused, untuned");
    add_fact(d, group, across, MUIR_F64, l->coll_median_s, "chosen_median_s", "s",
             "median of the algorithm when it was chosen; NaN means not measured");
    add_fact(
        d, group, across, MUIR_F64, l->coll_mpi_s, "mpi_median_s", "s",
        "median of the MPI library's own algorithm at that time; NaN means not measured, or it has none");
    if (l->n_trials == 0) return;
    add_fact(d, group, "trial", MUIR_I64, l->trial_coll, "trial_collective", "1",
             "number of the collective that an algorithm was tried for");
    add_fact(d, group, "trial", MUIR_TEXT, l->trial_algorithm, "trial_algorithm", "1", "algorithm tried");
    add_fact(d, group, "trial", MUIR_F64, l->trial_s, "trial_s", "s",
             "median of its calls; the best of a few where it was far behind");
}

void muir_describe_texts(muir_describe *d, const muir_scenario *scenario)
{
    if (scenario->run.calibrate == MUIR_CALIBRATE_HOST)
        add_fact(d, "scenario", NULL, MUIR_F64, &scenario->fleet.variation.step_sigma,
                 "calibrated_step_sigma", "1",
                 "calibrate: jitter of this machine, taken for that of the fleet's chips");

    add_constant(
        d, "scenario", NULL, MUIR_TEXT, d->resolved,
        (muir_label){"resolved", "1", "the scenario with every default filled in, YAML", MUIR_INPUT});
    add_constant(
        d, "scenario", NULL, MUIR_TEXT, d->identity,
        (muir_label){"identity", "1", "every key that decides the fleet clock's numbers", MUIR_INPUT});
}

muir_status muir_describe_facts(muir_ctx *ctx, muir_describe *d, const muir_scenario *scenario)
{
    muir_status st = MUIR_OK;
    MUIR_TRY(add_power(ctx, d, scenario));
    MUIR_TRY(muir_describe_memory(ctx, d, scenario));
    add_rank_facts(d);
    add_host_facts(d);
    add_coll_facts(d);
    muir_describe_texts(d, scenario);
done:
    return st;
}
