/* SPDX-License-Identifier: BSD-3-Clause */
/* Host sizes from job sizes. */
#include "host_clock/shrink.h"

#include <math.h>

#include "host_clock/pace.h"

/* Shares of a step's time: products of the work, and work of a dilated step. */
static const double PRODUCTS = 0.5, WORK = 0.5;

enum { GRAIN = 16, LARGEST_FACTOR = 1 << 20 }; /* GRAIN: one vector register of floats */

static int least(int64_t a, int64_t b)
{
    return (int)(a < b ? a : b);
}

muir_shrink muir_shrink_make(const muir_scenario *scenario, const muir_fold *fold)
{
    const muir_job *job = &scenario->job;
    const int stages = fold->mesh[MUIR_MESH_PP];
    int microbatches = least(job->microbatches, 2 * (int64_t)stages);
    if (microbatches > stages)
        microbatches -= microbatches % stages; /* whole rounds, which interleaving needs */
    muir_shrink shrink = {.factor = 1.0};
    shrink.shape = (muir_shape){stages, (int)job->parallel.vpp, microbatches};
    shrink.microbatches = (double)job->microbatches / (double)microbatches;
    return shrink;
}

double muir_shrink_next(double factor)
{
    const double power = exp2(floor(log2(factor)));
    return factor < 1.5 * power ? 1.5 * power : 2.0 * power;
}

size_t muir_shrink_size(double size, double factor)
{
    if (factor == 1.0 || size <= GRAIN) return (size_t)ceil(size);
    const double grains = round(size / factor / GRAIN);
    return (size_t)(grains < 1.0 ? 1.0 : grains) * GRAIN;
}

size_t muir_shrink_elements(double bytes, double factor)
{
    const double elements = floor(bytes / (4.0 * factor * factor));
    return elements < 1.0 ? 1 : (size_t)elements;
}

int muir_shrink_count(double count, double factor)
{
    const double n = ceil(count / factor);
    return n < 1.0 ? 1 : (int)n;
}

/* FLOP of a rank's products in a step. */
static double step_flop(const muir_program *program, muir_shape shape, double factor)
{
    double flop = 0.0;
    for (int block = 0; block < program->n_blocks; block++)
        for (int phase = 0; phase < MUIR_PHASE_COUNT; phase++) {
            const muir_op_range r = program->blocks[block].phase[phase];
            for (int i = r.first; i < r.first + r.n; i++) {
                const muir_op *op = &program->ops[i];
                if (op->kind != MUIR_OP_GEMM) continue;
                flop += 2.0 * (double)muir_shrink_size(op->gemm.m, factor) *
                        (double)muir_shrink_size(op->gemm.n, factor) *
                        (double)muir_shrink_size(op->gemm.k, factor) *
                        muir_shrink_count(op->gemm.count, factor);
            }
        }
    return flop * shape.chunks * shape.microbatches;
}

/* Layers that the ranks of one pipeline execute, one of each kind in each chunk. */
static int executed_layers(const muir_program *program, muir_shape shape)
{
    int layers = 0;
    for (int chunk = 0; chunk < shape.stages * shape.chunks; chunk++)
        for (int block = 0; block < program->n_blocks; block++)
            if (program->blocks[block].role == MUIR_BLOCK_LAYER)
                layers += muir_pace_has_block(program, shape, block, chunk);
    return layers;
}

muir_shrink muir_shrink_choose(const muir_scenario *scenario, const muir_fold *fold,
                               const muir_program *program, double peak_flop_per_s, double dilated_s)
{
    muir_shrink shrink = muir_shrink_make(scenario, fold);
    shrink.layers = (double)scenario->job.model.layers / executed_layers(program, shrink.shape);
    shrink.budget_s = dilated_s > 0.0 ? WORK * dilated_s : scenario->host.budget;
    const double flop = PRODUCTS * peak_flop_per_s * shrink.budget_s;
    while (shrink.factor < LARGEST_FACTOR && step_flop(program, shrink.shape, shrink.factor) > flop)
        shrink.factor = muir_shrink_next(shrink.factor);
    return shrink;
}
