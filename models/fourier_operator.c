/* SPDX-License-Identifier: BSD-3-Clause */
/* Fourier neural operators: each layer transforms every channel of a grid of 2 to 4 dimensions, multiplies
 * the lowest modes by a complex matrix of their own over the channels, transforms back and adds a product
 * over the channels of each point. A sequence is a sample, its tokens are points. Sizes in a model file:
 * hidden counts channels, dense_features numbers of a point, ffn the width of the layer before the last and
 * vocab the numbers that come out of a point.  The chips of the cp axis share a sample's points: slabs, cut
 * along the first dimension, or pencils, cut along the first two where slabs do not fit. Dimensions that are
 * whole on a chip are transformed and cut down to the kept modes first, so that only those cross chips,
 * all_to_all; then the modes are shared out, each chip multiplies its own, and all goes back the same way.
 * With ep = cp a chip holds the matrices of its modes alone, with ep = 1 those of all. Transforms along the
 * last dimension are of real numbers, two in one complex transform.  The host clock executes these ops one by
 * one: transforms of the job's lengths, fewer of them, and all_to_alls of fewer bytes where cp crosses ranks,
 * over all of these ranks also where pencils exchange among some. What it does not do is to hand the bytes of
 * one op on to the next: src/host_clock/fft3d.c is the whole transform. */
#include <math.h>
#include <stdlib.h>

#include "models/emit.h"

enum { MOST_DIMENSIONS = 4 };
static const double value_bytes = 8.0; /* a complex number, fp32 */

/* A grid, or the modes kept in it, slowest dimension first. */
typedef struct extent {
    int n; /* dimensions; 0: the text is no list of sizes */
    int64_t of[MOST_DIMENSIONS];
} extent;

static extent extent_of(const char *text)
{
    extent e = {0, {0}};
    while (e.n < MOST_DIMENSIONS) {
        char *end = NULL;
        const long size = strtol(text, &end, 10);
        if (end == text || size < 1 || size > 1000000 || (*end != 'x' && *end != '\0')) break;
        e.of[e.n++] = size;
        if (*end == '\0') return e;
        text = end + 1;
    }
    e.n = 0;
    return e;
}

/* Modes of both signs, but along the last dimension, where the numbers are real, of one. */
static extent kept_of(const muir_model *model)
{
    extent e = extent_of(model->modes);
    for (int d = 0; d + 1 < e.n; d++) e.of[d] *= 2;
    return e;
}

/* Of the dimensions from `first` on. */
static int64_t product(const extent *e, int first)
{
    int64_t all = 1;
    for (int d = first; d < e->n; d++) all *= e->of[d];
    return all;
}

/* How the chips of the cp axis cut the grid: rows along dimension 0, columns along 1; rows 0: not at all. */
typedef struct cut {
    int64_t rows, columns;
} cut;

/* Points and modes, and on the way between them what is whole, must be shared out evenly. */
static bool is_even(const extent *grid, const extent *kept, int64_t rows, int64_t columns)
{
    if (columns > 1 && (grid->n < 3 || grid->of[1] % columns != 0 || product(kept, 2) % columns != 0))
        return false;
    return grid->of[0] % rows == 0 && product(kept, 1) / columns % rows == 0;
}

/* Slabs where they fit: they exchange once. Else the fewest columns, who are neighbours. */
static cut cut_of(const muir_job *job)
{
    const extent grid = extent_of(job->model.grid), kept = kept_of(&job->model);
    const int64_t cp = job->parallel.cp;
    for (int64_t columns = 1; columns <= cp; columns++)
        if (cp % columns == 0 && is_even(&grid, &kept, cp / columns, columns))
            return (cut){cp / columns, columns};
    return (cut){0, 0};
}

static int64_t seq_len(const muir_model *model)
{
    const extent grid = extent_of(model->grid);
    return grid.n > 0 ? product(&grid, 0) : 1;
}

