/* SPDX-License-Identifier: BSD-3-Clause */
/* The timetable of a dilated step. */
#include "host_clock/pace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const double least_x = 1e-6, most_x = 1e9;

muir_status muir_pace_parse(muir_ctx *ctx, const char *text, double *x)
{
    static const char prefix[] = "dilate:";
    const size_t length = sizeof prefix - 1;
    char *end = NULL;
    if (strcmp(text, "asap") == 0) {
        *x = 0.0;
        return MUIR_OK;
    }
    const double value = strncmp(text, prefix, length) == 0 ? strtod(text + length, &end) : 0.0;
    if (!end || end == text + length || *end != '\0' || !(value >= least_x && value <= most_x))
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "host.pace is '%s', but must be asap or dilate:X with X from %g to %g", text,
                         least_x, most_x);
    *x = value;
    return MUIR_OK;
}

bool muir_pace_has_block(const muir_program *program, muir_shape shape, int block, int chunk)
{
    const int n = program->n_chunks / (shape.stages * shape.chunks);
    return muir_program_has_block(program, chunk * n, n, block);
}

int64_t muir_pace_job_stage(const muir_program *program, muir_shape shape, int stage)
{
    return (int64_t)stage * program->n_stages / shape.stages;
}

static double range_s(const muir_pace *pace, muir_op_range range)
{
    double sum_s = 0.0;
    for (int i = range.first; i < range.first + range.n; i++) sum_s += pace->op_s[i];
    return sum_s;
}

static double kind_s(const muir_program *program, const muir_pace *pace, muir_op_range range,
                     muir_op_kind kind)
{
    double sum_s = 0.0;
    for (int i = range.first; i < range.first + range.n; i++)
        if (program->ops[i].kind == kind) sum_s += pace->op_s[i];
    return sum_s;
}

static double slot_length_s(const muir_program *program, const muir_pace *pace, muir_shape shape, int chunk,
                            muir_phase phase, bool is_joined)
{
    double sum_s = 0.0;
    for (int block = 0; block < program->n_blocks; block++) {
        if (!muir_pace_has_block(program, shape, block, chunk)) continue;
        const muir_op_range *ranges = program->blocks[block].phase;
        sum_s += range_s(pace, ranges[phase]);
        if (is_joined) sum_s += range_s(pace, ranges[MUIR_WEIGHT]);
    }
    return sum_s;
}

/* A step of the order. A pair's forward comes first here: the rank has one set of cores for both. */
static double step_length_s(const muir_program *program, const muir_pace *pace, muir_shape shape,
                            const muir_step *step, double *forward_s)
{
    *forward_s = 0.0;
    if (step->work == MUIR_WORK_NONE) return 0.0;
    if (step->work == MUIR_WORK_PAIR)
        *forward_s = slot_length_s(program, pace, shape, step->partner, MUIR_FORWARD, false);
    return *forward_s + slot_length_s(program, pace, shape, step->chunk, (muir_phase)step->phase,
                                      step->work != MUIR_WORK_PHASE);
}

/* All stages' slots in an order in which each comes after its inputs. own: [stages] the end of each stage's
 * last step; result: [n_registers]. */
static void run_order(const muir_program *program, const muir_order *order, const muir_host_times *times,
                      int stage, muir_pace *pace, double *own, double *result)
{
    int n = 0; /* slots of the stage so far */
    for (int i = 0; i < order->n_steps; i++) {
        const muir_step *step = &order->steps[i];
        double start_s = own[step->stage], forward_s = 0.0;
        if (step->from >= 0) {
            const double p2p_s = step->hops > 1 ? times->wrap_p2p_s : times->p2p_s;
            start_s = fmax(start_s, result[step->from] + (step->hops > 0 ? pace->x * p2p_s : 0.0));
        }
        const double end_s = start_s + step_length_s(program, pace, order->shape, step, &forward_s);
        if (step->stage == stage && step->work != MUIR_WORK_NONE) {
            pace->slot_s[n++] = start_s;
            if (step->work == MUIR_WORK_PAIR) pace->slot_s[n++] = start_s + forward_s;
        }
        own[step->stage] = end_s;
        if (step->to >= 0) result[step->to] = end_s;
    }
}

/* The end of the step: gradient sync of each stage, the norm where all meet, the update of mine. */
static void time_end(const muir_program *program, const muir_order *order, int stage, bool is_gathered,
                     const double *own, muir_pace *pace)
{
    const muir_op_range update = program->update_ops[muir_pace_job_stage(program, order->shape, stage)];
    pace->sync_s = own[stage];
    for (int s = 0; s < order->shape.stages; s++) {
        const int64_t job_stage = muir_pace_job_stage(program, order->shape, s);
        pace->norm_s = fmax(pace->norm_s, own[s] + range_s(pace, program->sync_ops[job_stage]));
    }
    pace->update_s = pace->norm_s + range_s(pace, program->norm_ops);
    pace->step_s =
        pace->update_s + (is_gathered ? kind_s(program, pace, update, MUIR_OP_MEM) : range_s(pace, update));
}

static muir_status make_timetable(muir_ctx *ctx, const muir_program *program, const muir_order *order,
                                  int stage, const muir_host_times *times, bool is_gathered, muir_pace *pace)
{
    muir_status st = MUIR_OK;
    double *own = NULL, *result = NULL;
    const size_t stages = (size_t)order->shape.stages;
    MUIR_TRY(muir_alloc(ctx, stages, sizeof *own, "the pace", &own));
    MUIR_TRY(muir_alloc(ctx, (size_t)order->n_registers, sizeof *result, "the pace", &result));
    for (int s = 0; is_gathered && s < order->shape.stages; s++)
        own[s] = kind_s(program, pace, program->update_ops[muir_pace_job_stage(program, order->shape, s)],
                        MUIR_OP_COLL);
    pace->first_s = own[stage];
    run_order(program, order, times, stage, pace, own, result);
    time_end(program, order, stage, is_gathered, own, pace);
done:
    free(own);
    free(result);
    return st;
}

muir_status muir_pace_create(muir_ctx *ctx, const muir_program *program, const muir_order *order, int stage,
                             double x, const muir_host_times *times, bool is_overlapped, bool is_gathered,
                             muir_pace **out)
{
    muir_status st = MUIR_OK;
    muir_pace *pace = NULL;
    MUIR_TRY(muir_alloc(ctx, 1, sizeof *pace, "the pace", &pace));
    pace->x = x;
    pace->is_overlapped = is_overlapped;
    for (int i = 0; i < program->n_ops; i++)
        pace->op_s[i] = x * (is_overlapped ? times->exposed_s[i] : times->op_s[i]);
    int n_slots = 0;
    muir_order_slots(order, stage, &n_slots);
    MUIR_TRY(muir_alloc(ctx, (size_t)n_slots, sizeof *pace->slot_s, "the pace", &pace->slot_s));
    MUIR_TRY(make_timetable(ctx, program, order, stage, times, is_overlapped && is_gathered, pace));
    *out = pace;
    pace = NULL;
done:
    muir_pace_destroy(&pace);
    return st;
}

void muir_pace_destroy(muir_pace **pace)
{
    if (!*pace) return;
    free((*pace)->slot_s);
    free(*pace);
    *pace = NULL;
}