static muir_status check_grid(muir_ctx *ctx, const muir_job *job)
{
    const muir_model *m = &job->model;
    const extent grid = extent_of(m->grid), modes = extent_of(m->modes), kept = kept_of(m);
    bool is_right = grid.n > 1 && modes.n == grid.n;
    for (int d = 0; is_right && d < grid.n; d++)
        is_right = d + 1 < grid.n ? kept.of[d] <= grid.of[d] : kept.of[d] <= grid.of[d] / 2 + 1;
    if (!is_right)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model: grid='%s' modes='%s' must be 2 to 4 sizes each, like 64x64x40 and 8x8x8, of "
                         "modes at most half of the grid's",
                         m->grid, m->modes);
    if (job->batch.seq_len != product(&grid, 0))
        return muir_fail(ctx, MUIR_ERR_ARG, "seq_len=%lld, but a sample has the %lld points of grid=%s",
                         (long long)job->batch.seq_len, (long long)product(&grid, 0), m->grid);
    return MUIR_OK;
}

static muir_status check_layout(muir_ctx *ctx, const muir_job *job)
{
    const muir_parallel *p = &job->parallel;
    if (p->tp != 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.tp=%lld, but family fourier_neural_operator splits points (cp), not "
                         "channels; it must be 1",
                         (long long)p->tp);
    if (cut_of(job).rows == 0)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.cp=%lld cuts grid=%s with modes=%s into equal shares neither as slabs nor "
                         "as pencils",
                         (long long)p->cp, job->model.grid, job->model.modes);
    if (p->ep != 1 && p->ep != p->cp)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "parallel.ep=%lld, but family fourier_neural_operator holds the matrices of all "
                         "modes on each chip (ep=1) or splits them like the points (ep=cp=%lld)",
                         (long long)p->ep, (long long)p->cp);
    return MUIR_OK;
}

static muir_status check(muir_ctx *ctx, const muir_job *job)
{
    const muir_model *m = &job->model;
    muir_status st = MUIR_OK;
    if (m->heads != 1 || m->dense_features < 1)
        return muir_fail(ctx, MUIR_ERR_ARG,
                         "model: heads=%lld dense_features=%lld, but family fourier_neural_operator has no "
                         "attention heads (it must be 1) and needs dense_features of each point",
                         (long long)m->heads, (long long)m->dense_features);
    MUIR_TRY(check_grid(ctx, job));
    MUIR_TRY(check_layout(ctx, job));
done:
    return st;
}

typedef struct operator_sizes {
    extent grid, kept;
    double rows, columns;
    double samples, channels;
    double points, modes; /* of all samples, of one sample; on one chip */
    double act_bytes;
} operator_sizes;

static operator_sizes sizes_of(const muir_job *job)
{
    operator_sizes s = {.grid = extent_of(job->model.grid), .kept = kept_of(&job->model)};
    const muir_sizes sizes = muir_sizes_of(job);
    const cut c = cut_of(job);
    s.rows = (double)c.rows;
    s.columns = (double)c.columns;
    s.samples = (double)job->batch.micro_batch_size;
    s.channels = (double)job->model.hidden;
    s.points = sizes.tokens;
    s.modes = (double)product(&s.kept, 0) / (s.rows * s.columns);
    s.act_bytes = sizes.act_bytes;
    return s;
}

/* Points on a chip along the dimensions before d, while lines along d are whole. */
static double points_before(const operator_sizes *s, int d)
{
    double points = 1.0;
    for (int i = 0; i < d; i++) points *= (double)s->grid.of[i];
    return points / (d > 1 ? s->rows * s->columns : d > 0 ? s->rows : 1.0);
}

/* Chips that share the modes behind d, while lines along d are whole. */
static double sharers(const operator_sizes *s, int d)
{
    return d > 1 ? 1.0 : d > 0 ? s->columns : s->rows * s->columns;
}

/* Lines along d; what lies behind it has been cut down to its modes. */
static void emit_lines(muir_emitter *e, const operator_sizes *s, const char *name, int d)
{
    const double stride = (double)product(&s->kept, d + 1) / sharers(s, d);
    const double lines = s->samples * s->channels * points_before(s, d) * stride;
    const bool is_real = d + 1 == s->grid.n;
    muir_emit_fft(e, name, (double)s->grid.of[d], is_real ? 0.5 * lines : lines, stride);
}

/* Between lines along d + 1 and along d, where d is cut. Blocks are gathered before and spread after, each
 * read and written; that comes first here, since nothing of it hides the exchange. */
static void emit_exchange(muir_emitter *e, const operator_sizes *s, int d)
{
    const double members = d > 1 ? 1.0 : d > 0 ? s->columns : s->rows;
    const double values = s->samples * s->channels * points_before(s, d + 1) *
                          (double)product(&s->kept, d + 1) / sharers(s, d + 1);
    if (members < 2.0) return;
    muir_emit_mem(e, "gather and spread modes", 4.0 * value_bytes * values);
    muir_emit_coll_among(e, "transpose", MUIR_ALL_TO_ALL, MUIR_AXIS_CP, (int64_t)members,
                         d > 0 ? 1 : (int64_t)s->columns, value_bytes * values);
}

/* From points to modes, or back; a gradient takes the same ways. */
static void emit_there(muir_emitter *e, const operator_sizes *s)
{
    for (int d = s->grid.n - 1; d >= 0; d--) {
        emit_exchange(e, s, d);
        emit_lines(e, s, "transform", d);
    }
}

static void emit_back(muir_emitter *e, const operator_sizes *s)
{
    for (int d = 0; d < s->grid.n; d++) {
        emit_lines(e, s, "inverse transform", d);
        emit_exchange(e, s, d);
    }
}

/* A complex product is four real ones. Real and imaginary rows below each other, times real and imaginary
 * parts of the matrix side by side, is all four in one real product for each mode; then they are added in
 * pairs. */
static void emit_modes(muir_emitter *e, const operator_sizes *s, const char *name, double m, double k)
{
    const double n = s->channels;
    muir_emit_gemm_16bit(e, name, 2.0 * m, 2.0 * n, k, s->modes)->gemm.out_bytes = 4.0;
    muir_emit_mem(e, "add in pairs", s->modes * (4.0 + 2.0) * 4.0 * m * n);
}

static void emit_spectral(muir_emitter *e, const operator_sizes *s)
{
    emit_there(e, s);
    emit_modes(e, s, e->phase == MUIR_FORWARD ? "modes" : "modes grad", s->samples, s->channels);
    emit_back(e, s);
}

/* Of a layer its input, the sum and what the norm made of it, and the input's modes; of the last two layers
 * what lies before and after the activation, counted with the others. */
static double activation_bytes(const muir_job *job)
{
    const operator_sizes s = sizes_of(job);
    const bool is_full = job->parallel.recompute == MUIR_RECOMPUTE_FULL;
    const double layer = s.points * s.channels * s.act_bytes * (is_full ? 1.0 : 3.0) +
                         (is_full ? 0.0 : value_bytes * s.samples * s.channels * s.modes);
    return layer + 2.0 * s.points * (double)job->model.ffn * s.act_bytes / (double)job->model.layers;
}

/* The spectrum of the input was kept for the gradient of the matrices, which are few modes of many. */
static void emit_layer(muir_emitter *e)
{
    const operator_sizes s = sizes_of(e->job);
    const double c = s.channels, spectral = 2.0 * c * c * (double)product(&s.kept, 0);
    const double bypass = c * c + 3.0 * c; /* bias, and scale and shift of the norm */
    const bool is_shared = e->job->parallel.ep > 1;
    muir_emit_block(e, (muir_block){.name = "layer",
                                    .role = MUIR_BLOCK_LAYER,
                                    .layers = {0, e->job->model.layers, 1},
                                    .dense_params = is_shared ? bypass : bypass + spectral,
                                    .expert_params = is_shared ? spectral / (double)e->job->parallel.ep : 0.0,
                                    .kept = {{.bytes = activation_bytes(e->job)}},
                                    .n_kept = 1});
    muir_emit_phase(e, MUIR_FORWARD);
    emit_spectral(e, &s);
    muir_emit_product(e, "bypass", s.points, c, c, 1.0);
    muir_emit_norm(e, "sum, norm and activation");
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_recompute(e);
    muir_emit_norm(e, "sum, norm and activation");
    muir_emit_product(e, "bypass grad", s.points, c, c, 1.0);
    emit_spectral(e, &s);
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_long_sum(e, "bypass weight", c, c, s.points);
    emit_modes(e, &s, "modes weight", c, s.samples);
}

/* From the numbers of a point to its channels. Data need no gradient. */
static void emit_lift(muir_emitter *e)
{
    const operator_sizes s = sizes_of(e->job);
    const double in = (double)e->job->model.dense_features;
    muir_emit_block(
        e, (muir_block){.name = "lift", .role = MUIR_BLOCK_FIRST, .dense_params = s.channels * (in + 1.0)});
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_gemm(e, "lift", s.points, s.channels, in, 1.0);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_long_sum(e, "lift weight", in, s.channels, s.points);
}

/* A sample's loss is relative to the size of its data, both of which are sums over all of its points. */
static void emit_project(muir_emitter *e)
{
    const operator_sizes s = sizes_of(e->job);
    const double width = (double)e->job->model.ffn, out = (double)e->job->model.vocab;
    const double pass = e->job->stack.elementwise * s.points * width * s.act_bytes;
    muir_emit_block(e, (muir_block){.name = "project",
                                    .role = MUIR_BLOCK_LAST,
                                    .dense_params = width * (s.channels + 1.0) + out * (width + 1.0)});
    muir_emit_phase(e, MUIR_FORWARD);
    muir_emit_product(e, "project", s.points, width, s.channels, 1.0);
    muir_emit_mem(e, "activation", 2.0 * pass);
    muir_emit_gemm(e, "out", s.points, out, width, 1.0);
    muir_emit_mem(e, "loss", 3.0 * s.points * out * 4.0);
    muir_emit_coll(e, "sums of the loss", MUIR_ALL_REDUCE, MUIR_AXIS_CP, 2.0 * 4.0 * s.samples);
    muir_emit_phase(e, MUIR_BACKWARD);
    muir_emit_gemm(e, "out grad", s.points, width, out, 1.0);
    muir_emit_mem(e, "activation", 3.0 * pass);
    muir_emit_product(e, "project grad", s.points, s.channels, width, 1.0);
    muir_emit_phase(e, MUIR_WEIGHT);
    muir_emit_long_sum(e, "out weight", width, out, s.points);
    muir_emit_long_sum(e, "project weight", s.channels, width, s.points);
}

static void emit(muir_emitter *e)
{
    emit_lift(e);
    emit_layer(e);
    emit_project(e);
}

/* FLOP of one channel's transform of a sample one way, no more modes than are kept. */
static double transform_flop(const extent *grid, const extent *kept)
{
    double flop = 0.0, before = 1.0;
    for (int d = 0; d < grid->n; d++) {
        const double n = (double)grid->of[d], share = d + 1 == grid->n ? 0.5 : 1.0;
        flop += share * 5.0 * n * log2(n) * before * (double)product(kept, d + 1);
        before *= n;
    }
    return flop;
}

/* 6 FLOP a weight and point, less the gradient of the data; 8 for each complex product, three times; and
 * transforms there and back, forward and backward. */
static void add_totals(const muir_job *job, muir_program *p)
{
    const muir_model *m = &job->model;
    const extent grid = extent_of(m->grid), kept = kept_of(m);
    const double c = (double)m->hidden, layers = (double)m->layers, points = (double)product(&grid, 0);
    const double in = (double)m->dense_features, width = (double)m->ffn, out = (double)m->vocab;
    const double modes = (double)product(&kept, 0);
    p->params = layers * (2.0 * c * c * modes + c * c + 3.0 * c) +
                muir_program_block(p, MUIR_BLOCK_FIRST)->dense_params +
                muir_program_block(p, MUIR_BLOCK_LAST)->dense_params;
    p->active_params = p->params;
    p->model_flop = (double)job->batch.global_batch_size *
                    (points * (4.0 * in * c + 6.0 * (layers * c * c + c * width + width * out)) +
                     layers * (24.0 * c * c * modes + 4.0 * c * transform_flop(&grid, &kept)));
}

static const char *const keys[] = {"dense_features", "grid", "modes", NULL};

const muir_family muir_family_fourier_operator = {
    .name = "fourier_neural_operator",
    .keys = keys,
    .has_one_recompute = true,
    .is_headless = true,
    .check = check,
    .emit = emit,
    .seq_len = seq_len,
    .add_totals = add_totals,
    .source = "Li et al., Fourier neural operator, arXiv 2010.08895; Grady et al., arXiv 2204.01205",
};
